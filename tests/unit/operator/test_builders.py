"""Golden manifests: what the builders make, one file a case.

After a wanted change, `PRACTICUM_GOLDEN=write` writes them anew; a person reads the difference.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from practicum_api.sandbox import Phase
from practicum_operator.builders.accounts import build_account, build_binding
from practicum_operator.builders.blueprint import differs, resolve
from practicum_operator.builders.event import build_event
from practicum_operator.builders.namespace import build_namespace
from practicum_operator.builders.pod import build_pod
from practicum_operator.builders.policies import Site, build_policies
from practicum_operator.builders.quota import build_limits, build_quota
from practicum_operator.builders.workspace import build_claim, build_secret, with_token
from practicum_operator.environment import Addresses

GOLDEN = Path(__file__).with_name("golden")
SITE = Site(
    namespace="practicum",
    dns_selector={"k8s-app": "kube-dns"},
    dns_namespace={"kubernetes.io/metadata.name": "kube-system"},
    dns_ports=(53,),
    dns_cidrs=("169.254.20.10/32",),
    private_cidrs=("10.0.0.0/8", "169.254.0.0/16"),
)
ADDRESSES = Addresses(
    hub_public_url="http://practicum.localhost:8000",
    hub_api_url="http://hub.practicum.svc.cluster.local:8081/hub/api",
    portal_api_url="http://portal.practicum.svc.cluster.local:8080/api/v1",
)


def plain_pod(make) -> dict:
    sandbox, blueprint = make.sandbox(), resolve(make.lab(), None)
    return build_pod(sandbox, "spring", blueprint, 1, ADDRESSES, termination_grace=15)


def accelerated_pod(make) -> dict:
    lab = make.lab(
        image={"reference": "r.example/lab@sha256:00", "pullPolicy": "Never", "pullSecrets": ["r"]},
        accelerator={"className": "a100", "count": 2},
        resources={"cpu": "4", "cpuLimit": "8", "memory": "32Gi", "sharedMemory": "8Gi"},
        workspace={"notebook": "lora.en.ipynb", "content": "/opt/practicum/labs/lora/workspace"},
        env=[
            {"name": "HF_HOME", "value": "/home/jovyan/work/.hf"},
            {"name": "DATA_KEY", "secretKeyRef": {"name": "data", "key": "key"}},
            {"name": "PRACTICUM_LAB", "value": "not for a Lab to set"},
        ],
    )
    placement = {
        "nodeSelector": {"gpu": "a100"},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "runtimeClassName": "nvidia",
        "schedulerName": "kai-scheduler",
    }
    blueprint = resolve(lab, make.accelerator(placement=placement))
    wishes = {"serverName": "lora-2", "reset": "again", "language": "zh"}
    sandbox = make.sandbox("ming", spec={"owner": "ming@example.org", **wishes})
    return build_pod(sandbox, "spring", blueprint, 12, ADDRESSES, termination_grace=30)


def claim(make) -> dict:
    lab = make.lab(workspace={"size": "20Gi", "storageClassName": "fast"})
    return build_claim(make.sandbox(spec={"owner": "张三"}), "spring", resolve(lab, None))


def policies(make) -> list[dict]:
    blocks = [{"cidr": "192.0.2.0/24", "except": ["192.0.2.9/32"]}, {"cidr": "198.51.100.7/32"}]
    labs = [
        make.lab("closed"),
        make.lab("open", egress={"mode": "Internet"}),
        make.lab("some", egress={"mode": "Cidrs", "cidrs": blocks}),
    ]
    return build_policies(make.cohort(), labs, SITE)


def quota(make) -> dict:
    cohort = make.cohort(
        quota={
            "sandboxes": 30,
            "cpu": "60",
            "memory": "120Gi",
            "storage": "500Gi",
            "accelerators": [
                {"className": "a100", "count": 4},
                {"className": "a100-exam", "count": 2},
                {"className": "gone", "count": 1},
            ],
        }
    )
    return build_quota(cohort, {"a100": make.accelerator(), "a100-exam": make.accelerator("b")})


CASES: dict[str, Callable] = {
    "pod": plain_pod,
    "pod-accelerated": accelerated_pod,
    "claim": claim,
    "secret": lambda make: with_token(build_secret(make.sandbox(), "spring", 1), "f00d"),
    "namespace": lambda make: build_namespace(make.cohort()),
    "policies": policies,
    "quota": quota,
    "quota-none": lambda make: build_quota(make.cohort(), {}),
    "limits": lambda make: build_limits(make.cohort()),
    "account": lambda make: build_account(make.cohort()),
    "event": lambda make: build_event(make.started(Phase.RUNNING), make.now),
    "binding": lambda make: build_binding(make.cohort(), "hub", "practicum"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_manifest_is_the_golden_one(name: str, make) -> None:
    made = CASES[name](make)
    documents = made if isinstance(made, list) else [made]
    text = yaml.safe_dump_all(documents, sort_keys=True, allow_unicode=True)
    path = GOLDEN / f"{name}.yaml"
    if os.environ.get("PRACTICUM_GOLDEN") == "write":
        path.write_text(text)
    assert text == path.read_text()


def test_a_labs_variable_never_replaces_one_of_the_platform(make) -> None:
    env = accelerated_pod(make)["spec"]["containers"][0]["env"]
    names = [item["name"] for item in env]
    assert len(names) == len(set(names))
    assert next(item for item in env if item["name"] == "PRACTICUM_LAB")["value"] == "lora"


def test_a_blueprint_differs_in_what_is_built_and_in_nothing_else(make) -> None:
    one = resolve(make.lab(generation=1), None)
    later = resolve(make.lab(generation=2), None)
    other = resolve(make.lab(image={"reference": "example/lab:2"}), None)
    assert not differs(one, later)
    assert differs(one, other)


def test_a_missing_accelerator_class_cannot_be_resolved(make) -> None:
    with pytest.raises(ValueError, match="AcceleratorClass that is missing"):
        resolve(make.lab(accelerator={"className": "a100"}), None)
