"""Little is written, and only what is worth it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from practicum_api.base import Condition
from practicum_api.sandbox import Phase, QueueStatus, SandboxStatus, SandboxUsage, StageTime
from practicum_operator.writes import Delays, merge_diff, write_delay

DELAYS = Delays(stage=10.0, news=1.5)

values = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(st.sampled_from("abcd"), values, max_size=4)


def merged(current: dict, patch: dict) -> dict:
    result = dict(current)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            before = result.get(key)
            result[key] = merged(before if isinstance(before, dict) else {}, value)
        else:
            result[key] = value
    return result


@given(objects, objects)
def test_the_patch_leads_from_the_old_to_the_new(old, new) -> None:
    assert merged(old, merge_diff(old, new)) == new


@given(objects)
def test_nothing_changed_is_nothing_to_send(old) -> None:
    assert merge_diff(old, json.loads(json.dumps(old))) == {}


def status(**changes) -> SandboxStatus:
    return SandboxStatus(**({"phase": Phase.STARTING, "attempt": 1} | changes))


def ready(reason: str) -> tuple[Condition, ...]:
    return (Condition(type="Ready", status="False", reason=reason),)


def times(make, count: int) -> tuple[StageTime, ...]:
    stages = ["Queued", "Scheduling", "Preparing", "Starting"]
    return tuple(StageTime(stage=stages[n], began=make.now) for n in range(count))


def place(position: int) -> QueueStatus:
    return QueueStatus(position=position, reason="QuotaExceeded")


def test_what_has_not_changed_is_not_written() -> None:
    assert write_delay(status(), status(), DELAYS) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"phase": Phase.RUNNING},
        {"phase": Phase.QUEUED},
        {"pod_ip": "10.0.0.1"},
        {"attempt": 2},
        {"failures": 1},
    ],
)
def test_what_someone_waits_for_is_written_at_once(changes) -> None:
    assert write_delay(status(), status(**changes), DELAYS) == 0


def test_settled_usage_is_written_at_once(make) -> None:
    before = status(usage=SandboxUsage(since=make.now))
    after = status(usage=SandboxUsage(running_seconds=5))
    assert write_delay(before, after, DELAYS) == 0


def test_a_queue_that_passes_is_not_written() -> None:
    fresh = SandboxStatus()
    assert write_delay(fresh, status(phase=Phase.QUEUED, attempt=0), DELAYS) == 1.5


@pytest.mark.parametrize(("position", "delay"), [(1, 5.0), (40, 40.0)])
def test_news_of_a_place_is_rarer_the_longer_the_line(position, delay) -> None:
    before = status(phase=Phase.QUEUED, queue=place(position + 1))
    after = status(phase=Phase.QUEUED, queue=place(position))
    assert write_delay(before, after, DELAYS) == delay


def test_a_stage_is_written_when_it_lasts(make) -> None:
    two, three = (status(stages=times(make, count)) for count in (2, 3))
    assert write_delay(two, three, DELAYS) == 10.0


def test_trouble_is_told_sooner_than_progress() -> None:
    before, after = (status(conditions=ready(r)) for r in ("Preparing", "ImageUnavailable"))
    assert write_delay(before, after, DELAYS) == 1.5
