"""A Cohort's namespace."""

from practicum_api import labels, names
from practicum_api.cohort import Cohort
from practicum_operator.builders.meta import Manifest, cohort_labels

POD_SECURITY = {
    f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")
}


def build_namespace(cohort: Cohort) -> Manifest:
    """Return the namespace of ``cohort``, marked with its UID and closed to privileged Pods."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": names.cohort_namespace(cohort.metadata.name),
            "labels": cohort_labels(cohort.metadata.name) | POD_SECURITY,
            "annotations": {labels.COHORT_UID: cohort.metadata.uid},
        },
    }
