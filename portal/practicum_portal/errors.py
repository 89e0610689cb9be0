"""Errors that a person can act on: problem+json at the API, a page for a browser."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any


class ProblemError(Exception):
    """A request that can't be served, with the reason and what to do.

    ``code`` is a stable word that clients and translations go by; ``params`` are the values that
    the texts name.
    """

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    code = "internal"

    def __init__(
        self,
        detail: str,
        *,
        hint: str = "",
        code: str | None = None,
        params: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
        errors: tuple[Mapping[str, Any], ...] = (),
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.code = code or type(self).code
        self.params = dict(params or {})
        self.retry_after = retry_after
        self.errors = errors

    @property
    def title(self) -> str:
        """The status in words."""
        return HTTPStatus(self.status).phrase

    def body(self) -> dict[str, Any]:
        """Return the problem as RFC 9457 has it, with `code` and `hint` added."""
        body: dict[str, Any] = {
            "type": f"urn:practicum:problem:{self.code}",
            "title": self.title,
            "status": int(self.status),
            "code": self.code,
            "detail": self.detail,
            "hint": self.hint,
        }
        if self.errors:
            body["errors"] = [dict(item) for item in self.errors]
        return body


class BadRequestError(ProblemError):
    """The request can't be understood."""

    status = HTTPStatus.BAD_REQUEST
    code = "bad-request"


class SignInError(ProblemError):
    """Nobody is signed in, or the session ended."""

    status = HTTPStatus.UNAUTHORIZED
    code = "sign-in-needed"


class ForbiddenError(ProblemError):
    """The person may not do this."""

    status = HTTPStatus.FORBIDDEN
    code = "forbidden"


class NotFoundError(ProblemError):
    """It does not exist, or the person may not know that it does."""

    status = HTTPStatus.NOT_FOUND
    code = "not-found"


class ConflictError(ProblemError):
    """It does not go with how things are now."""

    status = HTTPStatus.CONFLICT
    code = "conflict"


class TooLargeError(ProblemError):
    """The request is larger than is accepted."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "too-large"


class InvalidError(ProblemError):
    """The request is understood, and wrong; ``errors`` say where."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "invalid"


class TooManyRequestsError(ProblemError):
    """The person asks more often than is accepted."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too-many-requests"


class UnavailableError(ProblemError):
    """Something the portal needs does not answer. Nothing was changed; asking again is safe."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "unavailable"
