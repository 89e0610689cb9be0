"""Hub and proxy killed at any moment: nothing is lost or stopped, no token is left over."""

import contextlib
import threading

import httpx


def route(site, sandbox):
    origin = f"http://trainee.practicum.localhost:{site.ports['proxy']}"
    return site.client.get(f"{origin}{sandbox.prefix}api")


def test_a_running_server_outlives_the_hub_and_can_then_be_revoked(site, wait):
    sandbox = site.sandbox()
    sandbox.connect()
    site.hub.kill()
    assert route(site, sandbox).json()["served_by"] == sandbox.address
    site.start_hub()
    wait("ready again", sandbox.is_ready)
    assert sandbox.scopes_of_token()
    assert site.cluster.patches(sandbox.name) == []

    sandbox.status(phase="Suspended", podIp="")
    wait("dropped", lambda: not sandbox.is_ready())
    assert sandbox.scopes_of_token() is None


def test_a_hub_killed_mid_spawn_harms_no_sandbox(site, wait):
    sandbox = site.sandbox()
    sandbox.status(phase="Starting")
    start = f"/users/trainee/servers/{sandbox.server}"

    def ask():
        with contextlib.suppress(httpx.HTTPError):
            site.api("POST", start, "trainee")

    person = threading.Thread(target=ask)
    person.start()
    wait("pending", lambda: sandbox.at_hub().get("pending") == "spawn")
    site.hub.kill()
    person.join()
    sandbox.serve()
    site.start_hub()

    wait("not pending any more", lambda: not sandbox.at_hub().get("pending"))
    assert sandbox.desired == "Running"
    assert site.cluster.patches(sandbox.name) == []
    wait("ready", sandbox.insist)
    assert sandbox.scopes_of_token()
    assert route(site, sandbox).json()["served_by"] == sandbox.address


def test_a_restart_while_the_cluster_is_away_keeps_every_server(site, wait):
    sandbox = site.sandbox()
    sandbox.connect()
    site.cluster.failure = 503
    site.restart_hub()
    wait("checked", sandbox.is_ready)
    assert route(site, sandbox).json()["served_by"] == sandbox.address
    assert sandbox.scopes_of_token()
    site.cluster.failure = None
    wait("known again", lambda: "keeping what is known" in site.hub.log.read_text())
    sandbox.status(phase="Suspended", podIp="")
    wait("dropped", lambda: not sandbox.is_ready())
    assert sandbox.scopes_of_token() is None


def test_a_server_that_ended_while_the_hub_was_down_is_dropped(site, wait):
    sandbox = site.sandbox()
    sandbox.connect()
    old = sandbox.token
    site.hub.kill()
    sandbox.serve()
    site.start_hub()
    wait("dropped", lambda: not sandbox.is_ready() and not sandbox.at_hub().get("pending"))
    wait("ready", sandbox.insist)
    assert sandbox.scopes_of_token()
    sandbox.tokens.append(old)
    assert sandbox.scopes_of_token() is None


def test_a_server_that_does_not_answer_after_a_restart_keeps_its_wish(site, wait):
    sandbox = site.sandbox()
    sandbox.connect()
    site.hub.kill()
    sandbox.status(podIp="127.9.255.253")
    site.start_hub()
    wait("given up", lambda: not sandbox.is_ready() and not sandbox.at_hub().get("pending"))
    assert sandbox.desired == "Running"
    assert site.cluster.patches(sandbox.name) == []


def test_a_proxy_that_lost_its_routes_gets_them_back(site, wait):
    sandbox = site.sandbox()
    sandbox.connect()
    site.proxy.kill()
    site.proxy.start()
    wait("the routes are back by themselves", lambda: _served(site, sandbox))


def test_the_operator_can_ask_for_the_routes_at_once(site, wait):
    sandbox = site.sandbox()
    sandbox.connect()
    site.proxy.kill()
    site.proxy.start()

    def synced():
        return site.api("POST", "/proxy", "operator").status_code == 200

    wait("the proxy takes routes", synced)
    assert _served(site, sandbox)
    assert site.api("POST", "/proxy", "portal").status_code == 403


def _served(site, sandbox):
    with contextlib.suppress(httpx.HTTPError):
        answer = route(site, sandbox)
        return answer.status_code == 200 and answer.json()["served_by"] == sandbox.address
    return False
