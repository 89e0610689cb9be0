"""What goes wrong in production, provoked: nothing is lost, nothing doubled, nothing stuck."""

import asyncio

import pytest

from practicum_operator.resources import (
    CLAIMS,
    COHORTS,
    PODS,
    RESOURCE_QUOTAS,
    SANDBOXES,
    SECRETS,
)

MANY = 12


async def test_killed_in_mid_start_loses_and_doubles_nothing(room, operator, kubelet, hub) -> None:
    operator.start()
    await room.cohort_ready()
    names = [f"s{number}" for number in range(MANY)]
    await asyncio.gather(*(room.sandbox(name) for name in names))
    for _ in range(4):
        await asyncio.sleep(0.35)
        operator.kill()
        operator.start()
    for name in names:
        status = await room.phase(name, "Running")
        assert status["attempt"] == 1
    assert await room.names(PODS) == sorted(f"{name}-1" for name in names)
    assert await room.names(SECRETS) == sorted(f"{name}-1" for name in names)
    assert sorted(kubelet.seen_in(room.namespace)) == sorted(f"{name}-1" for name in names)
    assert set(hub.servers) == {(name, "lora") for name in names}


async def test_a_restart_writes_nothing(room, operator, kubelet, kube) -> None:
    operator.start()
    await room.cohort_ready()
    await asyncio.gather(*(room.sandbox(f"s{number}") for number in range(MANY)))
    for number in range(MANY):
        await room.phase(f"s{number}", "Running")
    await room.set("s0", desiredState="Suspended")
    await room.phase("s0", "Suspended")
    await room.settled()
    operator.stop()
    before = await room.versions()
    operator.start()
    await operator.ready()
    await asyncio.sleep(3)
    assert await room.versions() == before
    assert await operator.writes() == 0


async def test_usage_is_counted_once_even_when_killed_between(
    room, operator, kubelet, kube
) -> None:
    operator.start()
    await room.cohort_ready()
    await asyncio.gather(*(room.sandbox(f"s{number}") for number in range(4)))
    for number in range(4):
        await room.phase(f"s{number}", "Running")
        await room.set(f"s{number}", desiredState="Suspended")
    used = 0
    for number in range(4):
        status = await room.phase(f"s{number}", "Suspended")
        used += status["usage"].get("runningSeconds", 0)
    await asyncio.gather(
        *(kube.delete(SANDBOXES, f"s{n}", namespace=room.namespace) for n in range(4))
    )
    for _ in range(6):
        await asyncio.sleep(0.05)
        operator.kill()
        operator.start()
    for number in range(4):
        await room.gone(SANDBOXES, f"s{number}", room.namespace)
    assert (await room.usage()).get("runningSeconds", 0) == used


async def test_a_pod_deleted_by_hand_comes_back_as_a_new_attempt(
    room, operator, kubelet, hub, kube
) -> None:
    operator.start()
    await room.cohort_ready()
    await room.sandbox("one", owner="trainee")
    await room.phase("one", "Running")
    await kube.delete(PODS, "one-1", namespace=room.namespace)
    await room.attempt("one", 2)
    assert await room.names(SECRETS) == ["one-2"]
    assert hub.servers == {("trainee", "lora"): "ready"}


async def test_deleted_while_starting_leaves_nothing(room, operator, kubelet, hub, kube) -> None:
    kubelet.hold = lambda name: name == "one-1"
    operator.start()
    await room.cohort_ready()
    await room.sandbox("one", owner="trainee", workspace={"deletionPolicy": "Delete"})
    await room.phase("one", "Starting")
    await kube.delete(SANDBOXES, "one", namespace=room.namespace)
    await room.gone(SANDBOXES, "one", room.namespace)
    for resource in (PODS, SECRETS):
        assert await room.names(resource) == []
    await room.gone(CLAIMS, "work-trainee--lora", room.namespace)
    assert hub.servers == {}


async def test_a_full_quota_of_the_namespace_sends_it_back_to_the_queue(
    room, operator, kubelet, kube
) -> None:
    operator.start()
    await room.cohort_ready()
    wall = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "wall", "namespace": room.namespace},
        "spec": {"hard": {"requests.storage": "1Gi"}},
    }
    await kube.create(RESOURCE_QUOTAS, wall)
    await room.quota_known("wall")
    await room.sandbox("one", owner="trainee")
    await room.reason("one", "QuotaExceeded")
    status = await room.phase("one", "Queued")
    assert status.get("failures", 0) == 0
    await kube.delete(RESOURCE_QUOTAS, "wall", namespace=room.namespace)
    await room.phase("one", "Running")


async def test_waits_for_the_hub_and_for_nothing_else(room, operator, kubelet, hub) -> None:
    hub.away = True
    operator.start()
    await room.cohort_ready()
    await room.sandbox("one", owner="trainee")
    status = await room.reason("one", "HubUnreachable")
    assert status["phase"] == "Starting"
    assert status["podIp"]
    hub.away = False
    running = await room.phase("one", "Running")
    assert running["attempt"] == 1


async def test_an_unknown_owner_is_told_and_waits(room, operator, kubelet, hub) -> None:
    hub.unknown.add("nobody")
    operator.start()
    await room.cohort_ready()
    await room.sandbox("one", owner="nobody")
    status = await room.reason("one", "OwnerUnknown")
    assert status["phase"] == "Starting"


async def test_a_hub_that_lost_its_database_is_told_again(room, operator, kubelet, hub) -> None:
    operator.start()
    await room.cohort_ready()
    await room.sandbox("one", owner="trainee")
    await room.phase("one", "Running")
    hub.servers.clear()
    hub.routes.clear()
    await room.true(lambda: hub.routes == {("trainee", "lora")})
    assert (await room.status("one"))["attempt"] == 1


async def test_a_proxy_that_lost_its_routes_gets_them_back(room, operator, kubelet, hub) -> None:
    operator.start()
    await room.cohort_ready()
    await room.sandbox("one", owner="trainee")
    await room.phase("one", "Running")
    starts = sum(call[0] == "POST" for call in hub.calls)
    hub.routes.clear()
    await room.true(lambda: hub.routes == {("trainee", "lora")})
    assert sum(call[0] == "POST" for call in hub.calls) == starts


async def test_survives_an_api_server_that_restarts(room, operator, kubelet, site, hub) -> None:
    operator.start()
    await room.cohort_ready()
    await asyncio.gather(*(room.sandbox(f"s{number}") for number in range(4)))
    # On this thread: the server's process ends with the thread that started it.
    site.plane.restart_api_server(down_seconds=2)
    for number in range(4):
        status = await room.phase(f"s{number}", "Running")
        assert status["attempt"] == 1
    await room.set("s0", desiredState="Suspended")
    await room.phase("s0", "Suspended")


@pytest.mark.parametrize(
    ("waiting", "reason"),
    [
        ({"reason": "ErrImagePull", "message": "not found"}, "ImageUnavailable"),
        ({"reason": "InvalidImageName"}, "InvalidImage"),
    ],
)
async def test_a_bad_image_stalls_with_its_reason_and_restart_tries_again(
    room, operator, kubelet, waiting, reason
) -> None:
    kubelet.script = lambda name: None if name == "one-4" else {"waiting": waiting}
    operator.start()
    await room.cohort_ready()
    await room.sandbox("one", owner="trainee")
    status = await room.phase("one", "Stalled")
    assert status["failures"] == 3
    assert (await room.reason("one", reason))["attempt"] == 3
    assert (await room.spec("one"))["desiredState"] == "Running"
    await room.empty(PODS)
    await room.set("one", restart="again")
    await room.attempt("one", 4)


async def test_a_lost_node_does_not_hold_up_the_next_attempt(room, operator, kubelet, kube) -> None:
    operator.start(PRACTICUM_NODE_GRACE="1")
    await room.cohort_ready()
    await room.sandbox("one", owner="trainee")
    await room.phase("one", "Running")
    kubelet.stuck.add("one-1")
    kubelet.hold = lambda name: name == "one-2"
    try:
        await kubelet.node_ready("Unknown")
        await room.attempt_number("one", 2)
        assert "one-1" in await room.names(PODS)
    finally:
        await kubelet.node_ready("True")
    kubelet.hold = lambda _name: False
    await room.attempt("one", 2)


async def test_two_of_the_same_server_do_not_race(room, operator, kubelet, hub) -> None:
    operator.start()
    await room.cohort_ready()
    await room.sandbox("one", owner="trainee")
    await room.phase("one", "Running")
    await room.sandbox("two", owner="trainee")
    status = await room.reason("two", "Duplicate")
    assert status["phase"] == "Pending"
    await room.kube.delete(SANDBOXES, "one", namespace=room.namespace)
    await room.phase("two", "Running")


async def test_a_short_quota_queues_with_place_and_reason(room, operator, kubelet, kube) -> None:
    await kube.merge_patch(COHORTS, room.cohort, {"spec": {"quota": {"sandboxes": 1}}})
    operator.start()
    await room.cohort_ready()
    for name in ("one", "two", "three"):
        await room.sandbox(name)
        await asyncio.sleep(1.1)
    await room.phase("one", "Running")
    second, third = [await room.reason(name, "QuotaExceeded") for name in ("two", "three")]
    assert second["queue"]["position"] == 1
    assert third["queue"]["position"] == 2
    await room.set("one", desiredState="Suspended")
    await room.phase("two", "Running")


async def test_terminates_in_good_order(room, operator, kubelet) -> None:
    operator.start()
    await room.cohort_ready()
    assert operator.stop() == 0
