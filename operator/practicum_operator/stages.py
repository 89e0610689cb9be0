"""Which stage a start is in, read off the Pod."""

from datetime import datetime

from practicum_api.reasons import Reason
from practicum_api.sandbox import Stage, StageTime
from practicum_operator.views import PodView

REASONS = {
    Stage.SCHEDULING: Reason.SCHEDULING,
    Stage.PREPARING: Reason.PREPARING,
    Stage.STARTING: Reason.STARTING,
    Stage.CONNECTING: Reason.CONNECTING,
}


def stage_of(pod: PodView | None) -> Stage:
    """Return the stage that an attempt with this Pod is in."""
    if pod is None or pod.scheduled_at is None:
        return Stage.SCHEDULING
    if pod.ready:
        return Stage.CONNECTING
    if pod.container.state == "waiting" and pod.container.restarts == 0:
        return Stage.PREPARING
    return Stage.STARTING


def stage_times(
    pod: PodView | None,
    *,
    queued_at: datetime,
    started_at: datetime | None = None,
    ready_at: datetime | None = None,
    known: tuple[StageTime, ...] = (),
) -> tuple[StageTime, ...]:
    """Return when each stage of an attempt began, as far as it got.

    Entries of ``known`` that have not changed are used again: this runs for every look.
    """
    times: list[tuple[Stage, datetime | None]] = [
        (Stage.QUEUED, queued_at),
        (Stage.SCHEDULING, started_at),
    ]
    if pod is not None:
        times.append((Stage.PREPARING, pod.scheduled_at))
        times.append((Stage.STARTING, pod.container.started_at))
        times.append((Stage.CONNECTING, pod.ready_at if pod.ready else None))
    times.append((Stage.READY, ready_at))
    result: list[StageTime] = []
    latest = queued_at.replace(microsecond=0)
    for stage, began in times:
        if began is not None:
            latest = max(latest, began.replace(microsecond=0))
            before = known[len(result)] if len(result) < len(known) else None
            same = before is not None and before.stage is stage and before.began == latest
            result.append(before if before and same else StageTime(stage=stage, began=latest))
    return tuple(result)
