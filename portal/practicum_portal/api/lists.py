"""Pages of lists."""

from collections.abc import Sequence
from typing import Annotated, TypeVar

from fastapi import Query

from practicum_portal.paging import decode, encode
from practicum_portal.views.base import Page

Item = TypeVar("Item")

Limit = Annotated[int, Query(ge=1, le=200, description="Most items on a page.")]
Cursor = Annotated[
    str | None, Query(max_length=64, description="`next` of the page before; none for the first.")
]


def page(items: Sequence[Item], *, limit: int, cursor: str | None) -> Page[Item]:
    """Return a page of a list that is held in memory."""
    start = decode(cursor) or 0
    following = start + limit
    return Page(
        items=tuple(items[start:following]),
        next=encode(following) if following < len(items) else None,
    )
