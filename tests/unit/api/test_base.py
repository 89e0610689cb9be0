from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from practicum_api.base import (
    Condition,
    find_condition,
    merge_conditions,
    parse_duration,
    parse_quantity,
    whole_quantity,
)
from practicum_api.lab import Lifetime

EARLIER = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("8h", timedelta(hours=8)),
        ("90m", timedelta(minutes=90)),
        ("1h30m5s", timedelta(hours=1, minutes=30, seconds=5)),
    ],
)
def test_durations(text: str, span: timedelta) -> None:
    assert parse_duration(text) == span


@pytest.mark.parametrize("text", ["", "8", "h", "1d", "-1h", "1m1h", "99999999999999h", "٣h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


def test_the_longest_duration_can_be_reckoned_with() -> None:
    assert NOW + parse_duration("999999h999999m999999s")
    with pytest.raises(ValidationError):
        Lifetime(extension="1000000h")


@pytest.mark.parametrize(
    ("text", "number"), [("500m", 0.5), ("2", 2), (2, 2), ("2Gi", 2**31), ("1.5k", 1500)]
)
def test_quantities(text: str | int, number: float) -> None:
    assert parse_quantity(text) == pytest.approx(number)


@pytest.mark.parametrize(
    ("text", "parts", "number"),
    [
        ("200m", 1000, 200),
        ("6", 1000, 6000),
        ("0.1", 1000, 100),
        ("1.5Gi", 1, 3 * 2**29),
        ("1m", 1, 1),
    ],
)
def test_whole_quantities_are_exact_and_rounded_up(text: str, parts: int, number: int) -> None:
    assert whole_quantity(text, parts=parts) == number


@pytest.mark.parametrize("text", ["", "Gi", "1Xi", "-1", "1 Gi"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="quantity"):
        parse_quantity(text)


def condition(kind: str, status: str, moment: datetime | None = None) -> Condition:
    return Condition.model_validate(
        {"type": kind, "status": status, "reason": "R", "lastTransitionTime": moment}
    )


def test_a_condition_keeps_its_time_until_its_status_changes() -> None:
    old = (condition("Ready", "False", EARLIER), condition("Stalled", "True", EARLIER))
    merged = merge_conditions(
        old, (condition("Ready", "False"), condition("Stalled", "False")), NOW
    )
    ready, stalled = find_condition(merged, "Ready"), find_condition(merged, "Stalled")
    assert ready
    assert stalled
    assert (ready.last_transition_time, stalled.last_transition_time) == (EARLIER, NOW)
