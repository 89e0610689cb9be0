"""Every rule of time: when a sandbox ends, when it is asked, when a failed start is tried again."""

from datetime import datetime, timedelta

from practicum_api.base import parse_duration
from practicum_api.lab import Lifetime


def deadline(lifetime: Lifetime, *, started_at: datetime, wished: datetime | None) -> datetime:
    """Return when a sandbox is suspended at the latest.

    A wish is held within the lab's extension. One that was over before this attempt started was
    meant for an earlier attempt and says nothing.
    """
    longest = parse_duration(lifetime.max)
    if wished is None or wished <= started_at:
        return started_at + longest
    return min(wished, started_at + longest + parse_duration(lifetime.extension))


def idle_due(lifetime: Lifetime, *, ready_at: datetime, last_activity: datetime | None) -> datetime:
    """Return when a sandbox has been idle long enough to be asked, and then suspended."""
    latest = max(ready_at, last_activity) if last_activity else ready_at
    return latest + parse_duration(lifetime.idle)


def retry_wait(failures: int, *, first: timedelta) -> timedelta:
    """Return the wait before the next attempt after ``failures`` failed ones in a row."""
    return first * int(4 ** max(0, failures - 1))


def failures_after(
    failures: int, *, ready_at: datetime | None, now: datetime, stable: timedelta
) -> int:
    """Return the count of failures in a row after one more.

    An attempt that had run long enough was a success, so its failure is the first one again.
    """
    if ready_at is not None and now - ready_at >= stable:
        return 1
    return failures + 1
