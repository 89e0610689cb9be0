"""How a Cohort is shown."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from practicum_api.cohort import Cohort
from practicum_api.sandbox import Phase, Sandbox
from practicum_portal.identity import Role
from practicum_portal.presentation.sandboxes import accelerator_seconds, phase_of, usage_of
from practicum_portal.presentation.texts import ready_state
from practicum_portal.views.cohorts import (
    AcceleratorQuotaView,
    CohortView,
    QuotaView,
    SandboxTotals,
)
from practicum_portal.views.sandboxes import UsageFigures

_HOUR = 3600


def cohort_view(
    cohort: Cohort, *, sandboxes: Iterable[Sandbox], members: int, role: Role, now: datetime
) -> CohortView:
    """Return a Cohort with its sandboxes counted."""
    there = tuple(sandboxes)
    return CohortView(
        name=cohort.metadata.name,
        uid=cohort.metadata.uid,
        display_name=title(cohort),
        role=role,
        labs=cohort.spec.labs,
        quota=_quota(cohort, there, now),
        instructor_groups=cohort.spec.instructor_groups,
        members=members,
        sandboxes=totals(there),
        usage=_usage(cohort, there, now),
        created_at=cohort.metadata.creation_timestamp,
        state=ready_state(cohort.status.conditions),
    )


def title(cohort: Cohort) -> str:
    """Return the name that people read."""
    return cohort.spec.display_name or cohort.metadata.name


def totals(sandboxes: Iterable[Sandbox]) -> SandboxTotals:
    """Return how many sandboxes do what."""
    phases = Counter(phase_of(sandbox) for sandbox in sandboxes)
    return SandboxTotals(
        total=phases.total(),
        running=phases[Phase.RUNNING],
        starting=phases[Phase.STARTING] + phases[Phase.PENDING],
        queued=phases[Phase.QUEUED],
        stalled=phases[Phase.STALLED],
        suspended=phases[Phase.SUSPENDED] + phases[Phase.SUSPENDING],
    )


def _usage(cohort: Cohort, sandboxes: tuple[Sandbox, ...], now: datetime) -> UsageFigures:
    """Return what deleted sandboxes used and what living ones used so far.

    One that is being deleted is already counted in the cohort as soon as it is `released`.
    """
    past = cohort.status.usage
    figures = [
        usage_of(sandbox, now)
        for sandbox in sandboxes
        if sandbox.metadata.uid not in cohort.status.released
    ]
    return UsageFigures(
        running_seconds=past.running_seconds + sum(item.running_seconds for item in figures),
        cpu_seconds=past.cpu_seconds + sum(item.cpu_seconds for item in figures),
        accelerator_seconds=past.accelerator_seconds
        + sum(item.accelerator_seconds for item in figures),
    )


def _quota(cohort: Cohort, sandboxes: tuple[Sandbox, ...], now: datetime) -> QuotaView:
    quota = cohort.spec.quota
    used = Counter({item.class_name: item.seconds for item in cohort.status.accelerator_usage})
    for sandbox in sandboxes:
        if sandbox.metadata.uid not in cohort.status.released:
            used.update(accelerator_seconds(sandbox, now))
    return QuotaView(
        sandboxes=quota.sandboxes,
        cpu=quota.cpu,
        memory=quota.memory,
        storage=quota.storage,
        accelerators=tuple(
            AcceleratorQuotaView(
                class_name=item.class_name,
                count=item.count,
                hours=item.hours,
                used_hours=round(used[item.class_name] / _HOUR, 2),
            )
            for item in quota.accelerators
        ),
    )
