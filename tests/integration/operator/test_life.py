"""A sandbox's whole life on a real API server, with the rights that the chart gives."""

import pytest

from practicum_operator.resources import (
    CLAIMS,
    COHORTS,
    LABS,
    NAMESPACES,
    NETWORK_POLICIES,
    PODS,
    RESOURCE_QUOTAS,
    ROLE_BINDINGS,
    SANDBOXES,
    SECRETS,
)


async def test_starts_suspends_resumes_and_goes(room, operator, kubelet, hub, site) -> None:
    operator.start()
    await room.cohort_ready()
    await room.sandbox("one", owner="trainee")

    started = await room.phase("one", "Running")
    assert started["url"] == "http://trainee.practicum.localhost:8000/user/trainee/lora/"
    assert started["podIp"]
    assert hub.servers == {("trainee", "lora"): "ready"}
    assert await room.names(SECRETS) == ["one-1"]

    await room.set("one", desiredState="Suspended")
    stopped = await room.phase("one", "Suspended")
    assert "since" not in stopped["usage"]
    assert await room.names(PODS) == []
    assert await room.names(SECRETS) == []
    assert await room.names(CLAIMS) == ["work-trainee--lora"]
    assert hub.servers == {}

    await room.set("one", desiredState="Running")
    resumed = await room.phase("one", "Running")
    assert resumed["attempt"] == 2
    assert await room.names(PODS) == ["one-2"]

    await room.set("one", workspace={"deletionPolicy": "Delete"})
    await room.kube.delete(SANDBOXES, "one", namespace=room.namespace)
    await room.gone(SANDBOXES, "one", room.namespace)
    await room.gone(CLAIMS, "work-trainee--lora", room.namespace)
    assert await room.names(PODS) == []
    assert await room.names(SECRETS) == []
    assert hub.servers == {}


async def test_makes_a_room_and_mends_it(room, operator) -> None:
    operator.start()
    await room.cohort_ready()
    namespace = await room.kube.get(NAMESPACES, room.namespace)
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert await room.names(NETWORK_POLICIES) == ["default-deny", "platform"]
    assert await room.names(RESOURCE_QUOTAS) == ["practicum"]
    assert await room.names(ROLE_BINDINGS) == [
        "practicum-hub",
        "practicum-operator",
        "practicum-portal",
    ]

    operator.stop()
    opened = {"spec": {"ingress": [{}]}}
    await room.kube.merge_patch(
        NETWORK_POLICIES, "default-deny", opened, namespace=room.namespace, manager="someone"
    )
    operator.start()
    await room.policy_shut("default-deny")


async def test_leaves_a_foreign_namespace_alone(room, operator, kube) -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": room.namespace}}
    await kube.create(NAMESPACES, body)
    operator.start()
    await room.cohort_says("NamespaceNotOurs")
    found = await kube.get(NAMESPACES, room.namespace)
    assert "practicum.dev/cohort" not in found["metadata"]["labels"]
    assert await room.names(NETWORK_POLICIES) == []


async def test_holds_a_cohort_back_while_work_is_in_it(room, operator, kubelet, kube) -> None:
    operator.start()
    await room.cohort_ready()
    await room.sandbox("one", owner="trainee")
    await room.phase("one", "Running")
    await kube.merge_patch(COHORTS, room.cohort, {"spec": {"deletionPolicy": "Guard"}})
    await kube.delete(COHORTS, room.cohort)
    await room.cohort_says("HeldByWork")
    assert (await room.status("one"))["phase"] == "Running"

    await kube.merge_patch(COHORTS, room.cohort, {"spec": {"deletionPolicy": "Cascade"}})
    await room.gone(COHORTS, room.cohort)
    await room.gone(NAMESPACES, room.namespace)


@pytest.mark.parametrize(("lab", "reason"), [("nowhere", "LabNotOffered"), ("ghost", "UnknownLab")])
async def test_says_which_reference_does_not_resolve(lab, reason, operator, kube, room) -> None:
    await kube.merge_patch(COHORTS, room.cohort, {"spec": {"labs": ["lora", "ghost"]}})
    operator.start()
    await room.cohort_ready()
    await room.sandbox("one", lab=lab)
    status = await room.reason("one", reason)
    assert status["phase"] == "Pending"


async def test_a_lab_with_an_unknown_accelerator_says_so(room, operator, kube) -> None:
    spec = {
        "title": {"en": "GPU"},
        "image": {"reference": "example/lab:1"},
        "accelerator": {"className": "missing"},
    }
    await room.make(LABS, "gpu", spec)
    operator.start()
    assert await room.object_says(LABS, "gpu", "UnknownAcceleratorClass")
    await kube.delete(LABS, "gpu")


async def test_restart_and_reset_ask_once(room, operator, kubelet) -> None:
    operator.start()
    await room.cohort_ready()
    await room.sandbox("one", owner="trainee")
    await room.phase("one", "Running")
    await room.set("one", restart="a")
    await room.attempt("one", 2)
    await room.set("one", reset="b")
    status = await room.attempt("one", 3)
    assert (status["restart"], status["reset"]) == ("a", "b")
    pod = await room.kube.get(PODS, "one-3", room.namespace)
    env = {item["name"]: item.get("value") for item in pod["spec"]["containers"][0]["env"]}
    assert env["PRACTICUM_RESET"] == "b"


async def test_no_secret_shows_anywhere_but_in_the_secret(room, operator, kubelet, kube) -> None:
    operator.start()
    await room.cohort_ready()
    await room.sandbox("one", owner="trainee")
    await room.phase("one", "Running")
    import base64

    secret = await kube.get(SECRETS, "one-1", room.namespace)
    token = base64.b64decode(secret["data"]["JUPYTERHUB_API_TOKEN"]).decode()
    assert len(token) == 64
    pod = await kube.get(PODS, "one-1", room.namespace)
    sandbox = await kube.get(SANDBOXES, "one", room.namespace)
    events = await kube.list(room.events, namespace=room.namespace)
    for place in (pod, sandbox, events.items, operator.log.read_text()):
        assert token not in str(place)
        assert "hub-token-of-the-operator" not in str(place)
