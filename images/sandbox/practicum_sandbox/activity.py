"""What is going on in the sandbox, as the operator is told: a pure function of samples.

{"busy": bool, "kernels": [{"id", "state", "last_activity"}], "terminals": n,
 "last_activity": RFC 3339 | null,
 "accelerators": [{"index", "utilization_percent"}] | null, "runs": [{"id", "last_point"}]}
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

RUN_IS_FRESH_SECONDS = 600.0
"""A run that logged nothing for so long no longer counts as busy."""
BUSY = "busy"


@dataclass(frozen=True)
class Kernel:
    """One kernel, as the kernel manager knows it."""

    id: str
    state: str
    last_activity: datetime | None


@dataclass(frozen=True)
class Terminal:
    """One terminal: input and output count as activity."""

    last_activity: datetime | None


@dataclass(frozen=True)
class Accelerator:
    """One GPU and how busy it was in the last sample."""

    index: int
    utilization_percent: float


@dataclass(frozen=True)
class LoggedRun:
    """One run with a heartbeat of a living process."""

    id: str
    last_point: datetime


def report(
    *,
    kernels: Sequence[Kernel],
    terminals: Sequence[Terminal],
    runs: Sequence[LoggedRun],
    accelerators: Sequence[Accelerator] | None,
    last_edit: datetime | None,
    now: datetime,
) -> dict[str, Any]:
    """The answer to `GET /activity`. An open tab changes nothing in it."""
    fresh = [run for run in runs if (now - run.last_point).total_seconds() < RUN_IS_FRESH_SECONDS]
    moments = [
        last_edit,
        *(kernel.last_activity for kernel in kernels),
        *(terminal.last_activity for terminal in terminals),
        *(run.last_point for run in runs),
    ]
    return {
        "busy": bool(fresh) or any(kernel.state == BUSY for kernel in kernels),
        "kernels": [
            {
                "id": kernel.id,
                "state": kernel.state,
                "last_activity": _text(kernel.last_activity),
            }
            for kernel in kernels
        ],
        "terminals": len(terminals),
        "last_activity": _text(max((m for m in moments if m is not None), default=None)),
        "accelerators": _accelerators(accelerators),
        "runs": [{"id": run.id, "last_point": _text(run.last_point)} for run in fresh],
    }


def _accelerators(found: Sequence[Accelerator] | None) -> list[dict[str, Any]] | None:
    if found is None:
        return None
    return [{"index": a.index, "utilization_percent": a.utilization_percent} for a in found]


def _text(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
