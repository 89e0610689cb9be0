"""Tables on the small pure modules: phases, stages, lifetimes, environment, capacity, drift."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from practicum_api.accelerator import Toleration
from practicum_api.lab import Lifetime
from practicum_api.sandbox import Phase, SandboxStatus, Stage
from practicum_operator import phases
from practicum_operator.activity import judge
from practicum_operator.capacity import ClassRoom, class_rooms, matches, offered, starts_at_once
from practicum_operator.drift import drifted
from practicum_operator.environment import Addresses, hub_environment, server_url
from practicum_operator.lifetimes import deadline, failures_after, idle_due, retry_wait
from practicum_operator.stages import stage_of, stage_times
from practicum_operator.views import ContainerView, NodeView

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("before", [None, *Phase])
@pytest.mark.parametrize("after", [None, *Phase])
def test_only_the_table_allows_a_change_of_phase(before, after) -> None:
    allowed = before == after or (after is not None and after in phases.TRANSITIONS[before])
    if allowed:
        phases.check(before, after)
    else:
        with pytest.raises(phases.IllegalTransitionError):
            phases.check(before, after)


def test_every_phase_can_be_reached_and_all_end_in_terminating() -> None:
    assert set(phases.TRANSITIONS) == {None, *Phase}
    reached = set().union(*phases.TRANSITIONS.values())
    assert reached == set(Phase)
    for phase, following in phases.TRANSITIONS.items():
        assert phase is Phase.TERMINATING or Phase.TERMINATING in following


@pytest.mark.parametrize(
    ("changes", "stage"),
    [
        ({"scheduled_at": None, "ready": False}, Stage.SCHEDULING),
        ({"ready": False, "container": ContainerView()}, Stage.PREPARING),
        ({"ready": False, "container": ContainerView(state="running")}, Stage.STARTING),
        ({"ready": False, "container": ContainerView(restarts=1)}, Stage.STARTING),
        ({}, Stage.CONNECTING),
    ],
)
def test_the_stage_is_read_off_the_pod(make, changes, stage) -> None:
    assert stage_of(make.pod(**changes)) is stage


def test_stage_times_never_run_backwards(make) -> None:
    pod = make.pod(scheduled_at=NOW - HOUR, container=ContainerView(started_at=NOW))
    times = stage_times(pod, queued_at=NOW - timedelta(minutes=5), started_at=NOW, ready_at=NOW)
    assert [item.stage for item in times] == list(Stage)
    began = [item.began for item in times]
    assert began == sorted(began)


@pytest.mark.parametrize(
    ("wished", "expected"),
    [
        (None, 8 * HOUR),
        (timedelta(0), 8 * HOUR),
        (-HOUR, 8 * HOUR),
        (HOUR, HOUR),
        (9 * HOUR, 9 * HOUR),
        (30 * HOUR, 10 * HOUR),
    ],
)
def test_a_deadline_may_be_moved_within_the_extension(wished, expected) -> None:
    moment = None if wished is None else NOW + wished
    assert deadline(Lifetime(), started_at=NOW, wished=moment) == NOW + expected


def test_idle_counts_from_the_last_activity() -> None:
    assert idle_due(Lifetime(), ready_at=NOW, last_activity=None) == NOW + HOUR
    assert idle_due(Lifetime(), ready_at=NOW, last_activity=NOW + HOUR) == NOW + 2 * HOUR
    assert idle_due(Lifetime(), ready_at=NOW, last_activity=NOW - HOUR) == NOW + HOUR


def test_retries_wait_longer_each_time() -> None:
    waits = [retry_wait(n, first=timedelta(seconds=10)).total_seconds() for n in (1, 2, 3)]
    assert waits == [10, 40, 160]


def test_a_long_run_wipes_out_earlier_failures() -> None:
    stable = timedelta(minutes=10)
    assert failures_after(2, ready_at=None, now=NOW, stable=stable) == 3
    assert failures_after(2, ready_at=NOW - timedelta(minutes=1), now=NOW, stable=stable) == 3
    assert failures_after(2, ready_at=NOW - HOUR, now=NOW, stable=stable) == 1


SITE = Addresses(
    hub_public_url="https://hub.example.org:8443",
    hub_api_url="http://hub.practicum.svc.cluster.local:8081/hub/api",
    portal_api_url="http://portal/api/v1",
)


@pytest.mark.parametrize(
    ("owner", "url"),
    [
        ("trainee", "https://trainee.hub.example.org:8443/user/trainee/lora/"),
        ("ming@example.org", "/user/ming@example.org/lora/"),
        ("张三", "/user/%E5%BC%A0%E4%B8%89/lora/"),
    ],
)
def test_a_server_is_on_its_owners_own_host(owner: str, url: str) -> None:
    made = server_url(owner, "lora", SITE)
    assert made.endswith(url)
    assert made.startswith("https://")


def test_the_longest_url_of_the_longest_owner_fits() -> None:
    url = server_url("学" * 120, "a" * 30, SITE)
    assert SandboxStatus(url=url).url.count("%E5%AD%A6") == 120
    longest = SITE.hub_public_url.replace("hub", "h" * 190)
    SandboxStatus(url=server_url("学" * 120, "a" * 30, replace(SITE, hub_public_url=longest)))


def test_the_environment_is_the_hubs_and_holds_no_token() -> None:
    env = hub_environment("ming@example.org", "lora", SITE)
    assert env["JUPYTERHUB_CLIENT_ID"] == "jupyterhub-user-ming%40example.org-lora"
    assert env["JUPYTERHUB_HOST"] == "https://hub.example.org:8443"
    assert env["JUPYTERHUB_OAUTH_CALLBACK_URL"].endswith(
        "/user/ming@example.org/lora/oauth_callback"
    )
    assert env["JUPYTERHUB_ACTIVITY_URL"].endswith("/users/ming@example.org/activity")
    assert env["JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED"] == "1"
    assert "JUPYTERHUB_API_TOKEN" not in env


NODE = NodeView(
    name="n", ready=True, labels={"gpu": "a100"}, allocatable={"nvidia.com/gpu": "4", "cpu": "8"}
)
TAINTED = replace(NODE, taints=(("nvidia.com/gpu", "present", "NoSchedule"),))


@pytest.mark.parametrize(
    ("node", "tolerations", "fits"),
    [
        (NODE, (), True),
        (replace(NODE, schedulable=False), (), False),
        (replace(NODE, labels={}), (), False),
        (TAINTED, (), False),
        (TAINTED, (Toleration(key="nvidia.com/gpu", operator="Exists"),), True),
        (TAINTED, (Toleration(key="nvidia.com/gpu", value="present"),), True),
        (TAINTED, (Toleration(key="nvidia.com/gpu", value="absent"),), False),
        (TAINTED, (Toleration(operator="Exists", effect="NoExecute"),), False),
        (replace(NODE, taints=(("a", "", "PreferNoSchedule"),)), (), True),
    ],
)
def test_where_a_pod_may_go(node, tolerations, fits) -> None:
    assert matches(node, {"gpu": "a100"}, tolerations) is fits


def test_only_ready_nodes_that_match_offer_accelerators(make) -> None:
    nodes = [NODE, replace(NODE, ready=False), replace(NODE, labels={})]
    item = make.accelerator(placement={"nodeSelector": {"gpu": "a100"}})
    assert offered(item, nodes) == 4
    pool = ("nvidia.com/gpu", frozenset({"n"}))
    assert class_rooms([item], nodes)["a100"].pools == ((pool, 4),)
    grown = make.accelerator(capacity={"mode": "Autoscaled", "limit": 3})
    assert class_rooms([grown], nodes)["a100"] == ClassRoom(pools=(), limit=3)


def test_starts_are_paced_by_cpus_unless_told_otherwise() -> None:
    assert starts_at_once([NODE, NODE], per_cpu=2, fixed=None) == 32
    assert starts_at_once([], per_cpu=2, fixed=None) == 1
    assert starts_at_once([NODE], per_cpu=2, fixed=5) == 5


POLICY = {
    "kind": "NetworkPolicy",
    "metadata": {"name": "default-deny"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
}
QUOTA = {"kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": {"cpu": "1000m"}}}


@pytest.mark.parametrize(
    ("desired", "actual", "differs"),
    [
        (POLICY, POLICY, False),
        (POLICY, POLICY | {"metadata": {"name": "default-deny", "uid": "1"}}, False),
        (POLICY, POLICY | {"spec": {**POLICY["spec"], "ingress": [{}]}}, True),
        (POLICY, POLICY | {"spec": {"podSelector": {}}}, True),
        (QUOTA, QUOTA | {"spec": {"hard": {"cpu": "1"}}}, False),
        (QUOTA, QUOTA | {"spec": {"hard": {"cpu": "2"}}}, True),
        (QUOTA, QUOTA | {"spec": {"hard": {"cpu": "1", "pods": "3"}}}, True),
        (QUOTA, QUOTA | {"spec": {}}, True),
        (QUOTA | {"spec": {"hard": {}}}, QUOTA | {"spec": {}}, False),
    ],
)
def test_drift_is_what_is_lost_and_what_was_opened(desired, actual, differs) -> None:
    assert drifted(actual, desired) is differs


ANSWER = {"busy": False, "kernels": [], "last_activity": "2026-11-24T08:00:00Z"}


@pytest.mark.parametrize(
    ("answer", "busy"),
    [
        (ANSWER, False),
        (ANSWER | {"busy": True}, True),
        (ANSWER | {"runs": ["r1"]}, True),
        (ANSWER | {"accelerators": [{"utilization_percent": 80.0}]}, True),
        (ANSWER | {"accelerators": [{"utilization_percent": 1.0}]}, False),
        (ANSWER | {"accelerators": [{"utilization_percent": "?"}]}, None),
        (ANSWER | {"last_activity": "yesterday"}, None),
        (ANSWER | {"busy": "no"}, None),
        ([], None),
    ],
)
def test_what_cannot_be_read_is_no_answer(answer, busy) -> None:
    assert judge(answer, NOW).busy is busy


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
anything = st.recursive(
    scalars, lambda item: st.lists(item) | st.dictionaries(st.text(), item), max_leaves=10
)
zones = st.integers(-24 * 60 + 1, 24 * 60 - 1).map(lambda n: timezone(timedelta(minutes=n)))
moments = st.datetimes(timezones=st.none() | zones).map(datetime.isoformat)
answers = st.fixed_dictionaries(
    {},
    optional={
        "busy": st.booleans() | anything,
        "last_activity": moments | anything,
        "runs": anything,
        "accelerators": st.lists(
            st.fixed_dictionaries({}, optional={"utilization_percent": st.just(10**400) | anything})
        )
        | anything,
    },
)


@given(answers | anything)
@example({"busy": False, "last_activity": "9999-12-31T23:59:59-23:00"})
@example({"busy": False, "last_activity": "0001-01-01T00:00:00+23:00"})
@example({"busy": False, "accelerators": [{"utilization_percent": 10**400}]})
@example({"busy": False, "accelerators": [{}]})
def test_no_answer_whatever_it_is_breaks_the_judge(answer) -> None:
    view = judge(answer, NOW)
    assert view.last_activity is None or view.last_activity <= NOW
