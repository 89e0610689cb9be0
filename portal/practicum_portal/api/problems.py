"""How errors are described in OpenAPI."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str
    message: str


class ProblemModel(BaseModel):
    """An error as RFC 9457 has it, with what to do."""

    model_config = ConfigDict(use_attribute_docstrings=True, title="Problem")

    type: str = Field(examples=["urn:practicum:problem:not-found"])
    """Identifies the kind of problem."""
    title: str = Field(examples=["Not Found"])
    """The status in words."""
    status: int = Field(examples=[404])
    """The HTTP status."""
    code: str = Field(examples=["not-found"])
    """The kind in one stable word."""
    detail: str = Field(examples=["There is no such sandbox."])
    """What is wrong, for a person."""
    hint: str = Field(examples=["It may have been deleted; look at the list."])
    """What to do."""
    errors: list[FieldProblem] | None = None
    """Fields that are wrong."""


_MEANINGS = {
    400: "The request can't be understood.",
    401: "Nobody is signed in, or the token is not known.",
    403: "The person may not do this.",
    404: "It does not exist, or the person may not know that it does.",
    409: "It does not go with how things are now.",
    413: "The request is larger than is accepted.",
    422: "A field is wrong.",
    429: "The person asks too often; `Retry-After` says when to come back.",
    503: "Something the portal needs does not answer. Nothing was changed; ask again.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the descriptions of errors that a route may answer with."""
    return {
        status: {
            "description": _MEANINGS[status],
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            },
        }
        for status in sorted({401, 403, 422, 429, 503, *statuses})
    }
