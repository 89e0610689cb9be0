"""Each HTTP status leads to one verdict, and a wait is read as RFC 9110 writes it."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from practicum_labs.track.delivery import backoff
from practicum_labs.track.portal import HttpPortal, Verdict, verdict_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (302, Verdict.DENIED),
        (400, Verdict.INVALID),
        (401, Verdict.DENIED),
        (403, Verdict.DENIED),
        (404, Verdict.UNKNOWN),
        (405, Verdict.INVALID),
        (408, Verdict.LATER),
        (409, Verdict.CONFLICT),
        (410, Verdict.CONFLICT),
        (413, Verdict.TOO_LARGE),
        (422, Verdict.INVALID),
        (425, Verdict.LATER),
        (429, Verdict.LATER),
        (500, Verdict.LATER),
        (503, Verdict.LATER),
    ],
)
def test_verdicts(status, verdict):
    assert verdict_of(status).verdict is verdict


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("7", 7.0),
        ("-3", 0.0),
        ("86400", 600.0),
        ("nan", None),
        ("soon", None),
        (format_datetime(NOW + timedelta(seconds=30), usegmt=True), 30.0),
        (format_datetime(NOW - timedelta(seconds=30), usegmt=True), 0.0),
    ],
)
def test_retry_after(header, seconds):
    assert verdict_of(503, header, now=NOW).retry_after == seconds


def test_the_wait_doubles_is_spread_and_never_shorter_than_asked():
    assert [backoff(n, None, draw=lambda: 1.0) for n in (1, 2, 3, 50)] == [1.0, 2.0, 4.0, 60.0]
    assert backoff(1, None, draw=lambda: 0.0) == 0.5
    assert backoff(1, 30.0) == 30.0


def test_a_portal_does_not_show_its_token():
    assert "secret" not in repr(HttpPortal("http://portal", "secret"))


def test_a_scheme_that_is_not_http_is_not_followed(tmp_path):
    portal = HttpPortal(tmp_path.as_uri(), "secret")
    assert portal.create("r1", {}).verdict is Verdict.DENIED
