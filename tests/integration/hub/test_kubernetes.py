"""The seam on a real API server, with the rights that the chart gives the Hub and no others."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import load_kube_config

from practicum_api.sandbox import DesiredState
from practicum_hub.kube import KubernetesSandboxes
from practicum_hub.sandboxes import ConflictError, ExpiredError, Sandboxes, UnavailableError
from practicum_local.controlplane import ControlPlane
from practicum_local.paths import Paths
from practicum_local.release import CHART, DEMO_VALUES, Cluster

SYSTEM = "practicum"
ROOM = "practicum-hub-test"
TEMPLATES = ("hub/rbac.yaml", "crds/sandboxes.yaml")
PATIENCE = 30
TOKEN = "f" * 64


@pytest.fixture(scope="session")
def cluster(control_plane: ControlPlane) -> Cluster:
    """The chart's CRD and roles, a cohort's namespace as the operator leaves it."""
    found = Cluster(paths=Paths.from_environment(), kubeconfig=control_plane.kubeconfig)
    account = {"name": "hub", "namespace": SYSTEM}
    for name in (SYSTEM, ROOM):
        found.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    found.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    manifests = found.helm(
        "template", "practicum", str(CHART), f"--namespace={SYSTEM}", "--kube-version=1.36.0",
        f"--values={DEMO_VALUES}", *(f"--show-only=templates/{name}" for name in TEMPLATES),
    )  # fmt: skip
    found.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", body=manifests)
    found.kubectl("wait", "--for=condition=Established", "crd/sandboxes.practicum.dev")
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole"}
    found.apply(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "hub", "namespace": ROOM},
            "roleRef": role | {"name": "practicum-hub-cohort"},
            "subjects": [{"kind": "ServiceAccount", **account}],
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "trainee--lora-1", "namespace": ROOM},
            "data": {"JUPYTERHUB_API_TOKEN": base64.b64encode(TOKEN.encode()).decode()},
        },
    )
    return found


@pytest.fixture
async def api(cluster: Cluster, control_plane: ControlPlane, tmp_path: Path):
    """The seam, as the Hub's ServiceAccount."""
    config = yaml.safe_load(control_plane.kubeconfig.read_text())
    token = cluster.kubectl("create", "token", "hub", f"--namespace={SYSTEM}").strip()
    config["users"][0]["user"] = {"token": token}
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    configuration = Configuration()
    await load_kube_config(str(path), client_configuration=configuration)
    async with ApiClient(configuration) as client:
        yield KubernetesSandboxes(client)


@pytest.fixture
def sandbox(cluster: Cluster, request: pytest.FixtureRequest):
    """Makes a Sandbox; it is gone after the test."""
    made: list[str] = []

    def make(name: str, **spec: Any) -> tuple[str, str]:
        cluster.apply(
            {
                "apiVersion": "practicum.dev/v1alpha1",
                "kind": "Sandbox",
                "metadata": {"name": name, "namespace": ROOM},
                "spec": {"owner": "trainee", "lab": "lora"} | spec,
            }
        )
        made.append(name)
        return ROOM, name

    yield make
    for name in made:
        cluster.kubectl("delete", "sandbox", name, f"--namespace={ROOM}", "--ignore-not-found")


async def test_a_wish_is_written_once_and_only_on_what_was_read(api, sandbox):
    key = sandbox("trainee--lora")
    read = await api.get(key)
    written = await api.set_desired_state(read, DesiredState.SUSPENDED)
    assert written.spec.desired_state is DesiredState.SUSPENDED
    assert written.metadata.generation == read.metadata.generation + 1
    with pytest.raises(ConflictError):
        await api.set_desired_state(read, DesiredState.RUNNING)
    assert (await api.get(key)).spec.desired_state is DesiredState.SUSPENDED


async def test_the_field_manager_is_ours(api, cluster, sandbox):
    key = sandbox("trainee--lora")
    await api.set_desired_state(await api.get(key), DesiredState.SUSPENDED)
    body = cluster.kubectl(
        "get", "sandbox", key[1], f"--namespace={ROOM}", "--show-managed-fields", "--output=yaml"
    )
    managers = {
        entry["manager"]: entry for entry in yaml.safe_load(body)["metadata"]["managedFields"]
    }
    assert managers["practicum-hub"]["fieldsV1"] == {"f:spec": {"f:desiredState": {}}}


async def test_what_is_gone_is_none(api, cluster, sandbox):
    key = sandbox("trainee--lora")
    read = await api.get(key)
    cluster.kubectl("delete", "sandbox", key[1], f"--namespace={ROOM}")
    assert await api.get(key) is None
    assert await api.set_desired_state(read, DesiredState.SUSPENDED) is None


async def test_tokens_are_read_in_cohorts_only(api):
    assert await api.token(ROOM, "trainee--lora-1") == TOKEN
    assert await api.token(ROOM, "trainee--lora-2") is None
    with pytest.raises(UnavailableError, match="403"):
        await api.token(SYSTEM, "hub-tokens")


async def test_the_watch_follows_and_outlives_its_end(api, cluster, sandbox):
    found = Sandboxes(api)
    found.ensure_watching()
    sandbox("trainee--lora")
    first = await found.wait("trainee", "lora", lambda item: item is not None, PATIENCE)
    assert first is not None
    assert found.following
    cluster.kubectl(
        "patch", "sandbox", "trainee--lora", f"--namespace={ROOM}", "--subresource=status",
        "--type=merge", '--patch={"status":{"podIp":"10.0.0.7"}}',
    )  # fmt: skip
    served = await found.wait(
        "trainee", "lora", lambda item: item is not None and bool(item.status.pod_ip), PATIENCE
    )
    assert served.status.pod_ip == "10.0.0.7"
    cluster.kubectl("delete", "sandbox", "trainee--lora", f"--namespace={ROOM}")
    assert await found.wait("trainee", "lora", lambda item: item is None, PATIENCE) is None
    await found.close()


async def test_a_watch_from_too_long_ago_is_known_as_such(api):
    with pytest.raises(ExpiredError):
        await asyncio.wait_for(_first(api.watch("1")), PATIENCE)


async def test_a_silent_server_is_away(api):
    api._client.configuration.host = "https://127.0.0.1:1"
    with pytest.raises(UnavailableError, match="can't be reached"):
        await api.list()


async def _first(changes):
    return [change async for change in changes if change.sandbox]
