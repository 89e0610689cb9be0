"""The API server's refusals by their kind."""

import json

import pytest

from practicum_operator import kubernetes
from practicum_operator.kubernetes import (
    AlreadyExistsError,
    ConflictError,
    ForbiddenError,
    QuotaError,
    UnavailableError,
)


@pytest.mark.parametrize(
    ("status", "reason", "message", "kind"),
    [
        (403, "Forbidden", 'pods is forbidden: User "x" cannot create', ForbiddenError),
        (403, "Forbidden", 'pods "a" is forbidden: exceeded quota: q, requested', QuotaError),
        (403, "Forbidden", 'pods "a" is forbidden: status unknown for quota: q', QuotaError),
        (409, "AlreadyExists", "exists", AlreadyExistsError),
        (409, "Conflict", "changed", ConflictError),
        (503, "", "", UnavailableError),
    ],
)
def test_each_refusal_has_its_kind(status, reason, message, kind) -> None:
    raw = json.dumps({"reason": reason, "message": message}).encode()
    assert type(kubernetes._error(status, raw, None)) is kind
