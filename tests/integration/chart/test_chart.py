"""The chart as a real API server takes it, and what its values refuse."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

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


@pytest.mark.parametrize(
    ("name", "registry", "expected"),
    [
        ("hub:1.2.3", "reg.example.org", "reg.example.org/hub:1.2.3"),
        (
            "practicum/hub:1.2.3",
            "reg.example.org/team/",
            "reg.example.org/team/practicum/hub:1.2.3",
        ),
        ("reg:5000/hub:1", "other.example.org", "reg:5000/hub:1"),
        ("localhost/practicum/hub:ab", "other.example.org", "localhost/practicum/hub:ab"),
        ("practicum/hub:1", "", "practicum/hub:1"),
    ],
)
def test_a_registry_is_put_before_names_that_have_none(
    render: Render, name: str, registry: str, expected: str
) -> None:
    values = f"{OIDC}images: {{registry: {registry!r}, hub: {name!r}}}"
    images = [container["image"] for container in containers(render(values=values))]
    assert expected in images


def policies(manifests: str) -> dict[str, dict[str, Any]]:
    documents = [body for body in yaml.safe_load_all(manifests) if body]
    return {
        body["metadata"]["name"]: body["spec"]
        for body in documents
        if body["kind"] == "NetworkPolicy"
    }


def test_a_prometheus_and_a_grafana_of_ones_own_get_through(render: Render) -> None:
    peer = {"namespaceSelector": {"matchLabels": {"team": "monitoring"}}}
    values = yaml.safe_load(OIDC) | {
        "prometheus": {"enabled": False, "url": "http://prometheus.monitoring:9091"},
        "network": {"monitoringFrom": [peer], "outsidePorts": [8443]},
    }
    found = policies(render(values=yaml.safe_dump(values)))
    assert {"ports": [{"protocol": "TCP", "port": 9091}]} in found["portal"]["egress"]
    assert {"ports": [{"protocol": "TCP", "port": 8443}]} in found["hub"]["egress"]
    for component, port in (("operator", 9100), ("portal", 9100), ("hub", 8081)):
        (rule,) = [
            rule
            for rule in found[component]["ingress"]
            if {"protocol": "TCP", "port": port} in rule["ports"]
        ]
        assert peer in rule["from"], component


def test_an_ingress_knows_hosts_without_ports(render: Render) -> None:
    values = OIDC.replace("https://hub.example.org", "https://hub.example.org:8443")
    (ingress,) = [
        body
        for body in yaml.safe_load_all(render(values=values))
        if body and body["kind"] == "Ingress"
    ]
    hosts = [rule["host"] for rule in ingress["spec"]["rules"]]
    assert hosts == ["practicum.example.org", "hub.example.org", "*.hub.example.org"]


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
