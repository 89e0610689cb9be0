"""When a new status is worth a write, and how little of it has to be sent."""

from typing import Any

from practicum_api.base import ApiModel, Condition, find_condition
from practicum_api.sandbox import Phase, SandboxStatus
from practicum_operator.plan import READY
from practicum_operator.stages import REASONS

_PATIENT = frozenset({Phase.QUEUED, Phase.PENDING})
_SOFT = ("stages", "queue", "usage", "conditions", "observed_generation", "image_id", "pod_name")
_STAGE_WORDS = frozenset(reason.value for reason in REASONS.values())
_QUEUE_WRITE = 5.0
_LATER_STAGES = 4.0
_FIRST_STAGES = 2


def write_delay(old: SandboxStatus, new: SandboxStatus, *, stage_delay: float) -> float | None:
    """Return how long a changed status may wait to be written; None when it has not changed.

    What a person or the Hub waits for is written at once. What passes by itself (a stage of a
    start, a place in the queue) is written only when it lasts.
    """
    if old == new:
        return None
    settled = old.usage.since is not None and new.usage.since is None
    if _without(old) == _without(new) and not settled:
        return _soft_delay(old, new, stage_delay)
    fresh = old.phase not in {Phase.STARTING, Phase.RUNNING}
    return stage_delay / 2 if new.phase in _PATIENT and fresh else 0.0


def _without(status: SandboxStatus) -> SandboxStatus:
    """Return a status without what passes by itself."""
    blank = SandboxStatus()
    return status.model_copy(update={name: getattr(blank, name) for name in _SOFT})


def _soft_delay(old: SandboxStatus, new: SandboxStatus, stage_delay: float) -> float:
    if new.phase is Phase.QUEUED and new.queue is not None:
        # Every start moves everyone behind it up by one: the longer the line, the rarer the news.
        return max(_QUEUE_WRITE, float(new.queue.position)) if old.queue else stage_delay / 2
    before, after = (_ready_reason(status.conditions) for status in (old, new))
    if before != after and after not in _STAGE_WORDS:
        return stage_delay / 2
    return stage_delay if len(old.stages) <= _FIRST_STAGES else stage_delay * _LATER_STAGES


def _ready_reason(conditions: tuple[Condition, ...]) -> str:
    found = find_condition(conditions, READY)
    return found.reason if found else ""


def merge_diff(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON merge patch (RFC 7386) that turns ``old`` into ``new``."""
    patch: dict[str, Any] = dict.fromkeys(old.keys() - new.keys())
    for key, value in new.items():
        before = old.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            if before != value:
                patch[key] = merge_diff(before, value)
        elif key not in old or before != value:
            patch[key] = value
    return patch


def status_patch(old: ApiModel, new: ApiModel, uid: str) -> dict[str, Any]:
    """Return the body that patches a status, for this very object and no later one of its name."""
    return {"metadata": {"uid": uid}, "status": merge_diff(old.wire(), new.wire())}
