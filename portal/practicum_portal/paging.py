"""Cursors: opaque to clients, the number of the last thing they saw to us."""

import base64
import binascii

from practicum_portal.errors import BadRequestError

MOST = 2**63 - 1
"""The greatest number that both databases count to."""


def encode(number: int) -> str:
    """Return the cursor that goes on after ``number``."""
    return base64.urlsafe_b64encode(f"n{number}".encode()).decode().rstrip("=")


def decode(cursor: str | None) -> int | None:
    """Return the number that a cursor holds; None without one."""
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        number = int(text.removeprefix("n"))
    except (ValueError, binascii.Error) as error:
        raise _bad_cursor() from error
    if not 0 <= number <= MOST:
        raise _bad_cursor()
    return number


def _bad_cursor() -> BadRequestError:
    return BadRequestError(
        "This cursor is not one of ours.",
        hint="Leave it out to begin with the first page.",
        code="bad-cursor",
    )
