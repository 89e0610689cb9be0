"""Who may do what in a Cohort's namespace."""

from practicum_api.cohort import Cohort
from practicum_operator.builders.meta import Manifest, in_cohort

SANDBOX_ACCOUNT = "sandbox"
COMPONENTS = ("operator", "hub", "portal")


def build_account(cohort: Cohort) -> Manifest:
    """Return the ServiceAccount of sandboxes: it has no token and no rights."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": in_cohort(cohort, SANDBOX_ACCOUNT),
        "automountServiceAccountToken": False,
    }


def build_binding(cohort: Cohort, component: str, system_namespace: str) -> Manifest:
    """Return the RoleBinding that lets one of our own accounts work in this namespace."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": in_cohort(cohort, f"practicum-{component}"),
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": f"practicum-{component}-cohort",
        },
        "subjects": [{"kind": "ServiceAccount", "name": component, "namespace": system_namespace}],
    }
