"""Moments, spans and figures as each language writes them."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from practicum_portal.pages.languages import Writer

EN, ZH = Writer("en"), Writer("zh")
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (-5, "0 sec", "0秒"),
        (0.4, "0 sec", "0秒"),
        (59, "59 sec", "59秒"),
        (60, "1 min", "1分钟"),
        (3605, "1 hr", "1小时"),
        (8047, "2 hr 14 min", "2小时 14分钟"),
        (90000, "1 day 1 hr", "1天 1小时"),
    ],
)
def test_span(seconds, english, chinese):
    assert EN.span(seconds) == english
    assert ZH.span(seconds) == chinese


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "–"),
        (0, "0"),
        (0.38712, "0.3871"),
        (1234.5678, "1,235"),
        (0.00002, "2e-05"),
        (2.5e7, "2.5e+07"),
        (-0.5, "-0.5"),
        (math.nan, "NaN"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
    ],
)
def test_metric(value, written):
    assert EN.metric(value) == written


def test_sizes_and_hours():
    assert EN.size(0) == "0 B"
    assert EN.size(5.4e10) == "50.3 GiB"
    assert EN.hours(None) == "–"
    assert ZH.hours(12.34) == "12.3小时"


def test_distance_to_a_moment():
    assert EN.ago(NOW - timedelta(minutes=5), NOW) == "5 minutes ago"
    assert ZH.ago(NOW + timedelta(hours=2), NOW) == "2小时后"
