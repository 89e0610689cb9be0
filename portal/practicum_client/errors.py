"""Errors that end a command: what is wrong, what to do, and the exit code for scripts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """Exit codes, the same for all commands. 2 is a wrong command line."""

    REFUSED = 1
    """The portal said no, or what was asked for failed."""
    SIGN_IN = 3
    """Nobody is signed in, or the token is expired or revoked."""
    AWAY = 4
    """The portal can't be reached, or asks to come back later."""
    NOT_FOUND = 5
    """There is no such thing, or you may not know of it."""


@dataclass
class ClientError(Exception):
    """Something a person can act on."""

    message: str
    hint: str = ""
    exit_code: int = Exit.REFUSED
    code: str = "refused"
    details: Sequence[Any] = field(default=())

    def __str__(self) -> str:
        return self.message

    def wire(self) -> dict[str, Any]:
        """Return the error for programs."""
        found = {"code": self.code, "message": self.message, "hint": self.hint}
        return found | ({"errors": list(self.details)} if self.details else {})
