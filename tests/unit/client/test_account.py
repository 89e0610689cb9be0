"""Signing in, staying signed in, and what is said when one is not."""

import json
import stat
from pathlib import Path

import pytest

from practicum_client.credentials import Credentials, normal
from practicum_client.errors import ClientError


def kept(practicum) -> Path:
    return Path(practicum.env["XDG_CONFIG_HOME"]) / "practicum" / "credentials.json"


def test_a_token_is_tried_then_kept_for_its_owner_alone(practicum, portal):
    found = practicum("login", portal.url, "--token-stdin", stdin=portal.token("trainee") + "\n")
    assert found.exit_code == 0, found.output
    assert "as trainee" in found.stderr
    assert portal.token("trainee") not in found.output
    assert stat.S_IMODE(kept(practicum).stat().st_mode) == 0o600

    assert practicum("whoami").stdout.splitlines() == ["trainee", "class-a: trainee"]


def test_a_token_that_is_no_good_is_not_kept(practicum, portal):
    found = practicum("login", portal.url, "--token-stdin", stdin="nonsense\n")
    assert found.exit_code == 3
    assert f"practicum login {portal.url}" in found.stderr
    assert not kept(practicum).exists()


def test_an_expired_token_says_what_to_do(practicum, portal):
    practicum("login", portal.url, "--token-stdin", stdin=portal.token("trainee") + "\n")
    portal.hub.tokens.clear()
    found = practicum("sandbox", "list")
    assert found.exit_code == 3
    assert f"practicum login {portal.url}" in found.stderr


def test_nobody_is_signed_in(practicum):
    found = practicum("labs", "--json")
    assert found.exit_code == 3
    assert json.loads(found.stderr)["error"]["code"] == "signed-out"
    assert found.stdout == ""


def test_signing_out_forgets_the_token(practicum, portal):
    practicum("login", portal.url, "--token-stdin", stdin=portal.token("trainee") + "\n")
    assert practicum("logout").exit_code == 0
    assert portal.token("trainee") not in kept(practicum).read_text()
    assert practicum("whoami").exit_code == 3


def test_without_a_terminal_login_says_how_to_give_the_token(practicum, portal):
    found = practicum("login", portal.url)
    assert found.exit_code == 3
    assert "--token-stdin" in found.stderr


def test_the_token_page_is_found_through_the_portal(portal):
    from practicum_client.portal import Portal

    with Portal(portal.url, "") as client:
        assert client.token_page() == "http://hub.test:8000/hub/token"


def test_a_portal_that_is_away(practicum):
    practicum.env |= {"PRACTICUM_URL": "http://practicum.localhost:1", "PRACTICUM_TOKEN": "x"}
    found = practicum("status")
    assert found.exit_code == 4
    assert "can't be reached" in found.stderr


def test_something_that_is_no_portal(practicum, portal):
    practicum.env |= {"PRACTICUM_URL": f"{portal.url}/elsewhere", "PRACTICUM_TOKEN": "x"}
    assert practicum("whoami").exit_code == 5


def test_a_token_goes_to_its_own_portal_only(tmp_path):
    found = Credentials(tmp_path / "credentials.json")
    found.save("https://one.example.org/", "secret")
    assert found.token("https://one.example.org") == "secret"
    assert found.token("https://two.example.org") == ""
    assert found.token("http://one.example.org") == ""
    assert found.portal() == "https://one.example.org"


def test_a_broken_file_says_so(tmp_path):
    path = tmp_path / "credentials.json"
    path.write_text("{")
    with pytest.raises(ClientError, match="can't be read"):
        Credentials(path).portal()


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("portal.example.org", "https://portal.example.org"),
        ("https://portal.example.org/some/page?x=1", "https://portal.example.org"),
        ("http://practicum.localhost:8080/", "http://practicum.localhost:8080"),
    ],
)
def test_addresses(given, address):
    assert normal(given) == address


@pytest.mark.parametrize("given", ["", "ftp://x", "https://"])
def test_what_is_no_address(given):
    with pytest.raises(ClientError, match="no address"):
        normal(given)


def test_chinese_where_the_environment_says_so(practicum, portal):
    practicum.env["PRACTICUM_LANG"] = "zh_CN.UTF-8"
    assert "你尚未登录" in practicum("labs").stderr
    found = practicum("labs", person="trainee")
    assert "低秩适配" in found.stdout
    assert "实验" in found.stdout
