"""Where tokens are kept: one file that only its owner can read, one token a portal."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel

from practicum_client.errors import ClientError


class _Held(BaseModel):
    portal: str = ""
    tokens: dict[str, str] = {}


@dataclass(frozen=True)
class Credentials:
    """The file with portals and tokens."""

    path: Path

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Credentials":
        """`practicum/credentials.json` below XDG_CONFIG_HOME, or below ~/.config."""
        config = environ.get("XDG_CONFIG_HOME")
        folder = Path(config) if config else Path.home() / ".config"
        return cls(folder / "practicum" / "credentials.json")

    def portal(self) -> str:
        """Return the portal signed in to last; empty when there is none."""
        return self._read().portal

    def token(self, url: str) -> str:
        """Return the token for a portal; empty when there is none."""
        return self._read().tokens.get(normal(url), "")

    def save(self, url: str, token: str) -> None:
        """Keep the token, and this portal as the one to talk to."""
        address = normal(url)
        self._write(_Held(portal=address, tokens=self._read().tokens | {address: token}))

    def forget(self, url: str) -> bool:
        """Drop a portal's token; return whether there was one."""
        held = self._read()
        address = normal(url)
        if address not in held.tokens:
            return False
        tokens = {other: token for other, token in held.tokens.items() if other != address}
        self._write(_Held(portal=held.portal, tokens=tokens))
        return True

    def _read(self) -> _Held:
        try:
            return _Held.model_validate_json(self.path.read_text())
        except FileNotFoundError:
            return _Held()
        except (OSError, ValueError) as error:
            raise ClientError(
                f"{self.path} can't be read.", "Remove the file and sign in again."
            ) from error

    def _write(self, held: _Held) -> None:
        folder = self.path.parent
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # A new file in place of the old one: never half written, and never readable by others,
        # since mkstemp makes it for its owner alone.
        handle, name = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "w") as file:
            file.write(held.model_dump_json(indent=2))
        Path(name).replace(self.path)


def normal(url: str) -> str:
    """Return a portal's address as it is kept: scheme and host; raises ClientError for others."""
    parts = urlsplit(url if "://" in url else f"https://{url}")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ClientError(
            f"{url!r} is no address of a portal.", "Give it as https://portal.example.org."
        )
    return f"{parts.scheme}://{parts.netloc}"
