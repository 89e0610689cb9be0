"""Sign-in for trying Practicum out: a fixed set of accounts from a file. Not for production."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from jupyterhub.auth import Authenticator
from jupyterhub.handlers.login import LoginHandler, LogoutHandler
from pydantic import BaseModel, ConfigDict, TypeAdapter, field_validator
from traitlets import Unicode

from practicum_hub.languages import choose
from practicum_hub.passwords import PasswordHash


class Account(BaseModel):
    """One demo account."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    password: str
    """The password's hash; never the password."""
    admin: bool = False
    groups: tuple[str, ...] = ()

    @field_validator("password")
    @classmethod
    def _is_hash(cls, text: str) -> str:
        PasswordHash.parse(text)
        return text


_ACCOUNTS = TypeAdapter(dict[str, Account])
_NOBODY = PasswordHash.make("", salt=b"no such account.")
"""Compared with when the name is unknown, so that the time does not tell which names exist."""


def read_accounts(path: Path) -> dict[str, Account]:
    """Read the accounts' file; raises when it is missing or holds a password that is not hashed."""
    return _ACCOUNTS.validate_python(yaml.safe_load(path.read_text()) or {})


class DemoLogin(LoginHandler):  # type: ignore[misc]
    """The sign-in page in the browser's language."""

    def render_template(self, name: str, **values: Any) -> Any:
        """Add the language to what the page is made from."""
        language = choose(self.request.headers.get("Accept-Language", ""))
        return super().render_template(name, language=language, **values)


class PortalLogout(LogoutHandler):  # type: ignore[misc]
    """Signs out of the Hub and leaves at the portal's page for that."""

    async def render_logout_page(self) -> None:
        """Go on to the portal."""
        self.redirect(self.authenticator.logout_url_after)


class DemoAuthenticator(Authenticator):  # type: ignore[misc]
    """Lets in the accounts of a file, with the groups and the admin flag written there."""

    accounts_path = Unicode(help="The file with the accounts.").tag(config=True)
    logout_url_after = Unicode(help="Where a sign-out ends.").tag(config=True)

    def get_handlers(self, app: Any) -> list[tuple[str, type]]:  # noqa: ARG002
        """Return the pages for signing in and out."""
        return [("/login", DemoLogin), ("/logout", PortalLogout)]

    async def authenticate(self, _handler: Any, data: Mapping[str, str]) -> dict[str, Any] | None:
        """Return the account whose name and password these are, or None."""
        name = self.normalize_username(data.get("username", ""))
        account = read_accounts(Path(self.accounts_path)).get(name)
        expected = PasswordHash.parse(account.password) if account else _NOBODY
        matches = await asyncio.to_thread(expected.matches, data.get("password", ""))
        if account is None or not matches:
            return None
        return {"name": name, "admin": account.admin, "groups": list(account.groups)}
