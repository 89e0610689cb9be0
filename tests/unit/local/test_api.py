import datetime as dt

import pytest

from practicum_local.api import all_run, is_available, is_ready, object_path

SINCE = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
BEFORE, AFTER = "2026-01-01T11:59:59Z", "2026-01-01T12:00:00Z"


@pytest.mark.parametrize(
    ("manifest", "path"),
    [
        (
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "b"}},
            "/api/v1/namespaces/b/services/a",
        ),
        (
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "a", "namespace": "b"},
            },
            "/apis/apps/v1/namespaces/b/deployments/a",
        ),
    ],
)
def test_object_path(manifest, path):
    assert object_path(manifest) == path


def node(status="True", heartbeat=AFTER):
    ready = {"type": "Ready", "status": status, "lastHeartbeatTime": heartbeat}
    return {"status": {"conditions": [{"type": "MemoryPressure", "status": "False"}, ready]}}


def test_a_node_is_ready_when_its_kubelet_said_so_lately():
    assert is_ready(node(), since=SINCE)
    assert not is_ready(node(heartbeat=BEFORE), since=SINCE)
    assert not is_ready(node(status="Unknown"), since=SINCE)
    assert not is_ready(None, since=SINCE)


def pod(started=AFTER, *, ready=True, state="running", **metadata):
    containers = [{"ready": ready, "state": {state: {"startedAt": started}}}]
    return {"metadata": metadata, "status": {"containerStatuses": containers}}


def test_pods_run_when_every_container_started_since():
    assert all_run({"items": [pod(), pod()]}, since=SINCE)
    assert not all_run({"items": [pod(), pod(BEFORE)]}, since=SINCE)
    assert not all_run({"items": [pod(ready=False)]}, since=SINCE)
    assert not all_run({"items": [pod(state="waiting")]}, since=SINCE)
    assert not all_run({"items": [{"metadata": {}, "status": {}}]}, since=SINCE)
    assert not all_run({"items": []}, since=SINCE)
    assert not all_run(None, since=SINCE)


def test_pods_on_their_way_out_do_not_count():
    assert all_run({"items": [pod(), pod(BEFORE, deletionTimestamp=AFTER)]}, since=SINCE)


def deployment(**status):
    known = {"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
    return {
        "metadata": {"generation": 2},
        "spec": {"replicas": 1},
        "status": {**known, **status},
    }


@pytest.mark.parametrize(
    ("status", "available"),
    [
        ({}, True),
        ({"observedGeneration": 1}, False),
        ({"replicas": 2}, False),
        ({"updatedReplicas": 0}, False),
        ({"availableReplicas": 0}, False),
    ],
)
def test_a_deployment_is_available_in_its_newest_form(status, available):
    assert is_available(deployment(**status)) is available


def test_a_deployment_that_is_not_there_is_not_available():
    assert not is_available(None)
