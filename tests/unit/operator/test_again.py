"""A start that is not the first one: what it is measured from, and what it finds."""

from datetime import timedelta

import pytest

from practicum_api import labels
from practicum_operator.kubernetes import QuotaError
from practicum_operator.resources import BY_KIND, CLAIMS, PODS, SANDBOXES


def ready_seconds(world) -> float:
    value = world.context.metrics.registry.get_sample_value("practicum_sandbox_ready_seconds_sum")
    assert value is not None
    return value


def lose(world) -> None:
    world.kubernetes.end_pod("one-1", world.namespace)


def restart(world) -> None:
    world.set(restart="again")


@pytest.mark.parametrize("again", [lose, restart])
async def test_another_start_is_measured_from_when_it_began(world, again) -> None:
    await world.running()
    before = ready_seconds(world)
    world.clock[0] += timedelta(hours=3)
    again(world)
    await world.settle()
    world.end_deleted_pods()
    await world.later(30)
    world.run_pod("one-2")
    await world.settle()
    assert world.status()["phase"] == "Running"
    assert ready_seconds(world) - before <= 60


async def test_a_restart_of_one_that_was_given_up_is_measured_from_the_wish(world) -> None:
    await world.running()
    before = ready_seconds(world)
    for attempt in (1, 2, 3):
        if attempt > 1:
            world.run_pod(f"one-{attempt}")
            await world.settle()
        world.kubernetes.end_pod(f"one-{attempt}", world.namespace)
        await world.settle()
        await world.later(300)
    assert world.status()["phase"] == "Stalled"
    lost = ready_seconds(world)
    assert lost - before <= 600
    await world.later(3 * 3600)
    world.set(restart="again")
    await world.settle()
    world.run_pod("one-4")
    await world.settle()
    assert world.status()["phase"] == "Running"
    assert ready_seconds(world) - lost <= 60


async def test_an_attempt_that_was_lost_before_it_came_up_is_still_the_same_wait(world) -> None:
    world.make("Sandbox", "one", {"owner": "one", "lab": "lora"})
    await world.settle()
    world.clock[0] += timedelta(minutes=5)
    world.kubernetes.remove(PODS, "one-1", namespace=world.namespace)
    await world.settle()
    await world.later(30)
    world.run_pod("one-2")
    await world.settle()
    assert ready_seconds(world) >= 330


async def test_a_workspace_on_its_way_out_is_waited_for(world) -> None:
    await world.running(workspace={"deletionPolicy": "Delete"})
    claim = next(
        body for (kind, _, _), body in world.kubernetes.objects.items() if kind == CLAIMS.kind
    )
    claim["metadata"]["finalizers"] = ["kubernetes.io/pvc-protection"]
    world.kubernetes.remove(SANDBOXES, "one", namespace=world.namespace)
    await world.settle()
    world.end_deleted_pods()
    await world.settle()
    world.make("Sandbox", "one", {"owner": "one", "lab": "lora"})
    await world.settle()
    assert (world.status()["phase"], world.pods()) == ("Starting", [])
    claim["metadata"]["finalizers"] = []
    world.kubernetes._settle(claim)
    await world.later(1)
    assert world.pods() == ["one-1"]
    name = claim["metadata"]["name"]
    assert (CLAIMS.kind, world.namespace, name) in world.kubernetes.objects


async def test_a_workspace_of_another_person_is_neither_taken_nor_deleted(world) -> None:
    await world.running(workspace={"deletionPolicy": "Retain"})
    (place,) = (key for key in world.kubernetes.objects if key[0] == CLAIMS.kind)
    world.kubernetes.remove(SANDBOXES, "one", namespace=world.namespace)
    await world.settle()
    world.end_deleted_pods()
    await world.settle()
    # As if the hash of another name were the same.
    world.kubernetes.objects[place]["metadata"]["annotations"] = {labels.OWNER: "o.ne"}
    world.make(
        "Sandbox", "one", {"owner": "one", "lab": "lora", "workspace": {"deletionPolicy": "Delete"}}
    )
    await world.settle()
    assert (world.reason(), world.pods()) == ("Rejected", [])
    assert "another person's" in str(world.status()["conditions"])
    world.kubernetes.remove(SANDBOXES, "one", namespace=world.namespace)
    await world.settle()
    assert ("Sandbox", world.namespace, "one") not in world.kubernetes.objects
    assert place in world.kubernetes.objects


async def test_all_files_go_also_with_one_that_never_started(world) -> None:
    await world.running()
    (place,) = (key for key in world.kubernetes.objects if key[0] == CLAIMS.kind)
    waits = {"lab": "lora", "desiredState": "Suspended", "workspace": {"deletionPolicy": "Delete"}}
    world.make("Sandbox", "twin", {"owner": "one"} | waits)
    world.make("Sandbox", "other", {"owner": "other"} | waits)
    await world.settle()
    for name in ("twin", "other", "one"):
        world.kubernetes.remove(SANDBOXES, name, namespace=world.namespace)
        await world.settle()
    world.end_deleted_pods()
    await world.settle()
    assert place in world.kubernetes.objects
    world.make("Sandbox", "one", {"owner": "one"} | waits)
    await world.settle()
    world.kubernetes.remove(SANDBOXES, "one", namespace=world.namespace)
    await world.settle()
    assert place not in world.kubernetes.objects


async def test_a_restart_keeps_its_place_and_waits_for_the_former_pod(world) -> None:
    full = QuotaError('pods "one-2" is forbidden: exceeded quota: practicum', status=403)
    lags = iter([True, False])

    def refuse(*call: str) -> QuotaError | None:
        here = call == ("create", "Pod", "one-2")
        return full if here and ("one-1" in world.pods() or next(lags)) else None

    world.kubernetes.refuse = refuse
    world.kubernetes.edit(BY_KIND["Cohort"], "spring", {"spec": {"quota": {"sandboxes": 1}}})
    await world.running()
    world.make("Sandbox", "two", {"owner": "two", "lab": "lora"})
    await world.settle()
    assert world.status("two")["phase"] == "Queued"
    restart(world)
    await world.settle()
    assert (world.status()["phase"], world.status()["attempt"]) == ("Starting", 2)
    assert world.pods() == ["one-1"]
    world.end_deleted_pods()
    await world.settle()
    await world.later(2)
    assert (world.status()["phase"], world.pods()) == ("Starting", ["one-2"])
    assert world.status("two")["phase"] == "Queued"


async def test_a_restart_waits_for_a_lost_nodes_pod_no_longer_than_it_must(world) -> None:
    await world.running()
    restart(world)
    await world.settle()
    await world.later(74)
    assert world.pods() == ["one-1"]
    await world.later(2)
    assert world.pods() == ["one-1", "one-2"]


@pytest.mark.parametrize(
    ("spec", "kept"),
    [
        ({"resources": {"cpu": "2"}}, False),
        ({"resources": {"memory": "8Gi"}}, False),
        ({"accelerator": {"className": "a100", "count": 2}}, False),
        ({"accelerator": {"className": "h100", "count": 1}}, False),
        ({"resources": {"cpu": "500m"}}, True),
        ({"accelerator": None}, True),
        ({"image": {"reference": "example/lab:2"}}, True),
    ],
)
async def test_a_restart_that_needs_more_asks_for_its_place(world, spec, kept) -> None:
    for name in ("a100", "h100"):
        world.make("AcceleratorClass", name, {"resourceName": "nvidia.com/gpu"})
    accelerator = {"accelerator": {"className": "a100", "count": 1}}
    world.kubernetes.edit(BY_KIND["Lab"], "lora", {"spec": accelerator})
    await world.settle()
    await world.running()
    world.kubernetes.edit(BY_KIND["Lab"], "lora", {"spec": spec})
    await world.settle()
    asked = []
    request = world.context.desk.request
    world.context.desk.request = lambda wanted: (asked.append(wanted.key.name), request(wanted))
    restart(world)
    await world.settle()
    world.end_deleted_pods()
    await world.settle()
    assert (world.status()["phase"], world.status()["attempt"]) == ("Starting", 2)
    assert bool(asked) is not kept


async def test_a_restart_into_more_than_the_quota_has_waits(world) -> None:
    world.kubernetes.edit(BY_KIND["Cohort"], "spring", {"spec": {"quota": {"cpu": "2"}}})
    await world.settle()
    await world.running()
    world.kubernetes.edit(
        BY_KIND["Lab"], "lora", {"spec": {"resources": {"cpu": "4", "cpuLimit": "4"}}}
    )
    restart(world)
    await world.settle()
    world.end_deleted_pods()
    await world.settle()
    assert (world.status()["phase"], world.reason()) == ("Queued", "ExceedsQuota")
    assert world.pods() == []
