"""What the loops promise: routes are kept, what a watch has missed is noticed, no worker dies."""

import asyncio
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import generate_latest

from practicum_api.names import API_VERSION
from practicum_operator.cache import Key
from practicum_operator.resources import BY_KIND, PODS
from practicum_operator.server import ProbeServer


async def test_routes_that_the_proxy_lost_are_synced(world) -> None:
    await world.running()
    world.hub.known_routes.clear()
    await world.engine._check_routes()
    assert world.hub.known_routes == {("one", "lora")}
    starts = [call for call in world.hub.calls if call[0] == "start"]
    assert len(starts) == 1


async def test_a_server_that_the_hub_lost_is_registered_again(world) -> None:
    await world.running()
    world.hub.known_routes.clear()
    world.hub.servers.clear()
    await world.engine._check_routes()
    await world.settle()
    assert world.hub.servers == {("one", "lora"): True}
    assert world.status()["phase"] == "Running"
    assert world.reason(kind="Registered") == "Ready"


async def test_routes_are_not_asked_for_while_nothing_runs(world) -> None:
    async def never() -> set:
        raise AssertionError

    world.hub.routes = never
    await world.engine._check_routes()


async def test_what_a_broken_watch_has_missed_is_noticed(world) -> None:
    await world.running()
    watch, world.kubernetes.watch = world.kubernetes.watch, lambda *_event: None
    world.kubernetes.remove(PODS, "one-1", namespace=world.namespace)
    world.end_deleted_pods()
    world.kubernetes.watch = watch
    await world.settle()
    assert world.status()["phase"] == "Running"
    await world.engine.prime()
    await world.settle()
    assert world.reason() == "PodDeleted"


async def test_an_object_that_breaks_its_reconciler_is_tried_again(world, caplog) -> None:
    def broken(*_a, **_k) -> None:
        raise ValueError("a bug")

    world.context.desk.request = broken
    world.make("Sandbox", "one", {"owner": "trainee", "lab": "lora"})
    await world.settle()
    assert "a bug" in caplog.text
    text = generate_latest(world.context.metrics.registry).decode()
    assert 'practicum_reconcile_seconds_count{kind="Sandbox",result="error"}' in text


async def test_what_is_not_as_its_type_says_is_passed_over(world) -> None:
    world.make("Sandbox", "odd", {"owner": 7})
    await world.settle()
    await world.engine.reconcile(Key("Sandbox", world.namespace, "odd"))
    assert "status" not in world.sandbox("odd")


async def test_an_edit_that_cannot_be_read_leaves_the_last_one_in_force(world, caplog) -> None:
    await world.running()
    lab = BY_KIND["Lab"]
    world.kubernetes.edit(lab, "lora", {"spec": {"lifetime": {"extension": "99999999999999h"}}})
    assert "Lab lora is not as its type says" in caplog.text
    await world.engine.prime()
    await world.settle()
    assert world.context.cache.labs.get("lora").spec.lifetime.extension == "2h"
    world.kubernetes.edit(lab, "lora", {"spec": {"lifetime": {"extension": "3h"}}})
    assert world.context.cache.labs.get("lora").spec.lifetime.extension == "3h"


async def test_a_sandbox_outside_of_any_cohort_is_told(world) -> None:
    meta = {"name": "lost", "namespace": "default"}
    spec = {"owner": "trainee", "lab": "lora"}
    body = {"apiVersion": API_VERSION, "kind": "Sandbox", "metadata": meta, "spec": spec}
    world.kubernetes.put(body)
    await world.settle()
    status = world.kubernetes.objects["Sandbox", "default", "lost"]["status"]
    assert status["conditions"][0]["reason"] == "UnknownCohort"


async def test_metrics_say_what_runs_waits_and_was_used(world) -> None:
    await world.running()
    world.make("Sandbox", "two", {"owner": "two", "lab": "elsewhere"})
    await world.settle()
    world.context.meter._counted_until[world.sandbox()["metadata"]["uid"]] = world.clock[0]
    world.clock[0] += timedelta(seconds=60)
    world.context.meter.count_all(world.clock[0])
    text = generate_latest(world.context.metrics.registry).decode()
    for line in (
        'practicum_sandboxes{cohort="spring",lab="lora",phase="Running"} 1.0',
        'practicum_sandboxes{cohort="spring",lab="elsewhere",phase="Pending"} 1.0',
        'practicum_cpu_seconds_total{cohort="spring",lab="lora"} 60.0',
        'practicum_sandbox_running_seconds_total{cohort="spring",lab="lora"} 60.0',
        "practicum_sandbox_ready_seconds_count 1.0",
        'practicum_sandbox_stage_seconds_count{stage="connecting"} 1.0',
    ):
        assert line in text, line


@pytest.mark.parametrize(
    ("alive", "synced", "healthy", "ready"),
    [(True, True, 200, 200), (True, False, 200, 503), (False, True, 503, 200)],
)
async def test_probes_tell_alive_from_ready(world, alive, synced, healthy, ready) -> None:
    server = ProbeServer(
        world.context.metrics.registry,
        alive=lambda: alive,
        synced=lambda: synced,
        before_scrape=lambda: None,
    )
    async with TestClient(TestServer(server.application())) as client:
        assert (await client.get("/healthz")).status == healthy
        assert (await client.get("/readyz")).status == ready
        assert "practicum_workqueue_depth" in await (await client.get("/metrics")).text()


async def test_a_loop_that_ends_by_a_bug_is_noticed(world, caplog) -> None:
    broken = asyncio.Event()

    async def watch(resource, **_query):
        await broken.wait()
        yield "MODIFIED", {"metadata": {"resourceVersion": "99", "name": "odd"}, "status": 7}

    world.kubernetes.watch = watch
    engine = world.engine
    await engine.start()
    await asyncio.sleep(0)
    assert engine.alive
    broken.set()
    await asyncio.wait(engine._tasks, timeout=30, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.sleep(0)
    assert not engine.alive
    assert "the loop 'pods' has ended" in caplog.text
    await engine.stop()


async def test_a_labs_status_concerns_nobody_but_the_lab(world, monkeypatch) -> None:
    await world.running()
    queued = []
    monkeypatch.setattr(world.context.queue, "add", lambda key, **_when: queued.append(key.kind))
    world.kubernetes.edit(BY_KIND["Lab"], "lora", {"status": {"sandboxes": 7}})
    assert set(queued) == {"Lab"}
    queued.clear()
    world.kubernetes.edit(BY_KIND["Lab"], "lora", {"spec": {"minutes": 90}})
    assert {"Cohort", "Sandbox"} <= set(queued)
