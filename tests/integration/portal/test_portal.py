"""The portal among real neighbours: an API server, a Hub, a crash."""

import threading

import httpx
import pytest

BODY = {"cohort": "spring", "lab": "lora"}
NAMESPACE = "practicum-spring"
NAME = "trainee--lora"


def csrf(browser, portal):
    """Return what the portal's pages carry for this session."""
    import hashlib
    import hmac

    secret = browser.cookies.get("practicum", domain="practicum.localhost.local") or next(
        cookie.value for cookie in browser.cookies.jar if cookie.name == "practicum"
    )
    return hmac.digest(b"s" * 40, b"csrf:" + secret.encode(), hashlib.sha256).hex()


def test_a_browser_signs_in_starts_and_signs_out(portal, room):
    browser = portal.sign_in("trainee")
    me = browser.get("/api/v1/me").json()
    assert (me["name"], me["admin"], me["cohorts"]) == ("trainee", False, {"spring": "trainee"})
    browser.headers["X-CSRF-Token"] = csrf(browser, portal)
    started = browser.post("/api/v1/sandboxes", json=BODY)
    assert started.status_code == 202, started.text
    stored = room.sandbox(NAME)
    assert stored["spec"]["owner"] == "trainee"
    assert stored["metadata"]["managedFields"][0]["manager"] == "practicum-portal"
    out = browser.post("/logout")
    assert out.headers["location"] == f"{portal.hub.public}/hub/logout"
    assert browser.get("/api/v1/me").status_code == 401
    again = browser.get(browser.get("/login").headers["location"])
    assert again.status_code == 302
    assert "code=" in again.headers["location"]
    browser.get(out.headers["location"])
    after = browser.get(browser.get("/login").headers["location"])
    assert "/hub/login" in after.headers["location"]


def test_a_code_can_not_be_used_without_the_verifier(portal):
    browser = portal.client()
    first = browser.get(browser.get("/login").headers["location"])
    following = httpx.URL(first.headers["location"]).params["next"]
    answer = portal.hub.sign_in(browser, "trainee", following)
    while answer.is_redirect and "oauth/callback" not in answer.headers["location"]:
        answer = browser.get(answer.next_request.url)
    thief = portal.client()
    stolen = thief.get(answer.headers["location"])
    assert (stolen.status_code, stolen.json()["code"]) == (400, "sign-in-stale")


def test_a_users_token_works_and_ends_with_its_user(portal):
    portal.hub.api("POST", "/users/leaver", "portal")
    answer = portal.hub.api("POST", "/users/leaver/tokens", "admin", json={"note": "cli"})
    assert answer.status_code == 201, answer.text
    client = portal.client(answer.json()["token"])
    assert client.get("/api/v1/me").json()["name"] == "leaver"
    portal.hub.api("DELETE", "/users/leaver", "portal")
    portal.until("the token is refused", lambda: client.get("/api/v1/me").status_code == 401)


def test_every_verb_on_a_real_api_server(portal, room):
    trainee = portal.client(portal.hub.token_of("trainee"))
    url = f"/api/v1/sandboxes/spring/{NAME}"
    assert trainee.post("/api/v1/sandboxes", json=BODY).status_code == 202
    room.status(
        "sandbox",
        NAME,
        namespace=NAMESPACE,
        phase="Running",
        attempt=1,
        startedAt="2026-03-01T08:00:00Z",
        deadline="2026-03-01T16:00:00Z",
    )
    portal.until("it runs", lambda: trainee.get(url).json()["phase"] == "Running")
    assert trainee.post(f"{url}/extend", json={"minutes": 30}).status_code == 202
    assert room.sandbox(NAME)["spec"]["deadline"] == "2026-03-01T16:30:00Z"
    assert trainee.post(f"{url}/reset").status_code == 202
    assert trainee.post(f"{url}/restart").status_code == 202
    assert trainee.post(f"{url}/suspend").status_code == 202
    spec = room.sandbox(NAME)["spec"]
    assert (spec["desiredState"], "deadline" in spec) == ("Suspended", False)
    assert spec["reset"] != spec["restart"]
    assert trainee.patch(url, json={"desired_state": "Running"}).status_code == 200
    assert trainee.delete(f"{url}?workspace=true").status_code == 204
    portal.until("it is gone", lambda: NAME not in room.sandboxes())
    portal.until("the portal heard", lambda: trainee.get(url).status_code == 404)


def test_what_the_crd_forbids_is_told_with_the_field(portal):
    admin = portal.client(portal.hub.token_of("admin"))
    quota = {"accelerators": [{"class_name": "a", "count": 1}, {"class_name": "a", "count": 2}]}
    answer = admin.post("/api/v1/cohorts", json={"name": "twice", "quota": quota})
    assert (answer.status_code, answer.json()["code"]) == (422, "refused-by-cluster")
    assert "quota.accelerators" in answer.json()["errors"][0]["field"]


def test_an_admin_makes_and_removes_a_cohort(portal, room):
    admin = portal.client(portal.hub.token_of("admin"))
    draft = {"name": "autumn", "labs": ["lora"], "quota": {"sandboxes": 3, "memory": "8Gi"}}
    made = admin.post("/api/v1/cohorts", json=draft)
    assert made.status_code == 201, made.text
    changed = admin.patch("/api/v1/cohorts/autumn", json={"quota": {"cpu": 4}})
    assert changed.status_code == 200, changed.text
    stored = room.cluster.get("cohort", "autumn")["spec"]["quota"]
    assert (stored.get("cpu"), stored.get("sandboxes"), stored.get("memory")) == ("4", None, None)
    assert admin.delete("/api/v1/cohorts/autumn").status_code == 202
    portal.until("gone", lambda: admin.get("/api/v1/cohorts/autumn").status_code == 404)


def test_without_the_cohorts_binding_the_portal_says_that_it_lacks_a_permission(portal, room):
    room.cluster.kubectl("delete", "rolebinding", "practicum-portal", f"--namespace={NAMESPACE}")
    trainee = portal.client(portal.hub.token_of("trainee"))
    try:
        answer = trainee.post("/api/v1/sandboxes", json=BODY)
        assert (answer.status_code, answer.json()["code"]) == (503, "portal-not-allowed")
    finally:
        room.cohort()


def test_a_roster_makes_accounts_at_the_hub(portal):
    instructor = portal.client(portal.hub.token_of("instructor"))
    roster = "user,name\nMing@Example.org,明\n李雷,李雷\n"
    answer = instructor.put(
        "/api/v1/cohorts/spring/roster",
        content=roster.encode(),
        headers={"Content-Type": "text/csv"},
    )
    assert answer.json()["created"] == ["ming@example.org", "李雷"], answer.text
    for user in ("ming@example.org", "李雷"):
        assert portal.hub.api("GET", f"/users/{user}", "portal").status_code == 200
    again = instructor.put(
        "/api/v1/cohorts/spring/roster",
        content=roster.encode(),
        headers={"Content-Type": "text/csv"},
    )
    assert (again.json()["unchanged"], again.json()["new_accounts"]) == (
        ["ming@example.org", "李雷"],
        [],
    )


@pytest.fixture
def reporter(portal, room):
    """A client with the real token of trainee's sandbox, which the Hub has adopted."""
    trainee = portal.client(portal.hub.token_of("trainee"))
    assert trainee.post("/api/v1/sandboxes", json=BODY).status_code == 202
    at_hub = portal.hub.sandbox("trainee", "lora")
    at_hub.connect()
    yield portal.client(at_hub.token)
    at_hub.unregister()
    at_hub.delete()


def point(seq):
    return {"seq": seq, "step": seq, "time": 1.0, "values": {"accuracy": 0.5, "loss": "NaN"}}


def test_a_sandboxs_own_token_reports_and_can_do_nothing_else(portal, reporter):
    made = reporter.put("/api/v1/runs/integration1", json={"name": "first"})
    assert made.status_code == 200, made.text
    assert (made.json()["owner"], made.json()["sandbox"]) == ("trainee", NAME)
    sent = reporter.post("/api/v1/runs/integration1/points", json={"points": [point(0)]})
    assert sent.json()["accepted"] == 1
    for method, path in (("GET", "/api/v1/me"), ("POST", "/api/v1/sandboxes")):
        answer = reporter.request(method, path, json=BODY)
        assert (answer.status_code, answer.json()["code"]) == (403, "token-scope")
    trainee = portal.client(portal.hub.token_of("trainee"))
    sent = trainee.post("/api/v1/runs/integration1/points", json={"points": [point(1)]})
    assert sent.status_code == 403
    run = trainee.get("/api/v1/runs/integration1").json()
    assert run["points"] == 1


def test_killed_while_a_run_logs_it_loses_and_doubles_nothing(portal, reporter):
    run, total = "/api/v1/runs/integration2", 200
    assert reporter.put(run, json={"name": "long"}).status_code == 200
    resent = []

    def log():
        for seq in range(total):
            while True:
                try:
                    answer = reporter.post(f"{run}/points", json={"points": [point(seq)]})
                except httpx.HTTPError:
                    resent.append(seq)
                    threading.Event().wait(0.05)
                    continue
                if answer.status_code == 200:
                    break
                threading.Event().wait(0.2 if answer.status_code == 429 else 0.05)

    logging = threading.Thread(target=log)
    logging.start()
    trainee = portal.client(portal.hub.token_of("trainee"))
    portal.until("it logs", lambda: trainee.get(run).json()["points"] > 20)
    portal.kill()
    portal.until("points were missed", lambda: resent)
    portal.start()
    logging.join(90)
    assert not logging.is_alive()
    shown = trainee.get(run).json()
    assert (shown["points"], shown["metrics"][0]["count"]) == (total, total)
    points = trainee.get(f"{run}/points?limit=5000").json()["points"]
    assert sorted(item["seq"] for item in points) == list(range(total))


def test_an_api_server_that_restarts_is_followed_again(portal, room):
    trainee = portal.client(portal.hub.token_of("trainee"))
    assert trainee.post("/api/v1/sandboxes", json=BODY).status_code == 202
    room.plane.kill_api_server()
    try:
        away = trainee.post(f"/api/v1/sandboxes/spring/{NAME}/suspend")
        assert (away.status_code, away.json()["code"]) == (503, "cluster-away")
        assert trainee.get("/api/v1/sandboxes").json()["items"][0]["name"] == NAME
    finally:
        room.plane.restart_api_server()
    answer = portal.until(
        "writing works again",
        lambda: trainee.post(f"/api/v1/sandboxes/spring/{NAME}/suspend").status_code == 202,
    )
    assert answer
    room.status("sandbox", NAME, namespace=NAMESPACE, phase="Suspended")
    url = f"/api/v1/sandboxes/spring/{NAME}"
    portal.until("it follows", lambda: trainee.get(url).json()["phase"] == "Suspended")


def test_a_hub_that_is_down_is_a_503_and_comes_back(portal):
    trainee = portal.client(portal.hub.token_of("trainee"))
    assert trainee.get("/api/v1/me").status_code == 200
    portal.hub.hub.kill()
    try:
        portal.until("the memory is over", lambda: trainee.get("/api/v1/me").status_code == 503)
    finally:
        portal.hub.start_hub()
    portal.until("it is back", lambda: trainee.get("/api/v1/me").status_code == 200)


def test_it_ends_when_told_though_streams_are_open(portal):
    trainee = portal.client(portal.hub.token_of("trainee"))
    with trainee.stream("GET", "/api/v1/sandboxes/events") as response:
        lines = response.iter_lines()
        assert next(lines) == "retry: 3000"
        assert portal.terminate() == 0
        assert [line for line in lines if line.startswith("data")] == []
    portal.start()
    assert not portal.log.partition("Traceback")[2]


def test_metrics_are_on_their_own_port_alone(portal):
    text = httpx.get(f"http://127.0.0.1:{portal.metrics_port}/metrics").text
    assert "practicum_portal_requests_seconds_bucket" in text
    assert portal.client().get("/metrics").status_code in {401, 404}


def test_no_secret_is_in_the_log(portal):
    log = portal.log
    for hidden in (*portal.hub.secrets.values(), portal.hub.token_of("trainee"), "s" * 40):
        assert hidden not in log
