"""Settings of the Hub's process: one class, from the environment, and the tokens from files."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}:
        raise ValueError("give scheme and host, such as https://hub.example.org")
    return f"{parts.scheme}://{parts.netloc}"


Origin = Annotated[str, AfterValidator(_origin)]
"""A public address without a path."""


class HubSettings(BaseSettings):
    """Settings of the Hub, from `PRACTICUM_HUB_*`."""

    model_config = SettingsConfigDict(
        env_prefix="PRACTICUM_HUB_", frozen=True, use_attribute_docstrings=True
    )

    public_url: Origin
    """Where browsers reach the Hub. Servers are on subdomains of this host."""
    portal_url: Origin
    """Where browsers reach the portal."""
    auth_kind: Literal["oidc", "demo"]
    """How people sign in: an OpenID Connect issuer, or the demo's fixed accounts."""

    namespace: str = "practicum"
    """The namespace of the platform's Services."""
    port: int = 8081
    """Port of the Hub itself."""
    connect_url: str = ""
    """Where proxy and sandboxes reach the Hub; empty means its Service."""
    proxy_api_url: str = ""
    """The proxy's control address; empty means its Service."""
    secrets_path: Path = Path("/etc/practicum/hub-tokens")
    """Folder with the keys of Secret `hub-tokens`."""
    database_url: str = "sqlite:////srv/hub/hub.sqlite"
    """The Hub's database: SQLite on a volume, or postgresql://…"""
    database_url_file: Path | None = None
    """A file with the database's URL, when it holds a password."""
    sandbox_port: int = 8888
    """Port of the notebook server in every sandbox."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """How much is logged."""

    session_days: float = Field(default=7, gt=0)
    """How long a sign-in lasts."""
    token_days: int = Field(default=120, gt=0)
    """The longest life of a token that a person makes for the command line."""
    poll_interval: int = Field(default=30, gt=0)
    """Seconds between looks at each running server."""
    route_check_interval: int = Field(default=30, gt=0)
    """Seconds between checks that the proxy still has every route."""
    slow_spawn_timeout: float = 5
    """Seconds that a request to start waits before it answers with 202."""
    start_timeout: int = 900
    """Seconds that a start from the Hub's own page may take."""
    http_timeout: int = 30
    """Seconds that a registered server may take to answer."""
    concurrent_spawn_limit: int = 200
    """Starts at the same time; the operator paces itself, this is a guard."""
    server_limit: int = 50
    """Server names that a person can make up; the operator has no such limit."""

    demo_accounts: Path = Path("/etc/practicum/demo/accounts.yaml")
    """Accounts of the demo sign-in."""

    oidc_client_id: str = ""
    """Our client at the issuer."""
    oidc_client_secret_file: Path = Path("/etc/practicum/oidc/client-secret")
    """A file with the client's secret."""
    oidc_authorize_url: str = ""
    """The issuer's authorization endpoint."""
    oidc_token_url: str = ""
    """The issuer's token endpoint."""
    oidc_userdata_url: str = ""
    """The issuer's userinfo endpoint."""
    oidc_username_claim: str = "preferred_username"
    """The claim that names a user."""
    oidc_groups_claim: str = "groups"
    """The claim that lists the user's groups; empty when the issuer has none."""
    oidc_scope: tuple[str, ...] = ("openid", "profile", "groups")
    """Scopes to ask for."""
    oidc_allowed_groups: frozenset[str] = frozenset()
    """Groups whose members may sign in; empty lets in everyone whom the issuer knows."""
    oidc_admin_groups: frozenset[str] = frozenset()
    """Groups whose members are platform admins."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = ("oidc_client_id", "oidc_authorize_url", "oidc_token_url", "oidc_userdata_url")
        missing = [name for name in needed if not getattr(self, name)]
        if self.auth_kind == "oidc" and missing:
            names = ", ".join(f"PRACTICUM_HUB_{name.upper()}" for name in missing)
            raise ValueError(f"auth_kind oidc also needs {names}")
        return self

    @property
    def is_secure(self) -> bool:
        """Whether browsers come by https."""
        return self.public_url.startswith("https://")

    @property
    def hub_url(self) -> str:
        """Where the cluster reaches the Hub."""
        return self.connect_url or f"http://hub.{self.namespace}.svc.cluster.local:{self.port}"

    @property
    def proxy_url(self) -> str:
        """Where the Hub reaches the proxy's API."""
        return self.proxy_api_url or f"http://proxy-api.{self.namespace}.svc.cluster.local:8001"

    @property
    def database(self) -> str:
        """The database's URL, with the driver that the image has."""
        url = self.database_url
        if self.database_url_file is not None:
            url = self.database_url_file.read_text().strip()
        return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql+psycopg://", url)


@dataclass(frozen=True)
class HubSecrets:
    """What Secret `hub-tokens` holds for the Hub. Never printed."""

    operator: str = field(repr=False)
    portal: str = field(repr=False)
    prometheus: str = field(repr=False)
    proxy: str = field(repr=False)
    cookie_secret: str = field(repr=False)
    crypt_key: str = field(repr=False)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the mounted Secret; raises FileNotFoundError for a key that is not there."""

        def key(name: str) -> str:
            return (folder / name).read_text().strip()

        return cls(
            operator=key("operator"),
            portal=key("portal"),
            prometheus=key("prometheus"),
            proxy=key("proxy"),
            cookie_secret=key("cookie-secret"),
            crypt_key=key("crypt-key"),
        )
