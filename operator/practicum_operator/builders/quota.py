"""Hard limits of a Cohort's namespace: the wall behind the operator's own order of admission."""

from collections.abc import Mapping

from practicum_api.accelerator import AcceleratorClass
from practicum_api.cohort import Cohort
from practicum_operator.builders.meta import Manifest, in_cohort

_SPARE_PODS = 2
"""Pods beyond the sandboxes: one that ends may still be there when the next one starts."""


def build_quota(cohort: Cohort, classes: Mapping[str, AcceleratorClass]) -> Manifest:
    """Return the ResourceQuota of ``cohort``; classes that do not exist are left out."""
    quota = cohort.spec.quota
    hard: dict[str, str] = {}
    if quota.sandboxes is not None:
        hard["pods"] = str(quota.sandboxes + _SPARE_PODS)
    if quota.cpu is not None:
        hard["requests.cpu"] = quota.cpu
    if quota.memory is not None:
        hard["requests.memory"] = quota.memory
    if quota.storage is not None:
        hard["requests.storage"] = quota.storage
    counts: dict[str, int] = {}
    for item in quota.accelerators:
        found = classes.get(item.class_name)
        if found is not None:
            key = f"requests.{found.spec.resource_name}"
            counts[key] = counts.get(key, 0) + item.count
    hard |= {key: str(count) for key, count in counts.items()}
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": in_cohort(cohort, "practicum"),
        "spec": {"hard": hard},
    }


def build_limits(cohort: Cohort) -> Manifest:
    """Return the LimitRange: what a container gets that asks for nothing."""
    return {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": in_cohort(cohort, "practicum"),
        "spec": {
            "limits": [
                {
                    "type": "Container",
                    "default": {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "1Gi"},
                    "defaultRequest": {
                        "cpu": "100m",
                        "memory": "256Mi",
                        "ephemeral-storage": "256Mi",
                    },
                }
            ]
        },
    }
