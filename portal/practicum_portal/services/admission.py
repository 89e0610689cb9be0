"""Admission: whether a person may have a sandbox of a lab in a cohort, and if not, why."""

from practicum_api.base import find_condition
from practicum_api.cohort import Cohort
from practicum_api.reasons import Reason
from practicum_api.sandbox import Sandbox
from practicum_portal.cluster import Cluster, cohort_of
from practicum_portal.errors import ConflictError, ForbiddenError, NotFoundError
from practicum_portal.identity import Person
from practicum_portal.presentation.texts import meaning


def room(cluster: Cluster, person: Person, cohort: str, owner: str) -> Cohort:
    """Return the cohort in which ``person`` may start a sandbox for ``owner``."""
    found = cluster.cohort(cohort)
    if found is None or person.role_in(cohort) is None:
        raise NotFoundError(
            "You are in no such cohort.",
            hint="Ask your instructor for a place in it.",
            code="not-a-member",
        )
    if owner != person.name and not person.teaches(cohort):
        raise ForbiddenError(
            "Only instructors start sandboxes for others.", hint="Leave the owner out."
        )
    if found.metadata.deletion_timestamp is not None:
        raise ConflictError(
            "The cohort is being removed.", hint="Use another cohort.", code="terminating"
        )
    ready = find_condition(found.status.conditions, "Ready")
    if ready is None or ready.status != "True":
        why = (ready.message or meaning(ready.reason)) if ready else "It is being prepared."
        raise ConflictError(
            f"The cohort's room is not ready: {why}",
            hint="Try again in a moment. If it stays so, tell an administrator.",
            code="cohort-not-ready",
            params={"reason": ready.reason if ready else ""},
            retry_after=5,
        )
    return found


def offered(cluster: Cluster, cohort: Cohort, name: str) -> None:
    """Raise unless the cohort offers the lab and the lab can be started."""
    if name not in cohort.spec.labs:
        raise NotFoundError(
            f"This cohort does not offer the lab {name}.",
            hint="Choose one from the list of labs.",
            code="lab-not-offered",
            params={"lab": name},
        )
    lab = cluster.lab(name)
    ready = find_condition(lab.status.conditions, "Ready") if lab is not None else None
    if lab is not None and (ready is None or ready.status != "False"):
        return
    reason = ready.reason if ready else Reason.UNKNOWN_LAB.value
    why = (ready.message if ready else "") or meaning(reason)
    raise ConflictError(
        f"The lab {name} can't be started: {why}",
        hint="Tell your instructor; an administrator has to put the lab right.",
        code="lab-not-ready",
        params={"lab": name, "reason": reason},
    )


def nowhere_else(cluster: Cluster, owner: str, lab: str) -> None:
    """Raise when another cohort has the owner's sandbox of the lab: both would be one server."""
    other = cluster.sandbox_for(owner, lab)
    if other is not None:
        place = cohort_of(other)
        raise ConflictError(
            f"There is a sandbox of this lab in the cohort {place} already.",
            hint="Use that one, or delete it before you start the lab here.",
            code="in-other-cohort",
            params={"cohort": place},
        )


def same(sandbox: Sandbox, owner: str, lab: str) -> None:
    """Raise when the sandbox of that name is not this owner's sandbox of this lab."""
    if (sandbox.spec.owner, sandbox.spec.lab) != (owner, lab):
        raise ConflictError(
            "The name of this sandbox is taken by something else.",
            hint="Tell an administrator.",
            code="name-taken",
        )
