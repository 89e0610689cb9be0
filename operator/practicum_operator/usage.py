"""What sandboxes used: seconds run, CPU seconds reserved, accelerator seconds held."""

from collections.abc import Iterable
from datetime import datetime

from practicum_api.base import parse_quantity
from practicum_api.cohort import RELEASED_MAX, AcceleratorUsage, CohortStatus, Usage
from practicum_api.sandbox import Blueprint, SandboxStatus, SandboxUsage


def add_accelerators(
    totals: Iterable[AcceleratorUsage], more: Iterable[AcceleratorUsage]
) -> tuple[AcceleratorUsage, ...]:
    """Return the sums by class, in the order of their names."""
    seconds: dict[str, int] = {}
    for item in (*totals, *more):
        seconds[item.class_name] = seconds.get(item.class_name, 0) + item.seconds
    return tuple(
        AcceleratorUsage(class_name=name, seconds=seconds[name]) for name in sorted(seconds)
    )


def span(blueprint: Blueprint, seconds: int) -> SandboxUsage:
    """Return what an attempt of this blueprint uses in so many seconds."""
    held = blueprint.accelerator
    count = held.count if held else 0
    return SandboxUsage(
        running_seconds=seconds,
        cpu_seconds=round(parse_quantity(blueprint.resources.cpu) * seconds),
        accelerator_seconds=count * seconds,
        accelerators=(AcceleratorUsage(class_name=held.class_name, seconds=count * seconds),)
        if held
        else (),
    )


def so_far(status: SandboxStatus, now: datetime) -> SandboxUsage:
    """Return what a sandbox used until ``now``, the current attempt included."""
    usage = status.usage
    if usage.since is None or status.blueprint is None:
        return usage
    seconds = max(0, int((now - usage.since).total_seconds()))
    return _sum(usage, span(status.blueprint, seconds)).model_copy(update={"since": usage.since})


def settled(status: SandboxStatus, ended: datetime) -> SandboxUsage:
    """Return the usage with the current attempt, which ended at ``ended``, counted in."""
    return so_far(status, ended).model_copy(update={"since": None})


def roll_up(
    status: CohortStatus, finished: Iterable[tuple[str, SandboxUsage]], living: Iterable[str]
) -> CohortStatus:
    """Return the Cohort's status with the usage of finished sandboxes counted in, each once.

    ``finished`` are pairs of UID and settled usage. A UID that is in ``released`` was counted
    before a crash and is left alone. UIDs that neither finish now nor are ``living`` are dropped.
    Those that the list has no room for are counted when others have gone.
    """
    waiting, before = dict(finished), set(status.released)
    kept = before & {*living, *waiting}
    due = [uid for uid in waiting if uid not in before][: RELEASED_MAX - len(kept)]
    usage, accelerators = status.usage, status.accelerator_usage
    for uid in due:
        usage = _plus(usage, waiting[uid])
        accelerators = add_accelerators(accelerators, waiting[uid].accelerators)
    return status.model_copy(
        update={
            "usage": usage,
            "accelerator_usage": accelerators,
            "released": tuple(sorted({*kept, *due})),
        }
    )


def _plus(total: Usage, more: Usage) -> Usage:
    return Usage(
        running_seconds=total.running_seconds + more.running_seconds,
        cpu_seconds=total.cpu_seconds + more.cpu_seconds,
        accelerator_seconds=total.accelerator_seconds + more.accelerator_seconds,
    )


def _sum(total: SandboxUsage, more: SandboxUsage) -> SandboxUsage:
    plain = _plus(total, more)
    return SandboxUsage(
        **plain.model_dump(),
        accelerators=add_accelerators(total.accelerators, more.accelerators),
    )
