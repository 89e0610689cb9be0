"""Labels, annotations and finalizers that Practicum sets and selects by."""

from practicum_api.names import GROUP

COHORT = f"{GROUP}/cohort"
SANDBOX = f"{GROUP}/sandbox"
LAB = f"{GROUP}/lab"
OWNER = f"{GROUP}/owner"
"""Label: a slug of the owner. Annotation of the same name: the owner as written."""
SERVER = f"{GROUP}/server"
ATTEMPT = f"{GROUP}/attempt"
ACCELERATOR = f"{GROUP}/accelerator"

COHORT_UID = f"{GROUP}/cohort-uid"
"""Annotation that marks a namespace as made for one Cohort. Without it we touch nothing."""
FINALIZER = f"{GROUP}/release"
SUSPENDED_BY = f"{GROUP}/suspended-by"
"""Annotation of a Sandbox: why the operator itself suspended it, as ``<Reason>@<attempt>``. Written
together with ``desiredState``, so that the reason can't be lost between two writes."""

NAME = "app.kubernetes.io/name"
COMPONENT = "app.kubernetes.io/component"
MANAGED_BY = "app.kubernetes.io/managed-by"
APP = "practicum"


def component(name: str) -> dict[str, str]:
    """Return the labels that select one component of the platform."""
    return {NAME: APP, COMPONENT: name}
