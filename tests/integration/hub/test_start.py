"""Starts: who may, what they wait for, and how they end when they can't go on."""

import threading

import httpx


def test_the_operator_connects_a_server_that_answers(site):
    sandbox = site.sandbox()
    sandbox.connect()

    origin = f"http://trainee.practicum.localhost:{site.ports['proxy']}"
    page = site.client.get(f"{origin}{sandbox.prefix}api")
    assert page.json()["served_by"] == sandbox.address
    assert sandbox.at_hub()["url"] == sandbox.at_hub()["full_url"] == f"{origin}{sandbox.prefix}"
    assert site.cluster.patches(sandbox.name) == []


def test_the_hub_adopts_the_operators_token_and_keeps_it_to_its_server(site):
    sandbox = site.sandbox()
    sandbox.connect()

    server = f"trainee/{sandbox.server}"
    scopes = sandbox.scopes_of_token()
    assert f"access:servers!server={server}" in scopes
    assert f"custom:practicum:report!server={server}" in scopes
    assert "custom:practicum:report" not in scopes
    assert "users:activity!user=trainee" in scopes


def test_old_status_is_not_taken_for_the_answer_to_a_new_wish(site, wait):
    sandbox = site.sandbox()
    sandbox.serve()
    body = sandbox.body
    body["spec"]["restart"] = "once-more"
    body["metadata"]["generation"] += 1
    site.cluster.put(body)

    threading.Thread(
        target=site.api, args=("POST", f"/users/trainee/servers/{sandbox.server}", "trainee")
    ).start()
    wait("the spawn is pending", lambda: sandbox.at_hub().get("pending") == "spawn")
    assert not sandbox.is_ready()
    first = sandbox.token
    sandbox.serve()
    wait("ready at the Hub", sandbox.is_ready)
    assert sandbox.scopes_of_token()
    sandbox.tokens.append(first)
    assert sandbox.scopes_of_token() is None


def test_nobody_resumes_at_the_hub_which_knows_no_roster(site):
    sandbox = site.sandbox()
    sandbox.serve()
    sandbox.suspend()

    start = f"/users/trainee/servers/{sandbox.server}"
    for answer in (sandbox.register(), site.api("POST", start, "trainee")):
        assert answer.status_code == 409
        assert "Resume it in the portal" in answer.json()["message"]
    assert sandbox.desired == "Suspended"
    assert site.cluster.patches(sandbox.name) == []


def test_a_queued_start_sends_the_person_to_the_portal(site):
    sandbox = site.sandbox()
    sandbox.status(phase="Queued", queue={"position": 3, "message": "3rd of 7 for an A100."})

    answer = site.api("POST", f"/users/trainee/servers/{sandbox.server}", "trainee")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "30"
    message = answer.json()["message"]
    assert "3rd of 7 for an A100." in message
    assert site.portal in message
    assert sandbox.desired == "Running"
    assert site.cluster.patches(sandbox.name) == []


def test_a_refusal_is_no_error_of_the_hub(site):
    sandbox = site.sandbox()
    sandbox.status(phase="Stalled", conditions=[_ready("ImageUnavailable", "No such image.")])
    answer = sandbox.register()
    assert answer.status_code == 409
    assert "No such image." in answer.json()["message"]

    metrics = site.request("GET", "/hub/metrics", token=site.secrets["prometheus"]).text
    counted = [line for line in metrics.splitlines() if 'reason="stalled"' in line]
    assert counted
    assert all('status="failure"' in line for line in counted)


def test_the_hub_never_makes_a_sandbox(site):
    answer = site.api("POST", "/users/trainee/servers/not-made", "trainee")
    assert answer.status_code == 409
    assert "Start a lab in the portal" in answer.json()["message"]
    assert not [request for request in site.cluster.requests if request[0] == "POST"]


def test_the_default_server_is_refused(site):
    answer = site.api("POST", "/users/trainee/server", "trainee")
    assert answer.status_code == 400
    assert "Open the portal" in answer.json()["message"]


def test_options_change_nothing(site, wait):
    other = site.sandbox("trainee-2")
    other.serve()
    sandbox = site.sandbox()
    sandbox.serve()
    options = {"image": "evil", "sandbox": other.name, "namespace": other.namespace}
    site.api(
        "POST",
        f"/users/trainee/servers/{sandbox.server}",
        "trainee",
        json={"user_options": options, "display_name": other.server},
    )
    wait("ready at the Hub", sandbox.is_ready)
    origin = f"http://trainee.practicum.localhost:{site.ports['proxy']}"
    assert site.client.get(f"{origin}{sandbox.prefix}").json()["served_by"] == sandbox.address


def test_a_name_that_no_sandbox_can_have_is_refused(site):
    for name in ("x" * 31, "Lab", "a--b", "a-"):
        answer = site.api("POST", f"/users/trainee/servers/{name}", "trainee")
        assert answer.status_code == 400, name


def test_of_two_sandboxes_of_one_server_the_older_counts(site):
    young = site.sandbox(namespace="practicum-autumn", created="2026-02-01T00:00:00Z")
    young.serve()
    old = site.sandbox(server=young.server)
    old.connect()
    origin = f"http://trainee.practicum.localhost:{site.ports['proxy']}"
    assert site.client.get(f"{origin}{old.prefix}").json()["served_by"] == old.address


def test_a_sandbox_outside_the_cohorts_is_not_seen(site):
    sandbox = site.sandbox(namespace="someone-elses")
    sandbox.serve()
    assert sandbox.register().status_code == 409


def test_a_start_without_its_secret_can_be_tried_again(site, wait):
    sandbox = site.sandbox()
    site.cluster.serve(sandbox.address)
    sandbox.status(phase="Starting", attempt=1, podIp=sandbox.address)
    answer = sandbox.register()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    sandbox.connect()


def test_a_hub_whose_cluster_is_away_says_so_and_loses_nothing(site, wait):
    sandbox = site.sandbox()
    sandbox.serve()
    sandbox.connect()
    waiting = site.sandbox()
    waiting.serve()
    site.cluster.failure = 500
    site.cluster.break_watches()
    assert waiting.register().status_code in {202, 503}
    assert not waiting.is_ready()
    site.cluster.failure = None
    wait("ready at the Hub", waiting.insist)
    assert sandbox.is_ready()


def test_a_watch_that_fell_behind_lists_again(site, wait):
    site.sandbox().connect()
    gone = site.sandbox()
    gone.connect()
    site.cluster.break_watches()
    gone.delete()
    site.cluster.forget_history()
    wait("the Hub lets go of what was deleted meanwhile", lambda: not gone.is_ready())
    site.sandbox().connect()


def test_progress_speaks_of_stages(site, wait):
    sandbox = site.sandbox()
    sandbox.status(
        phase="Starting", stages=[{"stage": "Preparing", "began": "2026-01-01T00:00:00Z"}]
    )
    start = threading.Thread(
        target=site.api, args=("POST", f"/users/trainee/servers/{sandbox.server}", "trainee")
    )
    start.start()
    wait("pending", lambda: sandbox.at_hub().get("pending") == "spawn")
    url = f"http://127.0.0.1:{site.ports['hub']}/hub/api/users/trainee/servers/{sandbox.server}"
    headers = {"Authorization": f"token {site.token_of('trainee')}"}
    said = []
    with httpx.stream("GET", f"{url}/progress", headers=headers, timeout=60) as events:
        for line in events.iter_lines():
            said.append(line)
            if "Preparing" in line:
                sandbox.serve()
            if '"ready": true' in line:
                break
    start.join()
    text = "\n".join(said)
    assert "Getting the workspace and the image." in text
    assert "Connecting the address." in text


def test_a_start_that_is_accepted_twice_is_ready_only_once_it_is(site):
    """After a failed spawn JupyterHub may answer 201 to a start that still waits (6.1)."""
    sandbox = site.sandbox()
    sandbox.status(phase="Queued", queue={"position": 1})
    assert sandbox.register().status_code == 503
    sandbox.status(phase="Starting")
    sandbox.register()
    assert not sandbox.is_ready()
    sandbox.serve()
    sandbox.connect()


def _ready(reason: str, message: str) -> dict[str, str]:
    return {"type": "Ready", "status": "False", "reason": reason, "message": message}
