"""The CRDs as a real API server takes them: defaults, bounds, rules, columns."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from practicum_api.crd import KINDS, definition
from practicum_local import toolchain
from practicum_local.paths import Paths

Kubectl = Callable[..., "subprocess.CompletedProcess[str]"]
NAMESPACE = "practicum-crds"


@pytest.fixture(scope="module")
def kubectl(admin_kubeconfig: Path) -> Kubectl:
    program = toolchain.kubectl(Paths.from_environment())

    def run(*arguments: str, body: Any = None) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [program, "--kubeconfig", admin_kubeconfig, *arguments],
            input=json.dumps(body) if body else None,
            env={**os.environ, "HOME": str(admin_kubeconfig.parent)},
            capture_output=True,
            text=True,
            check=False,
        )

    for kind in KINDS:
        applied = run("apply", "--server-side", "-f", "-", body=definition(kind))
        assert applied.returncode == 0, applied.stderr
        name = f"crd/{kind.plural}.practicum.dev"
        assert run("wait", "--for=condition=Established", name).returncode == 0
    run("create", "namespace", NAMESPACE)
    return run


def body(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    meta = {"name": name, **({"namespace": NAMESPACE} if kind == "Sandbox" else {})}
    return {"apiVersion": "practicum.dev/v1alpha1", "kind": kind, "metadata": meta, "spec": spec}


LAB = {"title": {"en": "A lab"}, "image": {"reference": "example/lab:1"}}


def test_a_sandbox_needs_owner_and_lab_and_nothing_else(kubectl: Kubectl) -> None:
    made = kubectl(
        "create", "-f", "-", "-o", "json", body=body("Sandbox", "small", {"owner": "o", "lab": "a"})
    )
    assert made.returncode == 0, made.stderr
    spec = json.loads(made.stdout)["spec"]
    assert spec["desiredState"] == "Running"
    assert spec["workspace"] == {"deletionPolicy": "Retain"}


def test_a_labs_defaults_are_filled_in(kubectl: Kubectl) -> None:
    made = kubectl("create", "-f", "-", "-o", "json", body=body("Lab", "filled", LAB))
    assert made.returncode == 0, made.stderr
    spec = json.loads(made.stdout)["spec"]
    assert spec["lifetime"] == {"max": "8h", "idle": "1h", "extension": "2h"}
    assert spec["egress"]["mode"] == "Closed"


@pytest.mark.parametrize(
    ("kind", "name", "spec", "said"),
    [
        ("Lab", "late", {**LAB, "lifetime": {"max": "1h", "idle": "2h"}}, "must not be longer"),
        ("Lab", "odd--name", LAB, "becomes a server name"),
        ("Lab", "env", {**LAB, "env": [{"name": "A"}]}, "exactly one of value and secretKeyRef"),
        ("Lab", "hub", {**LAB, "env": [{"name": "JUPYTERHUB_X", "value": "1"}]}, "are the Hub's"),
        ("Lab", "open", {**LAB, "egress": {"mode": "Cidrs"}}, "cidrs goes with mode Cidrs"),
        ("Lab", "big", {**LAB, "resources": {"memory": "lots"}}, "spec.resources.memory"),
        ("Lab", "less", {**LAB, "resources": {"cpu": -1}}, "spec.resources.cpu"),
        ("Lab", "tight", {**LAB, "resources": {"cpu": 4, "cpuLimit": "1500m"}}, "less than cpu"),
        ("Lab", "ages", {**LAB, "lifetime": {"extension": "1000000h"}}, "lifetime.extension"),
        ("Lab", "typo", {**LAB, "imgae": {}}, 'unknown field "spec.imgae"'),
        ("Sandbox", "no-owner", {"lab": "a"}, "spec.owner: Required value"),
        ("Sandbox", "server", {"owner": "o", "lab": "a", "serverName": "A b"}, "spec.serverName"),
        ("AcceleratorClass", "bare", {"resourceName": "gpu"}, "spec.resourceName"),
        ("Cohort", "a" * 41, {}, "part of a namespace"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    kubectl: Kubectl, kind: str, name: str, spec: dict[str, Any], said: str
) -> None:
    refused = kubectl("create", "--validate=strict", "-f", "-", body=body(kind, name, spec))
    assert refused.returncode != 0
    assert said in refused.stderr


@pytest.mark.parametrize("field", ["owner", "lab", "serverName"])
def test_who_and_what_a_sandbox_is_for_never_changes(kubectl: Kubectl, field: str) -> None:
    name = f"fixed-{field.lower()}"
    kubectl("create", "-f", "-", body=body("Sandbox", name, {"owner": "o", "lab": "a"}))
    patch = json.dumps({"spec": {field: "other"}})
    changed = kubectl("patch", "sandbox", name, "-n", NAMESPACE, "--type=merge", "-p", patch)
    assert changed.returncode != 0
    assert "immutable" in changed.stderr


def test_explain_and_columns_read_well(kubectl: Kubectl) -> None:
    assert "Longest time from start" in kubectl("explain", "lab.spec.lifetime.max").stdout
    kubectl("create", "-f", "-", body=body("Sandbox", "listed", {"owner": "me", "lab": "a"}))
    listed = kubectl("get", "practicum", "-n", NAMESPACE, "--field-selector=spec.owner=me").stdout
    assert listed.split()[:7] == ["NAME", "OWNER", "LAB", "DESIRED", "PHASE", "REASON", "AGE"]
    assert "listed" in listed
