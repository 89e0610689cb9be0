"""A Cohort's room: made, mended, held back, removed; and what is said of it."""

import pytest

from practicum_operator.cache import Key
from practicum_operator.kubernetes import ForbiddenError, InvalidError
from practicum_operator.resources import (
    BY_KIND,
    CLAIMS,
    COHORTS,
    NAMESPACES,
    NETWORK_POLICIES,
    SANDBOXES,
)

ROOM = {
    ("LimitRange", "practicum"),
    ("NetworkPolicy", "default-deny"),
    ("NetworkPolicy", "platform"),
    ("ResourceQuota", "practicum"),
    ("RoleBinding", "practicum-hub"),
    ("RoleBinding", "practicum-operator"),
    ("RoleBinding", "practicum-portal"),
    ("ServiceAccount", "sandbox"),
}


def cohort(world) -> dict:
    return world.kubernetes.objects["Cohort", "", "spring"]


def reason(world, kind: str = "Ready") -> str:
    conditions = cohort(world)["status"]["conditions"]
    return next(item["reason"] for item in conditions if item["type"] == kind)


def in_room(world) -> set[tuple[str, str]]:
    objects = world.kubernetes.objects
    return {(kind, name) for kind, place, name in objects if place == world.namespace}


async def look(world) -> None:
    world.context.queue.add(Key("Cohort", "", "spring"))
    await world.settle()


async def test_a_room_has_all_it_needs_and_rights_come_first(world) -> None:
    assert in_room(world) == ROOM
    assert reason(world) == "Ready"
    made = [kind for verb, kind, _ in world.kubernetes.log if verb == "apply"]
    assert made[0] == "RoleBinding"


async def test_a_restart_reads_and_writes_nothing(kubernetes, hub, reopen) -> None:
    async with reopen(kubernetes, hub):
        pass
    kubernetes.calls.clear()
    async with reopen(kubernetes, hub):
        assert {verb for verb, _ in kubernetes.calls} == {"list", "get"}


async def test_an_open_lab_gets_a_policy_and_loses_it_again(world) -> None:
    lab = BY_KIND["Lab"]
    world.kubernetes.edit(lab, "lora", {"spec": {"egress": {"mode": "Internet"}}})
    await world.settle()
    assert ("NetworkPolicy", "lab-lora") in in_room(world)
    world.kubernetes.edit(lab, "lora", {"spec": {"egress": {"mode": "Closed"}}})
    await world.settle()
    assert in_room(world) == ROOM


@pytest.mark.parametrize(
    "cidr",
    [
        {"cidr": "999.1.1.1/40"},
        {"cidr": "192.0.2.0/24", "except": ["198.51.100.7/32"]},
        {"cidr": "192.0.2.0/24", "except": ["192.0.2.0/24"]},
    ],
)
async def test_a_lab_with_a_wrong_range_stops_itself_alone(world, cidr) -> None:
    world.kubernetes.refuse = lambda verb, kind, name: (
        InvalidError("invalid CIDR", status=422)
        if (verb, kind, name) == ("apply", "NetworkPolicy", "lab-bad")
        else None
    )
    egress = {"mode": "Cidrs", "cidrs": [cidr]}
    spec = {"title": {"en": "Bad"}, "image": {"reference": "example/lab:1"}, "egress": egress}
    world.make("Lab", "bad", spec)
    world.kubernetes.edit(COHORTS, "spring", {"spec": {"labs": ["bad", "lora"]}})
    await world.settle()
    assert (reason(world), in_room(world)) == ("Ready", ROOM)
    conditions = world.kubernetes.objects["Lab", "", "bad"]["status"]["conditions"]
    assert (conditions[0]["status"], conditions[0]["reason"]) == ("False", "LabNotReady")
    await world.running()
    world.make("Sandbox", "two", {"owner": "two", "lab": "bad"})
    await world.settle()
    assert (world.status("two")["phase"], world.reason("two")) == ("Pending", "LabNotReady")


async def test_what_was_opened_is_shut_at_the_next_resync(world) -> None:
    world.kubernetes.edit(
        NETWORK_POLICIES, "default-deny", {"spec": {"ingress": [{}]}}, namespace=world.namespace
    )
    world.context.cohort_memory(cohort(world)["metadata"]["uid"]).verified_at = None
    await look(world)
    policy = world.kubernetes.objects["NetworkPolicy", world.namespace, "default-deny"]
    assert "ingress" not in policy["spec"]


@pytest.mark.parametrize("marked", [{}, {"practicum.dev/cohort-uid": "another"}])
async def test_a_namespace_without_our_mark_is_left_alone(kubernetes, hub, reopen, marked) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "practicum-spring", "annotations": marked},
    }
    before = kubernetes.put(body)
    async with reopen(kubernetes, hub) as world:
        assert reason(world) == "NamespaceNotOurs"
        assert in_room(world) == set()
        assert world.kubernetes.objects["Namespace", "", "practicum-spring"] == before


@pytest.mark.parametrize("labels", [{}, {"practicum.dev/cohort": "spring"}])
async def test_a_name_that_comes_free_is_taken(kubernetes, hub, reopen, labels) -> None:
    # One without our label is not watched: that it has gone is noticed by looking alone.
    meta = {"name": "practicum-spring", "labels": labels}
    kubernetes.put({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
    async with reopen(kubernetes, hub) as world:
        assert (reason(world), in_room(world)) == ("NamespaceNotOurs", set())
        kubernetes.calls.clear()
        await look(world)
        assert ("patch_status", "Cohort") not in kubernetes.calls
        kubernetes.remove(NAMESPACES, "practicum-spring")
        await look(world)
        assert (reason(world), in_room(world)) == ("Ready", ROOM)


async def test_what_the_cluster_refuses_is_said(kubernetes, hub, reopen) -> None:
    no = ForbiddenError("rolebindings is forbidden: User cannot bind", status=403)
    kubernetes.refuse = lambda verb, kind, _n: (
        no if (verb, kind) == ("apply", "RoleBinding") else None
    )
    async with reopen(kubernetes, hub) as world:
        message = str(cohort(world)["status"]["conditions"])
        assert "cannot bind" in message
        kubernetes.refuse = lambda *_call: None
        await look(world)
        assert reason(world) == "Ready"


async def test_work_holds_a_deletion_back(world) -> None:
    await world.running()
    world.kubernetes.remove(COHORTS, "spring")
    await world.settle()
    assert (reason(world), reason(world, "Stalled")) == ("HeldByWork", "HeldByWork")
    world.kubernetes.remove(SANDBOXES, "one", namespace=world.namespace)
    await world.settle()
    world.end_deleted_pods()
    await world.settle()
    assert reason(world) == "HeldByWork"
    claim = next(name for kind, _, name in world.kubernetes.objects if kind == CLAIMS.kind)
    world.kubernetes.remove(CLAIMS, claim, namespace=world.namespace)
    await look(world)
    await look(world)
    assert ("Namespace", "", "practicum-spring") not in world.kubernetes.objects
    assert ("Cohort", "", "spring") not in world.kubernetes.objects


async def test_cascade_takes_the_work_along(world) -> None:
    await world.running()
    world.kubernetes.edit(COHORTS, "spring", {"spec": {"deletionPolicy": "Cascade"}})
    world.kubernetes.remove(COHORTS, "spring")
    await world.settle()
    world.end_deleted_pods()
    await world.settle()
    await look(world)
    await look(world)
    assert ("Cohort", "", "spring") not in world.kubernetes.objects
    assert ("Namespace", "", "practicum-spring") not in world.kubernetes.objects
    assert world.hub.servers == {}


async def test_sandboxes_are_counted(world) -> None:
    await world.running()
    world.make("Sandbox", "two", {"owner": "two", "lab": "elsewhere"})
    await world.settle()
    await look(world)
    assert cohort(world)["status"]["sandboxes"] == {
        "total": 2,
        "running": 1,
        "queued": 1,
    }


async def test_counts_alone_are_not_written_for_each_change(kubernetes, hub, reopen) -> None:
    async with reopen(kubernetes, hub, count_delay=3600) as world:
        kubernetes.calls.clear()
        for number in range(5):
            await world.running(f"s{number}")
            await look(world)
        assert kubernetes.calls["patch_status", "Cohort"] == 0


async def test_a_lab_without_its_accelerator_is_not_ready_until_there_is_one(world) -> None:
    lab = BY_KIND["Lab"]
    world.kubernetes.edit(lab, "lora", {"spec": {"accelerator": {"className": "a100"}}})
    world.make("Sandbox", "one", {"owner": "trainee", "lab": "lora"})
    await world.settle()
    status = world.kubernetes.objects["Lab", "", "lora"]["status"]
    assert status["conditions"][0]["reason"] == "UnknownAcceleratorClass"
    assert world.reason() == "LabNotReady"
    world.make("AcceleratorClass", "a100", {"resourceName": "nvidia.com/gpu"})
    await world.settle()
    status = world.kubernetes.objects["Lab", "", "lora"]["status"]
    assert status["conditions"][0]["status"] == "True"
    assert world.status()["phase"] == "Starting"


async def test_a_class_that_no_node_offers_says_so(world) -> None:
    world.make("AcceleratorClass", "tpu", {"resourceName": "google.com/tpu"})
    await world.settle()
    status = world.kubernetes.objects["AcceleratorClass", "", "tpu"]["status"]
    assert status["conditions"][0]["reason"] == "Unschedulable"


async def test_what_it_names_and_nobody_made_is_a_condition(world) -> None:
    quota = {"accelerators": [{"className": "nope", "count": 1}]}
    change = {"spec": {"labs": ["lora", "nolab"], "quota": quota}}
    world.kubernetes.edit(BY_KIND["Cohort"], "spring", change)
    await world.settle()
    assert _resolved(world) == ("False", "UnknownLab", "No Lab is named nolab.")
    world.make("Lab", "nolab", {"title": {"en": "L"}, "image": {"reference": "lab:1"}})
    await world.settle()
    assert _resolved(world) == (
        "False",
        "UnknownAcceleratorClass",
        "No AcceleratorClass is named nope.",
    )
    world.make("AcceleratorClass", "nope", {"resourceName": "nvidia.com/gpu"})
    await world.settle()
    assert _resolved(world)[0] == "True"


def _resolved(world) -> tuple[str, str, str]:
    conditions = world.kubernetes.objects["Cohort", "", "spring"]["status"]["conditions"]
    (found,) = [item for item in conditions if item["type"] == "ResolvedRefs"]
    return found["status"], found["reason"], found["message"]
