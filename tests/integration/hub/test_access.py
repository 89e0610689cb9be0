"""What a trainee's tokens can't do: everything that is not theirs. Each line here was tried."""

import pytest

from practicum_hub.access import ROLES


@pytest.fixture
def other(site):
    """A running sandbox of somebody else."""
    sandbox = site.sandbox("trainee-2")
    sandbox.connect()
    return sandbox


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/users/trainee-2/servers/{server}", {}),
        ("DELETE", "/users/trainee-2/servers/{server}", {}),
        ("GET", "/users/trainee-2/servers/{server}", None),
        ("PUT", "/users/trainee-2/servers/another", {}),
        ("GET", "/users/trainee-2/servers/{server}/progress", None),
        ("POST", "/users/trainee-2/tokens", {}),
        ("GET", "/users/trainee-2", None),
        ("POST", "/users/trainee-2/activity", {"servers": {}}),
        ("GET", "/users", None),
        ("POST", "/users", {"usernames": ["mallory"]}),
        ("POST", "/users/mallory", {}),
        ("PATCH", "/users/trainee", {"admin": True}),
        ("GET", "/groups", None),
        ("POST", "/groups/instructors/users", {"users": ["trainee"]}),
        ("GET", "/proxy", None),
        ("POST", "/proxy", {}),
        ("GET", "/services", None),
        ("POST", "/shutdown", {}),
        ("POST", "/shares/trainee-2/{server}", {"user": "trainee"}),
        ("POST", "/shares/trainee/{server}", {"user": "trainee-2"}),
        ("POST", "/shares/trainee/{server}", {"group": "instructors"}),
        ("POST", "/share-codes/trainee/{server}", {}),
    ],
)
def test_a_trainees_own_token(site, other, method, path, body):
    answer = site.api(method, path.format(server=other.server), "trainee", json=body)
    assert answer.status_code in {403, 404}, answer.text
    assert other.is_ready()
    assert other.desired == "Running"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/users/trainee/servers/{own}"),
        ("DELETE", "/users/trainee/servers/{own}"),
        ("POST", "/users/trainee/servers/another"),
        ("POST", "/users/trainee/tokens"),
        ("GET", "/users/trainee/tokens"),
        ("POST", "/users/trainee-2/servers/{theirs}"),
        ("POST", "/users/trainee-2/activity"),
        ("GET", "/users"),
        ("POST", "/proxy"),
    ],
)
def test_the_token_inside_a_sandbox(site, other, method, path):
    own = site.sandbox()
    own.connect()
    where = path.format(own=own.server, theirs=other.server)
    answer = site.request(method, f"/hub/api{where}", token=own.token, json={"servers": {}})
    assert answer.status_code in {403, 404}, answer.text
    assert own.is_ready()
    assert other.is_ready()


def test_the_token_inside_a_sandbox_reports_activity_and_says_which_server_it_is(site):
    own = site.sandbox()
    own.connect()
    body = {"last_activity": "2026-01-01T00:00:00Z", "servers": {}}
    answer = site.request("POST", "/hub/api/users/trainee/activity", token=own.token, json=body)
    assert answer.status_code == 200
    reports = [scope for scope in own.scopes_of_token() if scope.startswith("custom:")]
    assert reports == [f"custom:practicum:report!server=trainee/{own.server}"]


def test_a_trainee_can_hand_out_no_more_than_they_have(site):
    for scopes in (["admin:users"], ["servers"], ["read:metrics"], ["proxy"], ["shares"]):
        answer = site.api("POST", "/users/trainee/tokens", "trainee", json={"scopes": scopes})
        assert answer.status_code in {400, 403}, scopes


def test_someone_elses_token_is_not_adopted(site, wait):
    """A token that the Hub knows as another user's is revoked, not handed over."""
    victim = site.sandbox("trainee-2")
    victim.connect()
    thief = site.sandbox()
    thief.serve()
    site.cluster.secret(thief.namespace, f"{thief.name}-2", victim.token)
    site.cluster.serve(thief.address)
    thief.status(attempt=2, podIp=thief.address)
    assert thief.register().status_code == 500
    assert not thief.is_ready()
    assert victim.scopes_of_token() is None


def test_metrics_are_for_prometheus(site):
    assert site.request("GET", "/hub/metrics").status_code == 403
    assert site.request("GET", "/hub/metrics", token=site.token_of("trainee")).status_code == 403
    found = site.request("GET", "/hub/metrics", token=site.secrets["prometheus"])
    assert found.status_code == 200


@pytest.mark.parametrize(
    ("who", "method", "path"),
    [
        ("operator", "POST", "/users/mallory"),
        ("operator", "POST", "/users/trainee/tokens"),
        ("operator", "GET", "/groups"),
        ("operator", "POST", "/shutdown"),
        ("portal", "POST", "/users/trainee/servers/lab"),
        ("portal", "POST", "/users/trainee/tokens"),
        ("portal", "POST", "/shutdown"),
        ("prometheus", "GET", "/users"),
        ("prometheus", "GET", "/proxy"),
    ],
)
def test_services_hold_what_they_need_and_no_more(site, who, method, path):
    assert site.api(method, path, who).status_code == 403


def test_the_portal_makes_and_reads_users(site):
    assert site.api("POST", "/users", "portal", json={"usernames": ["new-1"]}).status_code == 201
    found = site.api("GET", "/users/new-1", "portal").json()
    assert found["name"] == "new-1"
    assert found["admin"] is False
    assert found["groups"] == []
    assert site.api("GET", "/users/nobody", "portal").status_code == 404


def test_made_up_names_run_out_for_people_and_not_for_the_operator(site):
    names = [f"junk-{number}" for number in range(31)]
    made = [site.api("PUT", f"/users/instructor/servers/{name}", "instructor") for name in names]
    assert made[0].status_code == 201
    assert made[-1].status_code == 400
    site.sandbox("instructor").connect()


def test_no_role_is_given_to_a_group_or_user():
    assert all(set(role) == {"name", "description", "scopes", "services"} for role in ROLES)


@pytest.mark.parametrize("owner", ["ming@example.org", "张三"])
def test_names_with_any_character_are_routed(site, owner):
    sandbox = site.sandbox(owner)
    sandbox.connect()
    url = sandbox.at_hub()["full_url"]
    assert site.client.get(url).json()["served_by"] == sandbox.address
    assert sandbox.scopes_of_token()
