"""Settings, languages, passwords and accounts: the small pure parts."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from traitlets.config import Config

from practicum_hub import access, config
from practicum_hub.demo import read_accounts
from practicum_hub.languages import choose
from practicum_hub.passwords import PasswordHash
from practicum_hub.settings import HubSecrets, HubSettings

BASE: dict[str, Any] = {
    "public_url": "https://hub.example.org",
    "portal_url": "https://portal.example.org/",
}


def settings(**more: Any) -> HubSettings:
    return HubSettings(**BASE | {"auth_kind": "demo"} | more)


SECRETS = HubSecrets("o", "p", "m", "x", "ab" * 32, "cd" * 32)
OIDC: dict[str, Any] = {
    "oidc_client_id": "practicum",
    "oidc_authorize_url": "https://id.example.org/auth",
    "oidc_token_url": "https://id.example.org/token",
    "oidc_userdata_url": "https://id.example.org/me",
}


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("zh", "zh-CN"),
        ("zh-TW,en;q=0.5", "zh-CN"),
        ("en;q=0.5, zh;q=0.9", "zh-CN"),
        ("de, zh;q=0.1", "zh-CN"),
        ("zh;q=0", "en"),
        ("en-GB,zh;q=nonsense", "en"),
        ("*", "en"),
        ("z", "en"),
    ],
)
def test_languages(header: str, language: str) -> None:
    assert choose(header) == language


def test_passwords_match_only_themselves() -> None:
    written = str(PasswordHash.make("correct horse"))
    assert "correct" not in written
    read = PasswordHash.parse(written)
    assert read.matches("correct horse")
    assert not read.matches("correct horse ")
    assert str(PasswordHash.make("correct horse")) != written


@pytest.mark.parametrize("text", ["", "secret", "scrypt$1$2$3$4", "scrypt$x$8$1$YQ==$YQ=="])
def test_what_is_no_hash_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"scrypt|invalid literal"):
        PasswordHash.parse(text)


def test_an_account_with_a_plain_password_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "accounts.yaml"
    path.write_text("trainee: {password: secret}\n")
    with pytest.raises(ValidationError):
        read_accounts(path)
    path.write_text("")
    assert read_accounts(path) == {}


def test_addresses_are_checked() -> None:
    with pytest.raises(ValidationError, match="such as https"):
        settings(public_url="hub.example.org")
    with pytest.raises(ValidationError, match="such as https"):
        settings(portal_url="https://x/path")


def test_the_kind_of_sign_in_has_no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in BASE.items():
        monkeypatch.setenv(f"PRACTICUM_HUB_{name.upper()}", value)
    with pytest.raises(ValidationError, match="auth_kind"):
        HubSettings()
    monkeypatch.setenv("PRACTICUM_HUB_AUTH_KIND", "oidc")
    with pytest.raises(ValidationError, match="PRACTICUM_HUB_OIDC_CLIENT_ID"):
        HubSettings()


def test_services_are_found_in_the_namespace() -> None:
    found = settings(namespace="school")
    assert found.hub_url == "http://hub.school.svc.cluster.local:8081"
    assert found.proxy_url == "http://proxy-api.school.svc.cluster.local:8001"


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("sqlite:////srv/x.sqlite", "sqlite:////srv/x.sqlite"),
        ("postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgres://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgresql+asyncpg://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
    ],
)
def test_database_urls(given: str, used: str, tmp_path: Path) -> None:
    assert settings(database_url=given).database == used
    path = tmp_path / "url"
    path.write_text(f"{given}\n")
    assert settings(database_url_file=path).database == used


def test_secrets_are_not_shown() -> None:
    assert repr(SECRETS) == "HubSecrets()"


def test_https_hardens_cookies(tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.yaml"
    accounts.write_text("{}")
    c = Config()
    config.configure(c, settings(demo_accounts=accounts), SECRETS)
    assert c.JupyterHub.cookie_host_prefix_enabled is True
    assert c.JupyterHub.public_url == "https://hub.example.org/"
    assert c.JupyterHub.default_url == "https://portal.example.org/"


def test_demo_accounts_are_there_before_their_first_sign_in(tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.yaml"
    hashed = str(PasswordHash.make("x"))
    entries = {"admin": {"password": hashed, "admin": True}, "trainee": {"password": hashed}}
    accounts.write_text(yaml.safe_dump(entries))
    c = Config()
    config.configure(c, settings(demo_accounts=accounts), SECRETS)
    assert c.DemoAuthenticator.allowed_users == {"admin", "trainee"}
    assert c.DemoAuthenticator.admin_users == {"admin"}


@pytest.mark.parametrize("groups", [(), ("course",)])
def test_oidc(tmp_path: Path, groups: tuple[str, ...]) -> None:
    secret = tmp_path / "client-secret"
    secret.write_text("s3cret\n")
    found = settings(
        **OIDC,
        auth_kind="oidc",
        oidc_client_secret_file=secret,
        oidc_allowed_groups=groups,
        oidc_admin_groups=("staff",),
    )
    c = Config()
    config.configure(c, found, SECRETS)
    oidc = c.GenericOAuthenticator
    assert oidc.client_secret == "s3cret"
    assert oidc.admin_groups == {"staff"}
    assert oidc.get("allow_all", False) is not bool(groups)
    assert oidc.get("allowed_groups", set()) == set(groups)


def test_hosts_of_services_are_nobodys() -> None:
    assert config.subdomain("trainee", "hub.example.org", "user") == "trainee.hub.example.org"
    assert config.subdomain("portal", "hub.example.org", "user") != "portal.hub.example.org"


def test_no_token_in_a_sandbox_can_start_or_share() -> None:
    words = " ".join(access.SERVER_TOKEN_SCOPES)
    assert "shares" not in words
    assert "servers!" not in words.replace("access:servers!server", "")
