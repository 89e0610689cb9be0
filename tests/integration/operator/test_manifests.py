"""Every golden manifest, as a real API server takes it in a namespace of restricted Pods."""

from pathlib import Path

import pytest
import yaml

from practicum_operator.resources import BY_KIND, NAMESPACES, Resource

RUNTIME_CLASSES = Resource("RuntimeClass", "runtimeclasses", "node.k8s.io/v1", namespaced=False)

GOLDEN = Path(__file__).parents[2] / "unit/operator/golden"
NAMESPACE = "practicum-golden"


@pytest.fixture
async def namespace(kube, site) -> str:
    marks = yaml.safe_load((GOLDEN / "namespace.yaml").read_text())["metadata"]["labels"]
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    body["metadata"]["labels"] = marks
    await kube.apply(NAMESPACES, body)
    account = yaml.safe_load((GOLDEN / "account.yaml").read_text())
    account["metadata"]["namespace"] = NAMESPACE
    await kube.apply(BY_KIND["ServiceAccount"], account)
    runtime = {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": "nvidia"},
        "handler": "nvidia",
    }
    await kube.apply(RUNTIME_CLASSES, runtime)
    return NAMESPACE


MANIFESTS = {path.stem: path.read_text() for path in sorted(GOLDEN.glob("*.yaml"))}


@pytest.mark.parametrize("name", MANIFESTS)
async def test_the_api_server_takes_it_as_it_is(name: str, kube, namespace) -> None:
    for body in yaml.safe_load_all(MANIFESTS[name]):
        if body["kind"] == "Namespace":
            body["metadata"]["name"] = "practicum-golden-2"
        else:
            body["metadata"]["namespace"] = namespace
        if body["kind"] == "Event":
            body["regarding"]["namespace"] = namespace
        for owner in body["metadata"].get("ownerReferences", []):
            owner["uid"] = "00000000-0000-0000-0000-000000000000"
        taken = await kube.apply(BY_KIND[body["kind"]], body, dry_run=True)
        assert taken["kind"] == body["kind"]
