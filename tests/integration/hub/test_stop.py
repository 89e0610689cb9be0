"""Stops: a person's is a wish, every other one leaves the sandbox alone."""

import threading


def test_a_persons_stop_suspends(site, wait):
    sandbox = site.sandbox()
    sandbox.connect()
    answers = []
    stop = f"/users/trainee/servers/{sandbox.server}"
    person = threading.Thread(target=lambda: answers.append(site.api("DELETE", stop, "trainee")))
    person.start()
    wait("the wish is written", lambda: sandbox.desired == "Suspended")
    sandbox.status(phase="Suspended", podIp="")
    person.join()
    assert answers[0].status_code in {202, 204}

    wait("the server is gone at the Hub", lambda: not sandbox.at_hub().get("pending"))
    assert not sandbox.is_ready()
    assert sandbox.scopes_of_token() is None
    [(query, body)] = site.cluster.patches(sandbox.name)
    assert query["fieldManager"] == "practicum-hub"
    assert body["metadata"]["resourceVersion"]


def test_the_operators_stop_leaves_the_wish_alone(site, wait):
    sandbox = site.sandbox()
    sandbox.connect()
    sandbox.status(phase="Starting", podIp="")
    assert sandbox.unregister().status_code in {202, 204}
    wait("gone at the Hub", lambda: not sandbox.is_ready())
    assert sandbox.desired == "Running"
    assert site.cluster.patches(sandbox.name) == []
    assert sandbox.scopes_of_token() is None


def test_a_stop_that_meets_news_reads_again_before_it_writes(site, wait):
    sandbox = site.sandbox()
    sandbox.connect()
    site.cluster.mute = True
    sandbox.status(phase="Starting", podIp="")
    assert sandbox.unregister().status_code in {202, 204}
    site.cluster.mute = False
    wait("gone at the Hub", lambda: not sandbox.is_ready())
    assert sandbox.desired == "Running"


def test_a_server_that_never_answers_keeps_its_wish(site, wait):
    sandbox = site.sandbox()
    sandbox.serve(address="127.9.255.254")
    sandbox.register()
    wait("the Hub gave up", lambda: not sandbox.at_hub().get("pending"))
    assert not sandbox.is_ready()
    assert sandbox.desired == "Running"
    assert site.cluster.patches(sandbox.name) == []

    sandbox.connect()


def test_a_start_that_takes_too_long_keeps_its_wish(site, wait):
    sandbox = site.sandbox()
    sandbox.status(phase="Starting")
    site.api("POST", f"/users/trainee/servers/{sandbox.server}", "trainee")
    wait("the Hub gave up", lambda: not sandbox.at_hub().get("pending"))
    assert sandbox.desired == "Running"
    assert site.cluster.patches(sandbox.name) == []
    sandbox.connect()


def test_a_sandbox_that_ends_is_dropped_without_being_told(site, wait):
    failed, suspended, deleted = (site.sandbox() for _ in range(3))
    for sandbox in (failed, suspended, deleted):
        sandbox.connect()
    failed.status(phase="Stalled", podIp="")
    suspended.suspend()
    deleted.delete()
    for sandbox in (failed, suspended, deleted):
        wait("dropped", lambda sandbox=sandbox: not sandbox.is_ready())
        assert sandbox.scopes_of_token() is None
    assert failed.desired == "Running"


def test_a_new_attempt_is_not_served_by_the_old_registration(site, wait):
    sandbox = site.sandbox()
    sandbox.connect()
    old = sandbox.token
    sandbox.serve()
    wait("dropped", lambda: not sandbox.is_ready())
    wait("ready again", sandbox.insist)
    assert sandbox.scopes_of_token()
    sandbox.tokens.append(old)
    assert sandbox.scopes_of_token() is None


def test_silence_of_the_cluster_stops_nobody(site, wait):
    sandbox = site.sandbox()
    sandbox.connect()
    polls = site.hub.log.read_text().count("keeping what is known")
    site.cluster.failure = 503
    site.cluster.break_watches()
    wait(
        "the Hub noticed more than once",
        lambda: site.hub.log.read_text().count("keeping what is known") > polls + 3,
    )
    assert sandbox.is_ready()
    assert sandbox.scopes_of_token()
    site.cluster.failure = None


def test_deleting_a_server_at_the_hub_deletes_no_sandbox(site, wait):
    sandbox = site.sandbox()
    sandbox.connect()
    sandbox.status(phase="Suspended", podIp="")
    wait("dropped", lambda: not sandbox.is_ready())
    path = f"/users/trainee/servers/{sandbox.server}"
    answer = site.api("DELETE", path, "trainee", json={"remove": True})
    assert answer.status_code == 204
    assert sandbox.body["spec"]["owner"] == "trainee"
    sandbox.connect()
