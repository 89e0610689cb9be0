"""Whatever is seen of a Sandbox: planning comes to rest, and time is counted once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from practicum_api import labels
from practicum_api.base import Condition, format_time
from practicum_api.reasons import Reason
from practicum_api.sandbox import DesiredState, Phase, Sandbox
from practicum_operator.admission import Decision
from practicum_operator.cache import Key
from practicum_operator.plan import (
    REGISTERED,
    ActivityView,
    HubState,
    HubView,
    Observed,
    Plan,
    Refusal,
)
from practicum_operator.plan_sandbox import plan_sandbox
from practicum_operator.views import ContainerView, NodeView

STEPS = 8
"""As many as the reconciler takes before it lets others have their turn."""
ATTEMPT = 2
ago = st.sampled_from([0, 1, 30, 80, 125, 700, 4000, 30_000]).map(lambda n: timedelta(seconds=n))
wishes = st.sampled_from(["", "done", "new"])
statuses = st.fixed_dictionaries(
    {
        "phase": st.sampled_from([None, *Phase]),
        "since": st.none() | ago,
        "ready": st.none() | ago,
        "started": ago,
        "address": st.sampled_from(["", "10.0.0.9", "10.0.0.8"]),
        "failures": st.integers(0, 3),
        "retry": st.none() | ago.map(lambda span: span - timedelta(minutes=2)),
        "registered": st.sampled_from([None, "True", "False", "Unknown"]),
        "restart": wishes,
        "reset": wishes,
        "suspended": st.booleans(),
        "deleted": st.none() | ago,
        "policy": st.sampled_from(["Retain", "Delete"]),
    }
)
containers = st.sampled_from(
    [
        ContainerView(),
        ContainerView(reason="ImagePullBackOff"),
        ContainerView(reason="CrashLoopBackOff", restarts=3, last_reason="OOMKilled"),
        ContainerView(state="running"),
        ContainerView(state="running", restarts=1),
        ContainerView(state="terminated", exit_code=1),
    ]
)
pods = st.fixed_dictionaries(
    {
        "attempt": st.sampled_from([ATTEMPT, ATTEMPT, ATTEMPT - 1]),
        "own": st.sampled_from([True, True, False]),
        "phase": st.sampled_from(["Pending", "Running", "Succeeded", "Failed"]),
        "ready": st.booleans(),
        "ready_at": st.none() | ago,
        "scheduled_at": st.none() | ago,
        "deleted_at": st.none() | ago,
        "finished_at": st.none() | ago,
        "container": containers,
    }
)
views = st.fixed_dictionaries(
    {
        "cohort": st.sampled_from([True, True, False]),
        "lab": st.sampled_from([True, True, False]),
        "duplicate_of": st.sampled_from(["", "", "ns/older"]),
        "shares_workspace": st.booleans(),
        "decision": st.none() | st.booleans(),
        "hub": st.tuples(st.sampled_from(HubState), st.sampled_from([0, ATTEMPT, ATTEMPT + 1])),
        "hub_away": st.booleans(),
        "activity": st.none() | st.tuples(ago, st.none() | st.booleans()),
        "pod_seen": st.booleans(),
        "failing_since": st.none() | ago,
        "refusal": st.none() | st.tuples(ago, st.booleans(), st.integers(1, 6)),
        "hours_spent": st.booleans(),
        "silent_node": st.booleans(),
    }
)


def sandbox_of(make, known: dict[str, Any]) -> Sandbox:
    def moment(name: str):
        span = known[name]
        return None if span is None else make.now - span

    deleted = moment("deleted") or (make.now if known["phase"] is Phase.TERMINATING else None)
    meta = {"deletionTimestamp": format_time(deleted)} if deleted else {}
    desired = DesiredState.SUSPENDED if known["suspended"] else DesiredState.RUNNING
    wanted = {"desiredState": desired, "workspace": {"deletionPolicy": known["policy"]}}
    spec = wanted | {"restart": known["restart"], "reset": known["reset"]}
    sandbox = make.started(meta=meta, spec={"owner": "trainee", "lab": "lora"} | spec)
    word = known["registered"]
    conditions = (Condition(type=REGISTERED, status=word, reason="Ready"),) if word else ()
    usage = sandbox.status.usage.model_copy(
        update={"since": moment("since"), "running_seconds": 100}
    )
    status = {
        "phase": known["phase"],
        "attempt": ATTEMPT,
        "started_at": moment("started"),
        "ready_at": moment("ready"),
        "pod_ip": known["address"],
        "failures": known["failures"],
        "retry_at": moment("retry"),
        "conditions": conditions,
        "restart": "done",
        "reset": "done",
        "usage": usage,
    }
    return sandbox.model_copy(update={"status": sandbox.status.model_copy(update=status)})


def pod_of(make, known: dict[str, Any]):
    def moment(name: str):
        return None if known[name] is None else make.now - known[name]

    container = replace(known["container"], finished_at=moment("finished_at"))
    return make.pod(
        f"one-{known['attempt']}",
        owner_uid="uid-one" if known["own"] else "uid-former",
        phase=known["phase"],
        ready=known["ready"],
        ready_at=moment("ready_at"),
        scheduled_at=moment("scheduled_at"),
        deleted_at=moment("deleted_at"),
        container=container,
    )


def seen_of(make, sandbox: Sandbox, found: list[dict[str, Any]], known: dict[str, Any]) -> Observed:
    now = make.now
    verdict, asked, refused = known["decision"], known["activity"], known["refusal"]
    key = Key("Sandbox", "practicum-spring", "one")
    since = known["failing_since"]
    silent = NodeView("node-1", ready=not known["silent_node"], ready_changed_at=now - timedelta(1))
    return make.seen(
        sandbox,
        cohort=make.cohort() if known["cohort"] else None,
        lab=make.lab() if known["lab"] else None,
        pods=tuple(pod_of(make, item) for item in found),
        node=silent,
        duplicate_of=known["duplicate_of"],
        shares_workspace=known["shares_workspace"],
        decision=None
        if verdict is None
        else Decision(key, verdict, 0 if verdict else 1, Reason.QUOTA_EXCEEDED, "full"),
        hub=HubView(*known["hub"]),
        hub_away=known["hub_away"],
        activity=ActivityView(now - asked[0], asked[1]) if asked else None,
        pod_seen=known["pod_seen"],
        failing_since=now - since if since is not None else None,
        refusal=Refusal("no", now - refused[0], refused[1], refused[2]) if refused else None,
        hours_spent=known["hours_spent"],
    )


def after(seen: Observed, plan: Plan) -> Observed:
    """Return what is seen when a plan's writes are done and nothing else has happened yet."""
    meta, spec = seen.sandbox.metadata, seen.sandbox.spec
    if plan.suspend is not None:
        mark = {labels.SUSPENDED_BY: f"{plan.suspend.value}@{seen.sandbox.status.attempt}"}
        meta = meta.model_copy(update={"annotations": mark})
        spec = spec.model_copy(update={"desired_state": DesiredState.SUSPENDED})
        # Intent is written by itself; the status follows from the next plan.
        return replace_sandbox(seen, meta=meta, spec=spec, status=seen.sandbox.status)
    return replace_sandbox(seen, meta=meta, spec=spec, status=plan.status)


def replace_sandbox(seen: Observed, **parts: Any) -> Observed:
    update = {"metadata": parts["meta"], "spec": parts["spec"], "status": parts["status"]}
    return replace(seen, sandbox=seen.sandbox.model_copy(update=update))


@settings(
    max_examples=250,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(statuses, st.lists(pods, max_size=2, unique_by=lambda pod: pod["attempt"]), views)
def test_planning_comes_to_rest_and_counts_each_span_once(make, status, found, known) -> None:
    seen = seen_of(make, sandbox_of(make, status), found, known)
    began = [make.now - item["scheduled_at"] for item in found if item["scheduled_at"] is not None]
    if status["since"] is not None:
        began.append(make.now - status["since"])
    longest = max((make.now - moment).total_seconds() for moment in began) if began else 0
    for _ in range(STEPS):
        before = seen.sandbox
        plan = plan_sandbox(seen, make.policy)
        seen = after(seen, plan)
        used = seen.sandbox.status.usage.running_seconds
        assert before.status.usage.running_seconds <= used <= 100 + longest
        if seen.sandbox == before:
            break
    assert seen.sandbox == before
