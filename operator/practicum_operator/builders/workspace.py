"""A sandbox's workspace and the Secret of one attempt."""

from practicum_api import labels, names
from practicum_api.sandbox import Blueprint, Sandbox
from practicum_operator.builders.meta import Manifest, cohort_labels, owned_by, sandbox_labels

TOKEN_KEY = "JUPYTERHUB_API_TOKEN"  # noqa: S105 - the name of a key


def build_claim(sandbox: Sandbox, cohort: str, blueprint: Blueprint) -> Manifest:
    """Return the workspace. Nothing owns it: it outlives the Pod and the Sandbox."""
    workspace = blueprint.workspace
    storage = (
        {"storageClassName": workspace.storage_class_name} if workspace.storage_class_name else {}
    )
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": names.claim_name(sandbox.spec.owner, sandbox.server),
            "namespace": sandbox.metadata.namespace,
            "labels": cohort_labels(cohort)
            | {
                labels.OWNER: names.owner_label(sandbox.spec.owner),
                labels.SERVER: sandbox.server,
                labels.LAB: sandbox.spec.lab,
            },
            "annotations": {labels.OWNER: sandbox.spec.owner},
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": workspace.size}},
            **storage,
        },
    }


def build_secret(sandbox: Sandbox, cohort: str, attempt: int) -> Manifest:
    """Return the Secret of one attempt, without the Hub token: plans are pure, and hold none."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": names.attempt_name(sandbox.metadata.name, attempt),
            "namespace": sandbox.metadata.namespace,
            "labels": sandbox_labels(sandbox, cohort) | {labels.ATTEMPT: str(attempt)},
            "ownerReferences": owned_by(sandbox),
        },
        "type": "Opaque",
        "immutable": True,
    }


def with_token(secret: Manifest, token: str) -> Manifest:
    """Return the Secret with its token."""
    return secret | {"stringData": {TOKEN_KEY: token}}
