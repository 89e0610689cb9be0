"""The portal's runs API, as one sandbox sees it: the only module that speaks HTTP."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final, Protocol

from practicum_labs.track.record import Point

TIMEOUT: Final = 5.0
LONGEST_WAIT: Final = 600.0
MOST_OF_AN_ANSWER: Final = 16_384


class Verdict(StrEnum):
    """What an answer means for what was sent."""

    TAKEN = "taken"
    LATER = "later"
    """The portal is away or busy: the same again, later."""
    DENIED = "denied"
    """The token is not good for this, now: rarely again, and with the next start's token."""
    UNKNOWN = "unknown"
    """The portal does not know the run."""
    CONFLICT = "conflict"
    """The run is closed, or someone else's."""
    TOO_LARGE = "too large"
    INVALID = "invalid"
    """The portal will never take this."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict, with the wait the portal asked for and its own words."""

    verdict: Verdict
    retry_after: float | None = None
    detail: str = ""


class Portal(Protocol):
    """Where runs go."""

    def create(self, run_id: str, body: Mapping[str, Any]) -> Answer:
        """Create the run, or find it there already."""
        ...

    def points(self, run_id: str, points: Sequence[Point]) -> Answer:
        """Add points; those it has already are ignored."""
        ...

    def finish(self, run_id: str, body: Mapping[str, Any]) -> Answer:
        """Close the run."""
        ...


@dataclass(frozen=True, slots=True)
class HttpPortal:
    """The portal at ``url`` (`…/api/v1`), spoken to with ``token``."""

    url: str
    token: str
    timeout: float = TIMEOUT

    def __repr__(self) -> str:
        """Name the portal and never the token."""
        return f"HttpPortal({self.url!r})"

    def create(self, run_id: str, body: Mapping[str, Any]) -> Answer:
        """Create the run, or find it there already."""
        return self._send("PUT", f"/runs/{run_id}", body)

    def points(self, run_id: str, points: Sequence[Point]) -> Answer:
        """Add points; those it has already are ignored."""
        return self._send(
            "POST", f"/runs/{run_id}/points", {"points": [asdict(point) for point in points]}
        )

    def finish(self, run_id: str, body: Mapping[str, Any]) -> Answer:
        """Close the run."""
        return self._send("POST", f"/runs/{run_id}/finish", body)

    def _send(self, method: str, path: str, body: Mapping[str, Any]) -> Answer:
        try:
            request = urllib.request.Request(  # noqa: S310 (the scheme is checked below)
                self.url.rstrip("/") + path,
                method=method,
                data=json.dumps(body, ensure_ascii=False, allow_nan=False).encode(),
                headers={
                    "Authorization": f"Bearer {self.token}",
                    "Content-Type": "application/json",
                    "Accept": "application/json",
                },
            )
            if request.type not in {"http", "https"}:
                return Answer(Verdict.DENIED, detail=f"{request.type}: is not http")
            with _opener().open(request, timeout=self.timeout) as response:
                response.read(MOST_OF_AN_ANSWER)
                return Answer(Verdict.TAKEN)
        except urllib.error.HTTPError as error:
            with error:
                return verdict_of(error.code, error.headers.get("Retry-After"), _detail(error))
        except (OSError, ValueError, _http_errors()) as error:
            return Answer(Verdict.LATER, detail=str(error) or type(error).__name__)


def verdict_of(
    status: int, retry_after: str | None = None, detail: str = "", *, now: datetime | None = None
) -> Answer:
    """Return what an HTTP status other than 2xx means for what was sent."""
    match status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            verdict = Verdict.DENIED
        case HTTPStatus.NOT_FOUND:
            verdict = Verdict.UNKNOWN
        case HTTPStatus.CONFLICT | HTTPStatus.GONE:
            verdict = Verdict.CONFLICT
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            verdict = Verdict.TOO_LARGE
        case HTTPStatus.REQUEST_TIMEOUT | HTTPStatus.TOO_EARLY | HTTPStatus.TOO_MANY_REQUESTS:
            verdict = Verdict.LATER
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            verdict = Verdict.LATER
        case _ if status < HTTPStatus.BAD_REQUEST:
            # A redirect leads to a sign-in page: the token must not follow it there.
            verdict, detail = Verdict.DENIED, detail or "redirected"
        case _:
            verdict = Verdict.INVALID
    return Answer(verdict, _seconds(retry_after, now or datetime.now(UTC)), detail or str(status))


def _seconds(retry_after: str | None, now: datetime) -> float | None:
    """Return the wait that ``Retry-After`` asks for (RFC 9110, 10.2.3), bounded."""
    if not retry_after:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            moment = parsedate_to_datetime(retry_after)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WAIT) if seconds == seconds else None  # noqa: PLR0124


def _detail(error: urllib.error.HTTPError) -> str:
    """Return the portal's own words (problem+json), or the status."""
    try:
        body = json.loads(error.read(MOST_OF_AN_ANSWER))
    except (OSError, ValueError, _http_errors()):
        body = None
    if isinstance(body, dict):
        words = body.get("detail") or body.get("title")
        if isinstance(words, str):
            return f"{error.code} {' '.join(words.split())[:200]}"
    return f"{error.code} {error.reason}".strip()


def _http_errors() -> type[Exception]:
    import http.client

    return http.client.HTTPException


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_NoRedirect)
