"""Nothing holds a place for ever in whatever state it is stuck, and nothing spins."""

from datetime import datetime, timedelta

import pytest

from practicum_api.base import format_time
from practicum_api.sandbox import Phase
from practicum_operator.cache import Key
from practicum_operator.hub import HubUnavailableError
from practicum_operator.kubernetes import UnavailableError
from practicum_operator.plan import ActivityView, HubState, HubView, Plan
from practicum_operator.plan_sandbox import plan_sandbox
from practicum_operator.resources import BY_KIND, SANDBOXES
from practicum_operator.views import ContainerView


def say_silent(world, ip: str, restarts: int, began: str = "") -> None:
    """Say of the Pod that its server runs since ``began``, but does not answer since now."""
    moment = format_time(world.clock[0])
    running = {"restartCount": restarts, "state": {"running": {"startedAt": began or moment}}}
    if restarts:
        running["lastState"] = {"terminated": {"exitCode": 137}}
    status = {
        "phase": "Running",
        "podIP": ip,
        "conditions": [
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": moment},
            {"type": "Ready", "status": "False", "lastTransitionTime": moment},
        ],
        "containerStatuses": [running],
    }
    world.say("one-1", status)


async def test_a_server_that_dies_and_hangs_as_it_starts_again_is_lost(world) -> None:
    await world.running()
    world.clock[0] += timedelta(hours=1)
    say_silent(world, "10.0.0.9", restarts=1)
    await world.settle()
    assert (world.status()["phase"], world.reason()) == ("Starting", "Crashed")
    await world.later(19 * 60)
    assert (world.status()["phase"], world.status().get("failures", 0)) == ("Starting", 0)
    await world.later(2 * 60)
    assert (world.status()["phase"], world.status()["failures"]) == ("Queued", 1)


def say_waiting(world, reason: str) -> None:
    """Say of the Pod, which was scheduled as it was made, what its container waits for."""
    moment = world.kubernetes.objects["Pod", world.namespace, "one-1"]["metadata"]
    scheduled = {"type": "PodScheduled", "status": "True"}
    scheduled["lastTransitionTime"] = moment["creationTimestamp"]
    container = {"restartCount": 0, "state": {"waiting": {"reason": reason}}}
    world.say(
        "one-1",
        {"phase": "Pending", "conditions": [scheduled], "containerStatuses": [container]},
    )


async def test_a_long_pull_may_fail_for_as_long_as_a_short_one(world) -> None:
    world.make("Sandbox", "one", {"owner": "one", "lab": "lora"})
    await world.settle()
    say_waiting(world, "ContainerCreating")
    await world.later(300)
    say_waiting(world, "ErrImagePull")
    await world.settle()
    assert (world.status()["phase"], world.reason()) == ("Starting", "ImageUnavailable")
    await world.later(50)
    say_waiting(world, "ContainerCreating")
    await world.later(300)
    say_waiting(world, "ErrImagePull")
    await world.settle()
    await world.later(50)
    say_waiting(world, "ImagePullBackOff")
    await world.settle()
    assert world.status()["phase"] == "Starting"
    await world.later(11)
    assert (world.status()["phase"], world.status()["failures"]) == ("Queued", 1)


async def test_a_busy_server_that_was_restarted_once_is_left_to_work(world) -> None:
    async def ask(_ip: str, now: datetime) -> ActivityView:
        return ActivityView(now, busy=True)

    world.context.activity.ask = ask
    await world.running()
    world.run_pod(restarts=1)
    await world.settle()
    began = format_time(world.clock[0])
    world.clock[0] += timedelta(hours=5)
    say_silent(world, "10.0.0.9", restarts=1, began=began)
    for _ in range(3):
        await world.later(20 * 60)
    assert (world.status()["phase"], world.reason()) == ("Running", "NotAnswering")
    assert world.pods() == ["one-1"]


@pytest.mark.parametrize(
    "setup",
    [
        lambda hub: hub.unknown.add("trainee"),
        lambda hub: setattr(hub, "error", HubUnavailableError("away")),
    ],
)
async def test_the_deadline_ends_one_that_never_gets_a_route(world, setup) -> None:
    setup(world.hub)
    world.make("Sandbox", "one", {"owner": "trainee", "lab": "lora"})
    await world.settle()
    world.run_pod()
    await world.settle()
    assert world.status()["phase"] == "Starting"
    timers = world.context.queue._timers
    assert Key("Sandbox", world.namespace, "one") in timers
    await world.later(8 * 3600 + 1)
    assert world.sandbox()["spec"]["desiredState"] == "Suspended"
    world.end_deleted_pods()
    await world.settle()
    assert (world.status()["phase"], world.reason()) == ("Suspended", "DeadlinePassed")


async def test_spent_hours_end_one_that_is_still_starting(world) -> None:
    world.let_the_lab_take_both_accelerators()
    quota = {"accelerators": [{"className": "a100", "count": 2, "hours": 1}]}
    world.kubernetes.edit(BY_KIND["Cohort"], "spring", {"spec": {"quota": quota}})
    world.hub.error = HubUnavailableError("away")
    world.make("Sandbox", "one", {"owner": "trainee", "lab": "lora"})
    await world.settle()
    world.run_pod()
    await world.settle()
    assert world.status()["phase"] == "Starting"
    world.clock[0] += timedelta(minutes=31)
    world.context.queue.add(Key("Cohort", "", "spring"))
    await world.settle()
    assert world.sandbox()["spec"]["desiredState"] == "Suspended"


async def test_an_idle_sandbox_without_an_address_is_asked_again_later(world) -> None:
    await world.running()
    world.clock[0] += timedelta(hours=2)
    say_silent(world, "", restarts=0)
    await world.settle()
    assert world.status()["phase"] == "Running"


async def test_a_late_deletion_waits_for_its_cohort_without_spinning(world) -> None:
    await world.running()
    world.kubernetes.remove(SANDBOXES, "one", namespace=world.namespace)
    await world.settle()
    world.end_deleted_pods()
    world.kubernetes.refuse = lambda verb, kind, _n: (
        UnavailableError("away") if (verb, kind) == ("patch_status", "Cohort") else None
    )
    await world.later(130)
    assert ("Sandbox", world.namespace, "one") in world.kubernetes.objects
    world.kubernetes.refuse = lambda *_call: None
    world.context.queue.add(Key("Cohort", "", "spring"))
    await world.settle()
    assert ("Sandbox", world.namespace, "one") not in world.kubernetes.objects


PODS = {
    "none": None,
    "silent": {"ready": False, "container": ContainerView(state="running")},
    "crashed": {"ready": False, "container": ContainerView(state="running", restarts=1)},
    "waiting": {"ready": False, "container": ContainerView(reason="ImagePullBackOff")},
    "ready": {},
}


@pytest.mark.parametrize("minutes", [0, 1, 5, 19, 25, 61, 479, 481, 5000])
@pytest.mark.parametrize("pod", PODS)
@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.RUNNING, Phase.SUSPENDING])
@pytest.mark.parametrize("deleted", [False, True])
def test_no_plan_wakes_in_the_past(make, phase, pod, minutes, deleted) -> None:
    meta = {"deletionTimestamp": format_time(make.now)} if deleted else {}
    pods = (make.pod(**PODS[pod]),) if PODS[pod] is not None else ()
    for known in (Phase.STARTING, Phase.RUNNING):
        # One that was ready once and one that never was.
        sandbox = make.started(known, meta=meta)
        status = sandbox.status.model_copy(update={"phase": phase})
        seen = make.seen(
            sandbox.model_copy(update={"status": status}),
            pods=pods,
            hub=HubView(HubState.AWAY, 1),
            now=make.now + timedelta(minutes=minutes),
        )
        plan = plan_sandbox(seen, make.policy)
        assert plan.wake_at is None or plan.wake_at > seen.now


async def test_a_wake_in_the_past_still_takes_a_second(world, monkeypatch) -> None:
    await world.running()
    waits, ago = [], timedelta(hours=1)
    monkeypatch.setattr(world.context.queue, "add_after", lambda _key, wait: waits.append(wait))
    monkeypatch.setattr(
        "practicum_operator.reconcile_sandbox.plan_sandbox",
        lambda seen, _policy: Plan(status=seen.sandbox.status, wake_at=seen.now - ago),
    )
    await world.later(1)
    assert waits == [1.0]
