"""Problems: what a person reads when something went wrong, and where to go from there."""

from dataclasses import dataclass
from http import HTTPStatus

from practicum_portal.errors import ProblemError
from practicum_portal.pages.frames import Frame
from practicum_portal.pages.languages import Writer
from practicum_portal.pages.server_texts import server_text
from practicum_portal.pages.wording import N, Tone

_TITLES = {
    HTTPStatus.BAD_REQUEST: N("This request can't be understood"),
    HTTPStatus.UNAUTHORIZED: N("Please sign in"),
    HTTPStatus.FORBIDDEN: N("This is not open to you"),
    HTTPStatus.NOT_FOUND: N("There is nothing here"),
    HTTPStatus.METHOD_NOT_ALLOWED: N("This request can't be understood"),
    HTTPStatus.CONFLICT: N("That doesn't fit how things are now"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: N("That is too large"),
    HTTPStatus.UNPROCESSABLE_ENTITY: N("Something in it is wrong"),
    HTTPStatus.TOO_MANY_REQUESTS: N("A little slower, please"),
    HTTPStatus.INTERNAL_SERVER_ERROR: N("Something broke on our side"),
    HTTPStatus.SERVICE_UNAVAILABLE: N("This is not available for the moment"),
}
_TITLES_BY_CODE = {
    "hub-away": N("JupyterHub is away for the moment"),
    "cluster-away": N("Kubernetes is away for the moment"),
    "database-away": N("The portal's database is away for the moment"),
    "session-over": N("Your sign-in has ended"),
}
_DETAILS = {
    HTTPStatus.NOT_FOUND: N("The address may be mistyped, or what was here is gone."),
    HTTPStatus.METHOD_NOT_ALLOWED: N("This address can't be used in this way."),
}
"""What to say when the framework says no more than the status."""
_SAFE = N("Nothing was lost: your files are kept, and sandboxes that run go on running.")


@dataclass(frozen=True)
class Way:
    """Somewhere to go from an error."""

    href: str
    label: str


@dataclass(frozen=True)
class Problem:
    """An error as a page shows it, in the reader's language."""

    status: int
    title: str
    detail: str
    advice: str
    safe: str
    tone: Tone
    actions: tuple[Way, ...]


def describe(error: ProblemError, frame: Frame) -> Problem:
    """Return ``error`` in the words and the language of the page."""
    writer = Writer(frame.language)
    status = HTTPStatus(error.status)
    title = _TITLES_BY_CODE.get(error.code) or _TITLES.get(status) or N("Something went wrong")
    bare = error.detail == status.phrase and status in _DETAILS
    detail = writer.text(_DETAILS[status]) if bare else server_text(error.detail, frame.language)
    server = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return Problem(
        status=int(status),
        title=writer.text(title),
        detail=detail,
        advice=server_text(error.hint, frame.language),
        safe=writer.text(_SAFE) if server or status is HTTPStatus.UNAUTHORIZED else "",
        tone="calm" if status is HTTPStatus.UNAUTHORIZED else "wait" if server else "bad",
        actions=_ways(status, frame),
    )


def _ways(status: HTTPStatus, frame: Frame) -> tuple[Way, ...]:
    again = Way(frame.here, N("Try again"))
    start = Way("/", N("To the start page"))
    if status is HTTPStatus.UNAUTHORIZED:
        return (Way(frame.sign_in_href, N("Sign in")), start)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status is HTTPStatus.TOO_MANY_REQUESTS:
        return (again, start)
    return (start,)
