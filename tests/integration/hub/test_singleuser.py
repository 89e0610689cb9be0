"""A real jupyterhub-singleuser, started as the operator's Pod starts it, on its own origin."""

import json
import os
import sys
from urllib.parse import urljoin

import pytest

from practicum_operator.environment import Addresses, hub_environment


def environment(site, sandbox):
    api = f"http://127.0.0.1:{site.ports['hub']}/hub/api"
    return hub_environment(sandbox.owner, sandbox.server, Addresses(site.public, api, site.portal))


@pytest.fixture
def serve(site, wait, process, tmp_path):
    """Starts jupyterhub-singleuser for a sandbox, registers it, and returns the sandbox."""
    started = []

    def start(owner):
        sandbox = site.sandbox(owner)
        sandbox.serve()
        env = environment(site, sandbox)
        url = env["JUPYTERHUB_SERVICE_URL"]
        own_address = f"http://127.0.0.1:{site.ports['sandbox']}"
        env["JUPYTERHUB_SERVICE_URL"] = url.replace("http://0.0.0.0:8888", own_address)
        folder = tmp_path / str(len(started))
        folder.mkdir()
        env |= {
            "JUPYTERHUB_API_TOKEN": sandbox.token,
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
        }
        argv = [sys.executable, "-m", "jupyterhub.singleuser", "--allow-root"]
        child = process(argv, folder / "singleuser.log", env)
        started.append(child)
        child.start()
        wait(
            "it answers",
            lambda: child.check() or site.answers(f"{own_address}{sandbox.prefix}api"),
        )
        sandbox.status(podIp="127.0.0.1")
        wait("ready at the Hub", sandbox.insist)
        return sandbox

    yield start
    for child in started:
        child.kill()


def visit(site, browser, url):
    """Follow redirects among Hub and sandboxes; return the last answer."""
    answer = browser.get(url)
    for _ in range(20):
        if not answer.is_redirect:
            return answer
        answer = browser.get(urljoin(str(answer.url), answer.headers["Location"]))
    raise AssertionError(f"redirects for ever: {answer.url}")


@pytest.mark.parametrize("owner", ["ming@example.org", "张三"])
def test_the_owner_gets_in_on_their_own_origin(site, serve, owner):
    sandbox = serve(owner)
    url = sandbox.at_hub()["full_url"]
    with site.browser() as browser:
        site.sign_in(browser, owner)
        assert str(visit(site, browser, f"{url}files/none").url).startswith(url)
        answer = browser.get(f"{url}api/status")
        assert answer.status_code == 200
        assert "kernels" in answer.json()
        mine = [cookie for cookie in browser.cookies.jar if cookie.path.startswith("/user/")]
        assert mine
        assert {cookie.domain for cookie in mine} == {answer.url.host}


def test_others_do_not_get_in(site, serve):
    sandbox = serve("trainee")
    url = sandbox.at_hub()["full_url"]
    assert site.client.get(f"{url}api/status").status_code == 403
    for person in ("trainee-2", "instructor"):
        with site.browser() as browser:
            site.sign_in(browser, person)
            assert visit(site, browser, f"{url}files/none").status_code == 403
            assert browser.get(f"{url}api/status").status_code == 403
        header = {"Authorization": f"token {site.token_of(person)}"}
        assert site.client.get(f"{url}api/status", headers=header).status_code == 403


def test_its_token_opens_itself_and_reports_its_activity(site, serve, wait):
    sandbox = serve("trainee")
    url = f"{sandbox.at_hub()['full_url']}api/status"
    header = {"Authorization": f"token {sandbox.token}"}
    assert site.client.get(url, headers=header).status_code == 200
    wait("activity is noted", lambda: sandbox.at_hub()["last_activity"])


DUMP = """
import json, pathlib
def dump(spawner):
    env = spawner.get_env()
    path = pathlib.Path({folder!r}) / f"{{spawner.name}}.json"
    path.write_text(json.dumps(env))
c.SandboxSpawner.pre_spawn_hook = dump
"""


@pytest.mark.parametrize("public_url", ["", "https://hub.example.org"])
def test_the_operators_environment_is_what_the_hub_would_give(make_site, tmp_path, public_url):
    more = {"public_url": public_url} if public_url else {}
    site = make_site(DUMP.format(folder=str(tmp_path)), **more)
    site.public = public_url or site.public
    site.start()
    for owner in ("trainee", "ming@example.org", "张三"):
        site.api("POST", f"/users/{owner}", "portal")
        sandbox = site.sandbox(owner)
        sandbox.connect()
        given = json.loads((tmp_path / f"{sandbox.server}.json").read_text())
        ours = environment(site, sandbox)
        for name in ("JUPYTERHUB_SERVICE_URL", "JUPYTERHUB_ACTIVITY_INTERVAL"):
            ours.pop(name)
        assert {name: _plain(given[name]) for name in ours} == {
            name: _plain(value) for name, value in ours.items()
        }
        others = {name for name in given if name.startswith("JUPYTERHUB_")} - set(ours)
        assert others == {
            "JUPYTERHUB_API_TOKEN",
            "JUPYTERHUB_OAUTH_SCOPES",
            "JUPYTERHUB_SERVICE_URL",
        }


def _plain(value):
    return json.loads(value) if value[:1] in "[{" else value
