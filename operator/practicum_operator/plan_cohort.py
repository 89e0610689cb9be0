"""What to do for a Cohort: its namespace and what is in it, its status, and its end."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from practicum_api import labels, names
from practicum_api.accelerator import AcceleratorClass
from practicum_api.base import Condition, merge_conditions
from practicum_api.cohort import Cohort, CohortStatus, SandboxCounts
from practicum_api.lab import Lab
from practicum_api.reasons import Reason
from practicum_api.sandbox import Phase, Sandbox, SandboxUsage
from practicum_operator import usage
from practicum_operator.builders.accounts import COMPONENTS, build_account, build_binding
from practicum_operator.builders.meta import Manifest
from practicum_operator.builders.policies import Site, build_policies
from practicum_operator.builders.quota import build_limits, build_quota
from practicum_operator.views import NamespaceView

_QUEUED = frozenset({None, Phase.PENDING, Phase.QUEUED})
_RUNNING = frozenset({Phase.STARTING, Phase.RUNNING})


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortSeen:
    """All that a Cohort's plan depends on."""

    cohort: Cohort
    now: datetime
    namespace: NamespaceView | None = None
    foreign: bool = False
    """Whether a namespace of its name exists that is not ours."""
    complete: bool = False
    """Whether everything that belongs into the namespace is there."""
    sandboxes: Sequence[Sandbox] = ()
    claims: Sequence[str] | None = None
    """Names of its workspaces, read only when it is being deleted."""
    finished: Mapping[str, SandboxUsage] = field(default_factory=dict)
    """Usage, by UID, of sandboxes that wait to be counted and let go."""
    problem: str = ""
    """What the API server refused last."""
    missing_labs: Sequence[str] = ()
    """Labs that it offers and nobody has made."""
    missing_classes: Sequence[str] = ()
    """AcceleratorClasses in its quota that nobody has made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortPlan:
    """What is to be done for one Cohort."""

    status: CohortStatus
    finalizer: bool | None = None
    make_namespace: bool = False
    remove_sandboxes: tuple[Sandbox, ...] = ()
    remove_claims: tuple[str, ...] = ()
    remove_namespace: bool = False


def build_room(
    cohort: Cohort,
    labs: Iterable[Lab],
    classes: Mapping[str, AcceleratorClass],
    site: Site,
) -> list[Manifest]:
    """Return all that belongs into a Cohort's namespace, the operator's own rights first."""
    bindings = [build_binding(cohort, component, site.namespace) for component in COMPONENTS]
    return [
        *bindings,
        *build_policies(cohort, sorted(labs, key=lambda lab: lab.metadata.name), site),
        build_account(cohort),
        build_limits(cohort),
        build_quota(cohort, classes),
    ]


def is_ours(namespace: NamespaceView, cohort: Cohort) -> bool:
    """Whether a namespace bears the mark of this very Cohort."""
    return namespace.cohort_uid == cohort.metadata.uid


def plan_cohort(seen: CohortSeen) -> CohortPlan:
    """Return what to do for a Cohort."""
    cohort = seen.cohort
    ours = labels.FINALIZER in cohort.metadata.finalizers
    if cohort.metadata.deletion_timestamp is not None:
        return _plan_deletion(seen) if ours else CohortPlan(status=cohort.status)
    if not ours:
        return CohortPlan(status=cohort.status, finalizer=True)
    if seen.foreign:
        name = names.cohort_namespace(cohort.metadata.name)
        message = f"Namespace {name} exists and is not this Cohort's; it is left alone."
        return CohortPlan(status=_status(seen, Reason.NAMESPACE_NOT_OURS, message))
    if seen.namespace is None or seen.namespace.terminating:
        message = "Its namespace is being made."
        status = _status(seen, Reason.PREPARING, message)
        return CohortPlan(status=status, make_namespace=seen.namespace is None)
    if not seen.complete:
        message = seen.problem or "Quota, policies and accounts are being made."
        return CohortPlan(status=_status(seen, Reason.PREPARING, message))
    return CohortPlan(status=_status(seen, Reason.READY))


def _plan_deletion(seen: CohortSeen) -> CohortPlan:
    """Plan an end: held back while there is work in it, unless work is to go with it."""
    claims = seen.claims or ()
    work = len(seen.sandboxes) + len(claims)
    own = seen.namespace is not None and not seen.foreign
    if work and own and seen.cohort.spec.deletion_policy == "Guard":
        message = (
            f"It still has {len(seen.sandboxes)} sandboxes and {len(claims)} workspaces."
            " Remove them, or set deletionPolicy to Cascade."
        )
        return CohortPlan(status=_status(seen, Reason.HELD_BY_WORK, message))
    status = _status(seen, Reason.TERMINATING)
    if seen.sandboxes and own:
        alive = [item for item in seen.sandboxes if item.metadata.deletion_timestamp is None]
        return CohortPlan(status=status, remove_sandboxes=tuple(alive))
    if own:
        # The namespace goes last: with it go the rights to clean up in it.
        gone = seen.namespace is not None and seen.namespace.terminating
        return CohortPlan(status=status, remove_claims=tuple(claims), remove_namespace=not gone)
    return CohortPlan(status=status, finalizer=False)


def _status(seen: CohortSeen, reason: Reason, message: str = "") -> CohortStatus:
    cohort = seen.cohort
    ready = reason is Reason.READY
    stuck = reason in {Reason.NAMESPACE_NOT_OURS, Reason.HELD_BY_WORK}
    conditions = [_condition("Ready", "True" if ready else "False", cohort, reason, message)]
    if not ready:
        kind = "Stalled" if stuck else "Reconciling"
        conditions.append(_condition(kind, "True", cohort, reason, message))
    conditions.append(_references(seen))
    living = [item.metadata.uid for item in seen.sandboxes]
    rolled = usage.roll_up(cohort.status, seen.finished.items(), living)
    return rolled.model_copy(
        update={
            "observed_generation": cohort.metadata.generation,
            "namespace": "" if seen.foreign else names.cohort_namespace(cohort.metadata.name),
            "sandboxes": count(seen.sandboxes),
            "conditions": merge_conditions(
                cohort.status.conditions, tuple(conditions), seen.now.replace(microsecond=0)
            ),
        }
    )


def _references(seen: CohortSeen) -> Condition:
    """Return the condition that says whether all it names exists; what does can be used."""
    told = "ResolvedRefs"
    if seen.missing_labs:
        message = f"No Lab is named {', '.join(seen.missing_labs)}."
        return _condition(told, "False", seen.cohort, Reason.UNKNOWN_LAB, message)
    if seen.missing_classes:
        message = f"No AcceleratorClass is named {', '.join(seen.missing_classes)}."
        return _condition(told, "False", seen.cohort, Reason.UNKNOWN_ACCELERATOR, message)
    return _condition(told, "True", seen.cohort, Reason.ACCEPTED, "")


def _condition(
    kind: str, status: Literal["True", "False"], cohort: Cohort, reason: Reason, message: str
) -> Condition:
    return Condition(
        type=kind,
        status=status,
        reason=reason.value,
        message=message or reason.text,
        observed_generation=cohort.metadata.generation,
    )


def count(sandboxes: Iterable[Sandbox]) -> SandboxCounts:
    """Return how many sandboxes there are by what they do."""
    phases = [item.status.phase for item in sandboxes]
    return SandboxCounts(
        total=len(phases),
        running=sum(phase in _RUNNING for phase in phases),
        queued=sum(phase in _QUEUED for phase in phases),
        stalled=sum(phase is Phase.STALLED for phase in phases),
    )


def hours_left(
    cohort: Cohort, sandboxes: Iterable[Sandbox], now: datetime
) -> dict[str, tuple[float, int]]:
    """Return, by class with an hour quota, the seconds left and the accelerators in use."""
    limits = {
        item.class_name: item.hours * 3600
        for item in cohort.spec.quota.accelerators
        if item.hours is not None
    }
    if not limits:
        return {}
    spent = {item.class_name: item.seconds for item in cohort.status.accelerator_usage}
    holding: dict[str, int] = {}
    for sandbox in sandboxes:
        if sandbox.metadata.uid in cohort.status.released:
            continue
        status = sandbox.status
        for item in usage.so_far(status, now).accelerators:
            spent[item.class_name] = spent.get(item.class_name, 0) + item.seconds
        held = status.blueprint.accelerator if status.blueprint else None
        if held is not None and status.usage.since is not None:
            holding[held.class_name] = holding.get(held.class_name, 0) + held.count
    return {
        name: (float(limit - spent.get(name, 0)), holding.get(name, 0))
        for name, limit in limits.items()
    }
