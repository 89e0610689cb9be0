"""The chart as a real API server takes it, and what its values refuse."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from practicum_local.paths import Paths
from practicum_local.release import CHART, DEMO_VALUES, Cluster, ReleaseError

KUBERNETES = "--kube-version=1.36.0"
OIDC = """
auth:
  kind: oidc
  oidc:
    clientId: practicum
    clientSecretName: oidc
    authorizeUrl: https://id.example.org/authorize
    tokenUrl: https://id.example.org/token
    userdataUrl: https://id.example.org/userinfo
hub: {publicUrl: https://hub.example.org, databaseSecretName: hub-database}
portal: {publicUrl: https://practicum.example.org, databaseSecretName: portal-database, replicas: 2}
ingress: {enabled: true, className: nginx, tlsSecretName: wildcard}
"""

Render = Callable[..., str]


@pytest.fixture(scope="module")
def cluster(admin_kubeconfig: Path) -> Cluster:
    made = Cluster(paths=Paths.from_environment(), kubeconfig=admin_kubeconfig)
    with_namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "practicum"}}
    made.apply(with_namespace)
    return made


@pytest.fixture(scope="module")
def render(cluster: Cluster) -> Render:
    def run(*arguments: str, values: str = "") -> str:
        return cluster.helm(
            "template", "practicum", str(CHART), "--namespace=practicum", KUBERNETES,
            "--values=-", *arguments, body=values,
        )  # fmt: skip

    return run


@pytest.mark.parametrize(
    ("arguments", "values"), [((f"--values={DEMO_VALUES}",), ""), ((), OIDC)], ids=["demo", "oidc"]
)
def test_the_api_server_accepts_every_manifest(
    cluster: Cluster, render: Render, arguments: tuple[str, ...], values: str
) -> None:
    manifests = render(*arguments, values=values)
    cluster.kubectl("apply", "--server-side", "--dry-run=server", "--filename=-", body=manifests)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("{}", "/auth/kind"),
        (OIDC.replace("clientId: practicum", "clientId: ''"), "/auth/oidc/clientId"),
        (OIDC.replace("databaseSecretName: portal-database, ", ""), "/portal/replicas"),
        (OIDC.replace("https://hub.example.org", "hub.example.org"), "/hub/publicUrl"),
        (OIDC + "\noperatr: {}", "operatr"),
    ],
)
def test_wrong_values_are_refused_with_their_place(render: Render, values: str, said: str) -> None:
    with pytest.raises(ReleaseError, match=said):
        render(values=values)


def containers(manifests: str) -> list[dict[str, object]]:
    documents = yaml.safe_load_all(manifests)
    pods = [body["spec"]["template"] for body in documents if body and body["kind"] == "Deployment"]
    return [container for pod in pods for container in pod["spec"]["containers"]]


def test_no_secret_is_in_a_manifest_but_in_secrets(render: Render) -> None:
    for container in containers(render(f"--values={DEMO_VALUES}")):
        for entry in container["env"] if isinstance(container.get("env"), list) else []:
            if "TOKEN" in entry["name"] or "KEY" in entry["name"]:
                assert "secretKeyRef" in entry["valueFrom"], entry["name"]


def test_every_container_is_locked_down(render: Render) -> None:
    for container in containers(render(f"--values={DEMO_VALUES}")):
        security = container["securityContext"]
        assert security == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_an_uninstall_deletes_nobodys_work(render: Render) -> None:
    keep = "helm.sh/resource-policy"
    for body in yaml.safe_load_all(render(f"--values={DEMO_VALUES}")):
        if body and body["kind"] in {"CustomResourceDefinition", "PersistentVolumeClaim", "Secret"}:
            kept = body["metadata"].get("annotations", {}).get(keep) == "keep"
            assert kept or body["metadata"]["name"] == "hub-demo-accounts", body["metadata"]["name"]


def test_the_client_programs_keep_their_files_below_the_cache(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    cluster.kubectl("version")
    cluster.helm("version")
    assert list(tmp_path.iterdir()) == []
