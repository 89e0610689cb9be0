"""Metadata that every manifest of ours carries."""

from typing import Any

from practicum_api import labels, names
from practicum_api.cohort import Cohort
from practicum_api.sandbox import Sandbox

Manifest = dict[str, Any]

MANAGED = {labels.NAME: labels.APP, labels.MANAGED_BY: "practicum-operator"}


def cohort_labels(cohort: str) -> dict[str, str]:
    """Return the labels of whatever belongs to a Cohort."""
    return MANAGED | {labels.COHORT: cohort}


def sandbox_labels(sandbox: Sandbox, cohort: str) -> dict[str, str]:
    """Return the labels of whatever belongs to a Sandbox."""
    return cohort_labels(cohort) | {
        labels.SANDBOX: names.slug(sandbox.metadata.name),
        labels.LAB: sandbox.spec.lab,
        labels.OWNER: names.owner_label(sandbox.spec.owner),
        labels.SERVER: sandbox.server,
    }


def owned_by(sandbox: Sandbox) -> list[Manifest]:
    """Return the ownerReferences of what goes when the Sandbox goes."""
    return [
        {
            "apiVersion": names.API_VERSION,
            "kind": "Sandbox",
            "name": sandbox.metadata.name,
            "uid": sandbox.metadata.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def in_cohort(cohort: Cohort, name: str) -> Manifest:
    """Return the metadata of an object in a Cohort's namespace."""
    return {
        "name": name,
        "namespace": names.cohort_namespace(cohort.metadata.name),
        "labels": cohort_labels(cohort.metadata.name),
    }
