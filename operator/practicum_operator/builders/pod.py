"""The Pod of one attempt."""

from practicum_api import labels, names
from practicum_api.lab import EnvVar
from practicum_api.sandbox import Blueprint, Sandbox
from practicum_operator.builders.accounts import SANDBOX_ACCOUNT
from practicum_operator.builders.meta import Manifest, owned_by, sandbox_labels
from practicum_operator.builders.policies import ACTIVITY_PORT, NOTEBOOK_PORT
from practicum_operator.builders.workspace import TOKEN_KEY
from practicum_operator.environment import Addresses, hub_environment, practicum_environment

HOME = "/home/jovyan"
WORKSPACE = f"{HOME}/work"
_USER = 1000
_HOME_SIZE = "1Gi"


def build_pod(
    sandbox: Sandbox,
    cohort: str,
    blueprint: Blueprint,
    attempt: int,
    addresses: Addresses,
    *,
    termination_grace: int,
) -> Manifest:
    """Return the Pod of ``attempt``: made once, never changed, no rights on the cluster."""
    name = names.attempt_name(sandbox.metadata.name, attempt)
    pod_labels = sandbox_labels(sandbox, cohort) | labels.component("sandbox")
    pod_labels |= {labels.ATTEMPT: str(attempt)}
    if blueprint.accelerator:
        pod_labels[labels.ACCELERATOR] = blueprint.accelerator.class_name
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": sandbox.metadata.namespace,
            "labels": pod_labels,
            "annotations": {labels.OWNER: sandbox.spec.owner},
            "ownerReferences": owned_by(sandbox),
        },
        "spec": {
            "serviceAccountName": SANDBOX_ACCOUNT,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "restartPolicy": "OnFailure",
            "terminationGracePeriodSeconds": termination_grace,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": _USER,
                "runAsGroup": _USER,
                "fsGroup": _USER,
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            **_placement(blueprint),
            "containers": [_container(sandbox, cohort, blueprint, name, addresses)],
            "volumes": _volumes(sandbox, blueprint),
        },
    }


def _container(
    sandbox: Sandbox, cohort: str, blueprint: Blueprint, secret: str, addresses: Addresses
) -> Manifest:
    prefix = names.server_prefix(sandbox.spec.owner, sandbox.server)
    return {
        "name": "sandbox",
        "image": blueprint.image.reference,
        "imagePullPolicy": blueprint.image.pull_policy,
        "ports": [
            {"name": "notebook", "containerPort": NOTEBOOK_PORT},
            {"name": "activity", "containerPort": ACTIVITY_PORT},
        ],
        "env": _environment(sandbox, cohort, blueprint, secret, addresses),
        "resources": _resources(blueprint),
        "readinessProbe": {
            "httpGet": {"path": f"{prefix}api", "port": "notebook"},
            "periodSeconds": 1,
            "timeoutSeconds": 5,
            "failureThreshold": 10,
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "home", "mountPath": HOME},
            {"name": "workspace", "mountPath": WORKSPACE},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - an emptyDir of this Pod
            {"name": "shm", "mountPath": "/dev/shm"},  # noqa: S108 - an emptyDir of this Pod
        ],
    }


def _environment(
    sandbox: Sandbox, cohort: str, blueprint: Blueprint, secret: str, addresses: Addresses
) -> list[Manifest]:
    """Return the variables; the platform's come last, so that a Lab can't replace them."""
    platform = practicum_environment(
        cohort=cohort,
        sandbox=sandbox.metadata.name,
        lab=sandbox.spec.lab,
        content=blueprint.workspace.content,
        image=blueprint.image.reference,
        notebook=blueprint.workspace.notebook,
        language=sandbox.spec.language,
        reset=sandbox.spec.reset,
        addresses=addresses,
    ) | hub_environment(sandbox.spec.owner, sandbox.server, addresses)
    lab = [_variable(item) for item in blueprint.env if item.name not in platform]
    token = {"secretKeyRef": {"name": secret, "key": TOKEN_KEY}}
    return [
        *lab,
        *({"name": name, "value": value} for name, value in sorted(platform.items())),
        {"name": TOKEN_KEY, "valueFrom": token},
    ]


def _variable(item: EnvVar) -> Manifest:
    if item.secret_key_ref is None:
        return {"name": item.name, "value": item.value or ""}
    reference = {"name": item.secret_key_ref.name, "key": item.secret_key_ref.key}
    return {"name": item.name, "valueFrom": {"secretKeyRef": reference}}


def _resources(blueprint: Blueprint) -> Manifest:
    wanted = blueprint.resources
    held = (
        {blueprint.accelerator.resource_name: str(blueprint.accelerator.count)}
        if blueprint.accelerator
        else {}
    )
    fixed = {"memory": wanted.memory, "ephemeral-storage": wanted.ephemeral_storage, **held}
    return {
        "requests": {"cpu": wanted.cpu, **fixed},
        "limits": {"cpu": wanted.cpu_limit, **fixed},
    }


def _volumes(sandbox: Sandbox, blueprint: Blueprint) -> list[Manifest]:
    claim = names.claim_name(sandbox.spec.owner, sandbox.server)
    return [
        {"name": "home", "emptyDir": {"sizeLimit": _HOME_SIZE}},
        {"name": "workspace", "persistentVolumeClaim": {"claimName": claim}},
        {"name": "tmp", "emptyDir": {"sizeLimit": blueprint.resources.ephemeral_storage}},
        {
            "name": "shm",
            "emptyDir": {"medium": "Memory", "sizeLimit": blueprint.resources.shared_memory},
        },
    ]


def _placement(blueprint: Blueprint) -> Manifest:
    result: Manifest = {}
    if blueprint.image.pull_secrets:
        result["imagePullSecrets"] = [{"name": name} for name in blueprint.image.pull_secrets]
    if blueprint.accelerator is None:
        return result
    placement = blueprint.accelerator.placement
    if placement.node_selector:
        result["nodeSelector"] = placement.node_selector
    if placement.tolerations:
        result["tolerations"] = [
            {key: value for key, value in item.wire().items() if value}
            for item in placement.tolerations
        ]
    if placement.runtime_class_name:
        result["runtimeClassName"] = placement.runtime_class_name
    if placement.scheduler_name:
        result["schedulerName"] = placement.scheduler_name
    return result
