"""When a new status is worth a write, and how little of it has to be sent."""

from dataclasses import dataclass
from typing import Any

from practicum_api.base import ApiModel, Condition, find_condition
from practicum_api.sandbox import Phase, SandboxStatus
from practicum_operator.plan import READY
from practicum_operator.stages import REASONS

_PATIENT = frozenset({Phase.QUEUED, Phase.PENDING})
_SOFT = frozenset({"stages", "queue", "usage", "conditions", "image_id", "pod_name"})
_HARD = tuple(name for name in SandboxStatus.model_fields if name not in _SOFT)
_STAGE_WORDS = frozenset(reason.value for reason in REASONS.values())
_QUEUE_WRITE = 5.0


@dataclass(frozen=True, slots=True)
class Delays:
    """How long news must last to be worth a write."""

    stage: float
    news: float


def write_delay(old: SandboxStatus, new: SandboxStatus, delays: Delays) -> float | None:
    """Return how long a changed status may wait to be written; None when it has not changed.

    What a person or the Hub waits for is written at once. What passes by itself (a stage of a
    start, a place in the queue) is written only when it lasts.
    """
    if old == new:
        return None
    settled = old.usage.since is not None and new.usage.since is None
    if not settled and all(getattr(old, name) == getattr(new, name) for name in _HARD):
        return _soft_delay(old, new, delays)
    fresh = old.phase not in {Phase.STARTING, Phase.RUNNING}
    return delays.news if new.phase in _PATIENT and fresh else 0.0


def _soft_delay(old: SandboxStatus, new: SandboxStatus, delays: Delays) -> float:
    if new.phase is Phase.QUEUED and new.queue is not None:
        # Every start moves everyone behind it up by one: the longer the line, the rarer the news.
        return max(_QUEUE_WRITE, float(new.queue.position)) if old.queue else delays.news
    before, after = (_ready_reason(status.conditions) for status in (old, new))
    if before != after and after not in _STAGE_WORDS:
        return delays.news
    return delays.stage


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
    fields = type(old).model_fields
    changed = {name for name in fields if getattr(old, name) != getattr(new, name)}
    before, after = (_wire(status, changed) for status in (old, new))
    return {"metadata": {"uid": uid}, "status": merge_diff(before, after)}


def _wire(status: ApiModel, names: set[str]) -> dict[str, Any]:
    return status.model_dump(mode="json", by_alias=True, exclude_none=True, include=names)
