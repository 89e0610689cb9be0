"""A sandbox's life on fakes that count calls: what is written, when, and what survives failures."""

from datetime import timedelta

import pytest

from practicum_api.base import format_time
from practicum_api.names import API_VERSION
from practicum_operator.cache import Key
from practicum_operator.hub import HubError, HubUnavailableError
from practicum_operator.kubernetes import (
    ForbiddenError,
    InvalidError,
    QuotaError,
    TooManyRequestsError,
    UnavailableError,
)
from practicum_operator.plan import ActivityView
from practicum_operator.reconcile_catalogue import room_of
from practicum_operator.resources import BY_KIND, COHORTS, PODS, SANDBOXES


def changes(world) -> dict[tuple[str, str], int]:
    return {call: n for call, n in world.kubernetes.calls.items() if call[0] not in {"get", "list"}}


async def test_a_start_takes_seven_calls_and_none_twice(kubernetes, hub, reopen) -> None:
    async with reopen(kubernetes, hub, stage_delay=60, news_delay=60, count_delay=60) as world:
        world.kubernetes.calls.clear()
        world.make("Sandbox", "one", {"owner": "trainee", "lab": "lora"})
        await world.settle()
        world.run_pod()
        await world.settle()
        assert world.status()["phase"] == "Running"
        mine = changes(world)
    assert mine == {
        ("patch", "Sandbox"): 1,
        ("create", "PersistentVolumeClaim"): 1,
        ("create", "Secret"): 1,
        ("create", "Pod"): 1,
        ("patch_status", "Sandbox"): 3,
    }
    assert world.hub.calls == [("start", "trainee", "lora"), ("server", "trainee", "lora")]


async def test_the_address_is_known_before_the_hub_is_told(world) -> None:
    world.make("Sandbox", "one", {"owner": "trainee", "lab": "lora"})
    await world.settle()
    seen = []
    real = world.hub.start

    async def start(owner: str, server: str) -> None:
        status = world.status()
        seen.append((status["podIp"], status["observedGeneration"]))
        await real(owner, server)

    world.hub.start = start
    world.run_pod()
    await world.settle()
    assert seen == [("10.0.0.9", 1)]


async def test_the_address_is_taken_back_before_the_hub_is_told_to_stop(world) -> None:
    await world.running()
    seen = []
    real = world.hub.stop

    async def stop(owner: str, server: str, *, forget: bool) -> bool:
        seen.append(world.status()["podIp"])
        return await real(owner, server, forget=forget)

    world.hub.stop = stop
    world.set(desiredState="Suspended")
    await world.settle()
    world.end_deleted_pods()
    await world.settle()
    assert world.status()["phase"] == "Suspended"
    assert seen == [""]


async def test_the_pod_comes_after_what_it_needs(world) -> None:
    world.make("Sandbox", "one", {"owner": "trainee", "lab": "lora"})
    await world.settle()
    made = [kind for verb, kind, _ in world.kubernetes.log if verb == "create"]
    assert made[-3:] == ["PersistentVolumeClaim", "Secret", "Pod"]


async def test_the_attempt_is_written_before_anything_is_made(world) -> None:
    world.make("Sandbox", "one", {"owner": "trainee", "lab": "lora"})
    await world.settle()
    log = [(verb, kind) for verb, kind, _ in world.kubernetes.log]
    assert log.index(("patch_status", "Sandbox")) < log.index(("create", "Secret"))


@pytest.mark.parametrize("last", range(1, 16))
async def test_killed_after_any_call_it_makes_the_same_things(
    kubernetes, hub, reopen, last
) -> None:
    async with reopen(kubernetes, hub) as world:
        before = sum(world.kubernetes.calls.values())
        left = UnavailableError("killed")

        def refuse(*_call: str) -> UnavailableError | None:
            return left if sum(kubernetes.calls.values()) > before + last else None

        kubernetes.refuse = refuse
        world.make("Sandbox", "one", {"owner": "trainee", "lab": "lora"})
        await world.settle()
        if world.pods():
            world.run_pod()
            await world.settle()
    kubernetes.refuse = lambda *_call: None
    async with reopen(kubernetes, hub) as world:
        assert len(world.pods()) == 1
        if not world.status().get("podIp"):
            world.run_pod()
            await world.settle()
        assert world.status()["phase"] == "Running"
        assert world.status()["attempt"] == 1
        kinds = sorted(kind for kind, _, name in kubernetes.objects if name.endswith("one-1"))
        assert kinds == ["Pod", "Secret"]
        await world.settle()
        calls = dict(kubernetes.calls)
    async with reopen(kubernetes, hub) as world:
        after = {k: n for k, n in kubernetes.calls.items() if k[0] not in {"list", "get"}}
        assert after == {k: n for k, n in calls.items() if k[0] not in {"list", "get"}}


@pytest.mark.parametrize(
    "error",
    [
        TooManyRequestsError("slow down", status=429),
        UnavailableError("timeout"),
        ForbiddenError('pods is forbidden: User "operator" cannot create', status=403),
    ],
)
async def test_what_passes_is_tried_again_in_the_same_attempt(world, error) -> None:
    world.kubernetes.refuse = lambda verb, kind, _n: (
        error if (verb, kind) == ("create", "Pod") else None
    )
    world.make("Sandbox", "one", {"owner": "trainee", "lab": "lora"})
    await world.settle()
    assert (world.status()["phase"], world.pods()) == ("Starting", [])
    world.kubernetes.refuse = lambda *_call: None
    await world.later(5)
    assert world.pods() == ["one-1"]


async def test_a_quota_without_room_sends_it_back_and_counts_no_failure(world) -> None:
    full = QuotaError("exceeded quota: practicum, requested: pods=1", status=403)
    world.kubernetes.refuse = lambda verb, kind, _n: (
        full if (verb, kind) == ("create", "Pod") else None
    )
    world.make("Sandbox", "one", {"owner": "trainee", "lab": "lora"})
    await world.settle()
    for _ in range(3):
        # The quota may only lag behind what has come free.
        assert (world.status()["phase"], world.reason()) == ("Starting", "QuotaExceeded")
        await world.later(2)
    status = world.status()
    assert (status["phase"], world.reason()) == ("Queued", "QuotaExceeded")
    assert status.get("failures", 0) == 0
    assert "requested: pods=1" in str(status["conditions"])
    world.kubernetes.refuse = lambda *_call: None
    await world.later(60)
    assert (world.status()["attempt"], world.pods()) == (2, ["one-2"])
    assert ("Secret", world.namespace, "one-1") not in world.kubernetes.objects


@pytest.mark.parametrize(
    "error",
    [
        InvalidError("spec.containers[0].env[0].name: Invalid value", status=422),
        ForbiddenError('pods "one-1" is forbidden: violates PodSecurity', status=403),
    ],
)
async def test_a_pod_that_is_refused_stalls_with_what_was_said(world, error) -> None:
    world.kubernetes.refuse = lambda verb, kind, _n: (
        error if (verb, kind) == ("create", "Pod") else None
    )
    world.make("Sandbox", "one", {"owner": "trainee", "lab": "lora"})
    await world.settle()
    for _ in range(3):
        await world.later(300)
    status = world.status()
    assert (status["phase"], world.reason()) == ("Stalled", "Rejected")
    assert str(error) in str(status["conditions"])
    assert world.sandbox()["spec"].get("desiredState") != "Suspended"


async def test_failed_attempts_are_bounded_and_restart_asks_anew(world) -> None:
    world.make("Sandbox", "one", {"owner": "trainee", "lab": "lora"})
    await world.settle()
    for attempt in (1, 2, 3):
        waiting = {"waiting": {"reason": "InvalidImageName"}}
        status = {"restartCount": 0, "state": waiting}
        world.say(f"one-{attempt}", {"phase": "Pending", "containerStatuses": [status]})
        await world.settle()
        world.end_deleted_pods()
        await world.later(600)
    assert (world.status()["phase"], world.reason()) == ("Stalled", "InvalidImage")
    assert world.reason(kind="Stalled") == "InvalidImage"
    await world.later(3600)
    assert world.pods() == []
    world.set(restart="again")
    await world.settle()
    assert (world.status()["failures"], world.pods()) == (0, ["one-4"])


@pytest.mark.parametrize("wish", ["restart", "reset"])
async def test_who_takes_an_old_wish_back_asks_for_nothing(world, wish) -> None:
    await world.running()
    world.set(**{wish: "once"})
    await world.settle()
    world.end_deleted_pods()
    await world.settle()
    world.run_pod("one-2")
    await world.settle()
    world.set(**{wish: ""})
    await world.settle()
    assert (world.status()["phase"], world.status()["attempt"]) == ("Running", 2)


async def test_a_cohort_that_goes_away_before_the_pod_is_made_is_said(world) -> None:
    world.kubernetes.refuse = lambda verb, kind, _n: (
        UnavailableError("away") if (verb, kind) == ("create", "Pod") else None
    )
    world.make("Sandbox", "one", {"owner": "trainee", "lab": "lora"})
    await world.settle()
    assert world.status()["phase"] == "Starting"
    world.kubernetes.objects["Cohort", "", "spring"]["metadata"]["finalizers"] = []
    world.kubernetes.remove(COHORTS, "spring")
    world.kubernetes.refuse = lambda *_call: None
    await world.later(5)
    assert (world.status()["phase"], world.reason()) == ("Pending", "UnknownCohort")


async def test_a_secret_that_could_not_be_deleted_goes_at_the_next_try(world) -> None:
    await world.running()
    world.kubernetes.refuse = lambda verb, kind, _n: (
        UnavailableError("away") if (verb, kind) == ("delete", "Secret") else None
    )
    world.set(desiredState="Suspended")
    await world.settle()
    world.kubernetes.refuse = lambda *_call: None
    await world.later(1)
    world.end_deleted_pods()
    await world.settle()
    assert world.status()["phase"] == "Suspended"
    assert ("Secret", world.namespace, "one-1") not in world.kubernetes.objects


async def test_a_pod_deleted_by_hand_is_a_new_attempt(world) -> None:
    await world.running()
    world.kubernetes.remove(PODS, "one-1", namespace=world.namespace)
    world.end_deleted_pods()
    await world.settle()
    assert (world.status()["phase"], world.reason()) == ("Queued", "PodDeleted")
    assert world.hub.servers == {}
    await world.later(60)
    world.run_pod("one-2")
    await world.settle()
    assert world.status()["phase"] == "Running"
    assert world.hub.servers == {("one", "lora"): True}


async def test_a_hub_that_is_away_delays_the_route_alone(world) -> None:
    world.hub.error = HubUnavailableError("JupyterHub: ClientConnectorError")
    world.make("Sandbox", "one", {"owner": "trainee", "lab": "lora"})
    await world.settle()
    world.run_pod()
    await world.settle()
    assert (world.status()["phase"], world.reason()) == ("Starting", "HubUnreachable")
    assert world.reason(kind="Registered") == "HubUnreachable"


async def test_a_hub_that_was_away_while_an_attempt_ended_is_told_first(world) -> None:
    await world.running()
    world.hub.error = HubUnavailableError("away")
    world.set(restart="now")
    await world.settle()
    world.end_deleted_pods()
    await world.settle()
    world.run_pod("one-2")
    await world.settle()
    assert world.status()["podIp"] == ""
    world.hub.error = None
    world.hub.calls.clear()
    registrar = world.context.registrar
    for key in list(registrar._wishes):
        registrar._queue.add(key)
    await world.settle()
    assert [call[0] for call in world.hub.calls][:2] == ["stop", "start"]
    assert world.status()["phase"] == "Running"


@pytest.mark.parametrize(
    ("setup", "reason"),
    [
        (lambda hub: hub.unknown.add("one"), "OwnerUnknown"),
        (lambda hub: setattr(hub, "error", HubError("no scope", status=403)), "Connecting"),
        (lambda hub: setattr(hub, "slow", True), "Connecting"),
    ],
)
async def test_what_the_hub_answers_is_told(world, setup, reason) -> None:
    setup(world.hub)
    world.make("Sandbox", "one", {"owner": "one", "lab": "lora"})
    await world.settle()
    world.run_pod()
    await world.settle()
    assert (world.status()["phase"], world.reason()) == ("Starting", reason)


async def test_suspending_counts_use_and_keeps_the_files(world) -> None:
    await world.running()
    world.clock[0] += timedelta(hours=1)
    world.set(desiredState="Suspended")
    await world.settle()
    assert world.status()["phase"] == "Suspending"
    world.end_deleted_pods()
    await world.settle()
    status = world.status()
    assert status["phase"] == "Suspended"
    assert status["usage"]["runningSeconds"] == 3600
    assert "since" not in status["usage"]
    kinds = {kind for kind, place, _ in world.kubernetes.objects if place == world.namespace}
    assert "PersistentVolumeClaim" in kinds
    assert not kinds & {"Pod", "Secret"}


@pytest.mark.parametrize("deleted", [False, True])
async def test_what_ended_while_the_operator_was_away_counts_up_to_its_end(
    kubernetes, hub, reopen, deleted
) -> None:
    async with reopen(kubernetes, hub) as world:
        await world.running()
        ended = format_time(world.clock[0] + timedelta(hours=1))
        later = world.clock[0] + timedelta(hours=5)
    kubernetes.watch = lambda *_event: None
    kubernetes.now = lambda: later
    state = {"terminated": {"exitCode": 0, "finishedAt": ended}}
    world.say("one-1", {"phase": "Succeeded", "containerStatuses": [{"state": state}]})
    if deleted:
        kubernetes.remove(SANDBOXES, "one", namespace=world.namespace)
    async with reopen(kubernetes, hub, at=later) as world:
        assert "since" not in world.status()["usage"]
        await world.later(120)  # the Pod lingers
        world.end_deleted_pods()
        await world.settle()
        assert deleted or world.status()["phase"] == "Suspended"
        owner = kubernetes.objects["Cohort", "", "spring"] if deleted else world.sandbox()
        assert owner["status"]["usage"]["runningSeconds"] == 3600


async def test_the_deadline_suspends_and_says_why(world) -> None:
    await world.running()
    await world.later(8 * 3600)
    assert world.sandbox()["spec"]["desiredState"] == "Suspended"
    world.end_deleted_pods()
    await world.settle()
    assert (world.status()["phase"], world.reason()) == ("Suspended", "DeadlinePassed")
    world.set(desiredState="Running")
    await world.settle()
    assert world.status()["phase"] == "Starting"
    world.set(desiredState="Suspended")
    await world.settle()
    world.end_deleted_pods()
    await world.settle()
    assert world.reason() == "Suspended"


@pytest.mark.parametrize("phase", ["Starting", "Running"])
async def test_a_sandbox_is_looked_at_in_time_without_any_event(world, phase) -> None:
    world.make("Sandbox", "one", {"owner": "trainee", "lab": "lora"})
    await world.settle()
    if phase == "Running":
        world.run_pod()
        await world.settle()
    assert world.status()["phase"] == phase
    assert Key("Sandbox", world.namespace, "one") in world.context.queue._timers


async def test_an_extension_moves_the_deadline(world) -> None:
    await world.running()
    later = world.clock[0] + timedelta(hours=9)
    world.set(deadline=format_time(later))
    await world.settle()
    assert world.status()["deadline"] == format_time(later)


def answers(world, busy: bool | None, ago: timedelta | None = None) -> None:
    async def ask(_ip: str, now):
        last = None if ago is None else now - ago
        return ActivityView(now, busy, last)

    world.context.activity.ask = ask


@pytest.mark.parametrize(
    ("busy", "ago", "ends"),
    [
        (False, timedelta(hours=2), True),
        (False, None, True),
        (False, timedelta(minutes=10), False),
        (True, None, False),
        (None, None, False),
    ],
)
async def test_idle_is_asked_for_when_due_and_unknown_is_busy(world, busy, ago, ends) -> None:
    await world.running()
    answers(world, busy, ago)
    await world.later(3601)
    assert (world.sandbox()["spec"].get("desiredState") == "Suspended") is ends
    if ends:
        world.end_deleted_pods()
        await world.settle()
        assert world.reason() == "Idle"


async def test_a_wish_that_came_in_between_wins_over_a_suspension(world) -> None:
    await world.running()
    answers(world, busy=False)
    real = world.kubernetes.merge_patch

    async def slow_patch(resource, name, body, **rest):
        if body.get("spec") and "restart" not in world.sandbox()["spec"]:
            world.set(restart="now")
        return await real(resource, name, body, **rest)

    world.kubernetes.merge_patch = slow_patch
    await world.later(3601)
    await world.later(1)
    assert world.sandbox()["spec"].get("desiredState") != "Suspended"
    assert world.status()["attempt"] == 2


async def test_shutting_down_from_inside_suspends(world) -> None:
    await world.running()
    world.say("one-1", {"phase": "Succeeded"})
    await world.settle()
    world.end_deleted_pods()
    await world.settle()
    assert (world.status()["phase"], world.reason()) == ("Suspended", "ShutDown")


async def test_a_crash_inside_the_pod_is_told_and_healed(world) -> None:
    await world.running()
    broken = {
        "restartCount": 1,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}},
    }
    ready = {"type": "Ready", "status": "False"}
    world.say("one-1", {"containerStatuses": [broken], "conditions": [ready]})
    await world.settle()
    assert (world.status()["phase"], world.reason()) == ("Starting", "OutOfMemory")
    starts = len(world.hub.calls)
    world.run_pod()
    await world.settle()
    assert (world.status()["phase"], world.status()["attempt"]) == ("Running", 1)
    assert len(world.hub.calls) == starts


@pytest.mark.parametrize("noticed", [False, True])
async def test_a_pod_that_came_up_at_another_address_is_registered_anew(world, noticed) -> None:
    await world.running()
    if noticed:
        waiting = {"restartCount": 1, "state": {"waiting": {"reason": "ContainerCreating"}}}
        ready = {"type": "Ready", "status": "False"}
        world.say("one-1", {"podIP": "", "containerStatuses": [waiting], "conditions": [ready]})
        await world.settle()
        assert world.status()["phase"] == "Starting"
    told = []
    real = world.hub._enter

    def enter(what: str, owner: str, server: str) -> None:
        told.append((what, world.status()["podIp"]))
        real(what, owner, server)

    world.hub._enter = enter
    world.run_pod(ip="10.0.0.77", restarts=1)
    await world.settle()
    assert told == [("stop", ""), ("start", "10.0.0.77"), ("server", "10.0.0.77")]
    assert (world.status()["phase"], world.status()["attempt"]) == ("Running", 1)


async def test_a_server_that_falls_silent_is_busy_or_stuck_and_says_so(world) -> None:
    await world.running()
    moment = format_time(world.clock[0])
    silent = {"type": "Ready", "status": "False", "lastTransitionTime": moment}
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": moment}
    world.say("one-1", {"conditions": [scheduled, silent]})
    await world.settle()
    assert world.reason() == "Ready"
    await world.later(31)
    assert (world.status()["phase"], world.reason()) == ("Running", "NotAnswering")


@pytest.mark.parametrize(("away", "phase"), [(True, "Starting"), (False, "Queued")])
async def test_a_server_that_finds_no_hub_is_not_to_blame(world, away, phase) -> None:
    world.make("Sandbox", "one", {"owner": "trainee", "lab": "lora"})
    await world.settle()
    broken = {
        "restartCount": 5,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"reason": "Error", "exitCode": 1}},
    }
    world.context.registrar.away = away
    world.say("one-1", {"phase": "Running", "containerStatuses": [broken]})
    await world.settle()
    assert world.status()["phase"] == phase
    assert world.reason() == ("HubUnreachable" if away else "Crashed")


async def test_events_are_written_for_ready_and_stalled_when_asked_for(
    kubernetes, hub, reopen
) -> None:
    async with reopen(kubernetes, hub, events=True) as world:
        await world.running()
        events = [body for (kind, _, _), body in kubernetes.objects.items() if kind == "Event"]
        assert [event["reason"] for event in events] == ["Ready"]


async def test_a_twin_outside_of_any_cohort_keeps_nobody_from_starting(world) -> None:
    meta = {"name": "rogue", "namespace": "elsewhere"}
    spec = {"owner": "one", "lab": "lora"}
    body = {"apiVersion": API_VERSION, "kind": "Sandbox", "metadata": meta, "spec": spec}
    world.kubernetes.put(body)
    await world.settle()
    world.clock[0] += timedelta(minutes=1)
    await world.running()


async def test_deleting_releases_everything_and_rolls_up_once(world) -> None:
    await world.running(workspace={"deletionPolicy": "Delete"})
    world.clock[0] += timedelta(minutes=10)
    world.kubernetes.remove(SANDBOXES, "one", namespace=world.namespace)
    await world.settle()
    world.end_deleted_pods()
    await world.settle()
    left = {kind for kind, place, _ in world.kubernetes.objects if place == world.namespace}
    assert not left & {"Sandbox", "Pod", "Secret", "PersistentVolumeClaim"}
    assert world.hub.servers == {}
    cohort = world.kubernetes.objects["Cohort", "", "spring"]
    assert cohort["status"]["usage"]["runningSeconds"] == 600


async def test_a_pod_that_lingers_holds_a_deletion_up_for_a_while_and_counts_once(world) -> None:
    await world.running()
    world.kubernetes.remove(SANDBOXES, "one", namespace=world.namespace)
    await world.settle()
    for _ in range(10):
        world.clock[0] += timedelta(minutes=1)
        await world.later(0)
    assert ("Sandbox", world.namespace, "one") not in world.kubernetes.objects
    counted = world.kubernetes.objects["Cohort", "", "spring"]["status"]["usage"]["runningSeconds"]
    assert counted <= 300


async def test_a_pod_that_lingers_after_its_end_is_not_counted_again(world) -> None:
    await world.running()
    world.clock[0] += timedelta(minutes=10)
    world.set(desiredState="Suspended")
    await world.settle()
    world.clock[0] += timedelta(minutes=2)
    await world.later(0)
    assert world.status()["phase"] == "Suspended"
    used = world.status()["usage"]["runningSeconds"]
    world.kubernetes.remove(SANDBOXES, "one", namespace=world.namespace)
    world.clock[0] += timedelta(minutes=10)
    await world.later(0)
    cohort = world.kubernetes.objects["Cohort", "", "spring"]
    assert cohort["status"]["usage"]["runningSeconds"] == used


@pytest.mark.parametrize("killed", [False, True])
async def test_the_hub_forgets_one_that_was_suspended_first(
    kubernetes, hub, reopen, killed
) -> None:
    async with reopen(kubernetes, hub) as world:
        await world.running()
        world.set(desiredState="Suspended")
        await world.settle()
        world.end_deleted_pods()
        await world.settle()
        assert hub.stopped == {("one", "lora")}
        if not killed:
            world.kubernetes.remove(SANDBOXES, "one", namespace=world.namespace)
            await world.settle()
    async with reopen(kubernetes, hub) as world:
        if killed:
            world.kubernetes.remove(SANDBOXES, "one", namespace=world.namespace)
            await world.settle()
        assert ("Sandbox", world.namespace, "one") not in world.kubernetes.objects
    assert hub.stopped == set()


@pytest.mark.parametrize("last", range(10))
async def test_killed_while_deleting_it_still_counts_once(kubernetes, hub, reopen, last) -> None:
    async with reopen(kubernetes, hub) as world:
        await world.running()
        world.clock[0] += timedelta(minutes=10)
        before = sum(kubernetes.calls.values())
        kubernetes.refuse = lambda *_call: (
            UnavailableError("killed") if sum(kubernetes.calls.values()) > before + last else None
        )
        kubernetes.remove(SANDBOXES, "one", namespace=world.namespace)
        await world.settle()
        world.end_deleted_pods()
        await world.settle()
        moment = world.clock[0]
    kubernetes.refuse = lambda *_call: None
    async with reopen(kubernetes, hub, at=moment) as world:
        world.end_deleted_pods()
        await world.later(0)
        assert ("Sandbox", world.namespace, "one") not in kubernetes.objects
        usage = kubernetes.objects["Cohort", "", "spring"]["status"]["usage"]
        assert usage["runningSeconds"] == 600


async def test_a_dead_hub_holds_a_deletion_up_for_a_while_only(world) -> None:
    await world.running()
    world.hub.error = HubUnavailableError("away")
    world.kubernetes.remove(SANDBOXES, "one", namespace=world.namespace)
    await world.settle()
    world.end_deleted_pods()
    await world.settle()
    assert world.status()["phase"] == "Terminating"
    await world.later(130)
    assert ("Sandbox", world.namespace, "one") not in world.kubernetes.objects


async def test_one_that_never_started_goes_at_once(world) -> None:
    world.make("Sandbox", "one", {"owner": "trainee", "lab": "unknown"})
    await world.settle()
    assert (world.status()["phase"], world.reason()) == ("Pending", "LabNotOffered")
    world.kubernetes.remove(SANDBOXES, "one", namespace=world.namespace)
    await world.settle()
    assert ("Sandbox", world.namespace, "one") not in world.kubernetes.objects
    assert world.hub.calls == []


async def test_a_changed_lab_asks_for_a_restart_and_disturbs_nobody(world) -> None:
    await world.running()
    image = {"image": {"reference": "example/lab:2"}}
    world.kubernetes.edit(BY_KIND["Lab"], "lora", {"spec": image})
    await world.settle()
    assert world.reason(kind="RestartRequired") == "LabChanged"
    assert world.status()["phase"] == "Running"
    assert world.status()["blueprint"]["image"]["reference"] == "example/lab:1"
    world.set(restart="now")
    await world.settle()
    assert world.status()["blueprint"]["image"]["reference"] == "example/lab:2"


async def test_a_younger_twin_waits_until_the_older_one_is_gone(world) -> None:
    await world.running()
    world.clock[0] += timedelta(minutes=1)
    world.make("Sandbox", "two", {"owner": "one", "lab": "lora"})
    await world.settle()
    assert (world.status("two")["phase"], world.reason("two")) == ("Pending", "Duplicate")
    world.kubernetes.remove(SANDBOXES, "one", namespace=world.namespace)
    await world.settle()
    world.end_deleted_pods()
    await world.settle()
    assert world.status("two")["phase"] == "Starting"


async def test_no_accelerator_free_is_a_place_in_the_queue(world) -> None:
    world.let_the_lab_take_both_accelerators()
    await world.settle()
    await world.running()
    world.make("Sandbox", "two", {"owner": "two", "lab": "lora"})
    await world.settle()
    assert world.reason("two") == "AcceleratorBusy"
    assert world.status("two")["queue"]["position"] == 1
    total = world.kubernetes.objects["AcceleratorClass", "", "a100"]["status"]
    assert (total["total"], total["inUse"]) == (2, 2)
    world.set(desiredState="Suspended")
    await world.settle()
    world.end_deleted_pods()
    await world.settle()
    assert world.status("two")["phase"] == "Starting"


async def test_a_place_is_free_when_the_pod_has_gone(world) -> None:
    world.let_the_lab_take_both_accelerators()
    await world.settle()
    await world.running()
    world.make("Sandbox", "two", {"owner": "two", "lab": "lora"})
    world.kubernetes.remove(SANDBOXES, "one", namespace=world.namespace)
    await world.settle()
    assert world.status()["phase"] == "Terminating"
    assert world.reason("two") == "AcceleratorBusy"
    total = world.kubernetes.objects["AcceleratorClass", "", "a100"]
    assert total["status"]["inUse"] == 2
    world.end_deleted_pods()
    await world.settle()
    assert world.status("two")["phase"] == "Starting"


async def test_a_pod_that_outlives_its_sandboxs_suspension_keeps_its_place(world) -> None:
    world.let_the_lab_take_both_accelerators()
    await world.settle()
    await world.running()
    world.set(desiredState="Suspended")
    await world.settle()
    await world.later(80)
    assert world.status()["phase"] == "Suspended"
    world.make("Sandbox", "two", {"owner": "two", "lab": "lora"})
    await world.settle()
    total = world.kubernetes.objects["AcceleratorClass", "", "a100"]
    assert (world.reason("two"), total["status"]["inUse"]) == ("AcceleratorBusy", 2)
    world.end_deleted_pods()
    await world.settle()
    assert world.status("two")["phase"] == "Starting"


async def test_spent_hours_suspend_and_keep_it_from_starting(world) -> None:
    world.let_the_lab_take_both_accelerators()
    quota = {"accelerators": [{"className": "a100", "count": 2, "hours": 1}]}
    world.kubernetes.edit(BY_KIND["Cohort"], "spring", {"spec": {"quota": quota}})
    await world.settle()
    await world.running()
    world.clock[0] += timedelta(minutes=31)
    world.context.queue.add(Key("Cohort", "", "spring"))
    await world.settle()
    world.end_deleted_pods()
    await world.settle()
    reason = "AcceleratorHoursExceeded"
    assert (world.status()["phase"], world.reason()) == ("Suspended", reason)
    world.set(desiredState="Running")
    await world.settle()
    assert (world.status()["phase"], world.status()["queue"]["reason"]) == ("Queued", reason)
    world.context.cohorts.clear()  # as after a restart, before its Cohort is looked at
    assert room_of(world.context).cohorts["spring"].spent == {"a100"}


async def test_thirty_fifths_of_a_cpu_are_six(world) -> None:
    # As sums of floats only 29 of them fitted.
    world.kubernetes.edit(BY_KIND["Lab"], "lora", {"spec": {"resources": {"cpu": "200m"}}})
    world.kubernetes.edit(BY_KIND["Cohort"], "spring", {"spec": {"quota": {"cpu": "6"}}})
    await world.settle()
    for number in range(30):
        world.make("Sandbox", f"s{number}", {"owner": f"o{number}", "lab": "lora"})
        await world.settle()
        world.run_pod(f"s{number}-1")
        await world.settle()
        assert world.status(f"s{number}")["phase"] == "Running"
