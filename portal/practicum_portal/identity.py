"""Who asks: the signed-in person with the roles by cohort, and the sandbox that reports runs."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Language = Literal["en", "zh"]
LONGEST_USER = 120
"""Characters of a user name that the portal can keep."""


class Role(StrEnum):
    """What a person is in a cohort."""

    TRAINEE = "trainee"
    INSTRUCTOR = "instructor"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in person. Made anew for every request, so what it may do is never old."""

    name: str
    """The user name as JupyterHub knows it."""
    admin: bool = False
    """Whether the person runs the platform."""
    groups: frozenset[str] = frozenset()
    """Groups of the sign-in."""
    memberships: dict[str, Role] = field(default_factory=dict)
    """Role by cohort name, groups of instructors included. An admin's is not listed."""
    csrf_token: str = ""
    """What a form must send back; empty for a bearer token, which needs none."""
    language: Language = "en"
    """The language of the pages."""

    def role_in(self, cohort: str) -> Role | None:
        """Return what the person is in ``cohort``; None for a stranger."""
        return Role.ADMIN if self.admin else self.memberships.get(cohort)

    def teaches(self, cohort: str) -> bool:
        """Whether the person may see and manage everyone in ``cohort``."""
        return self.role_in(cohort) in {Role.INSTRUCTOR, Role.ADMIN}

    @property
    def is_instructor(self) -> bool:
        """Whether the person teaches any cohort."""
        return self.admin or Role.INSTRUCTOR in self.memberships.values()


@dataclass(frozen=True, slots=True)
class Reporter:
    """A sandbox that reports its own runs, known by its Hub token."""

    owner: str
    """Whose sandbox it is."""
    server: str
    """Name of the server at JupyterHub."""


def choose_language(cookie: str | None, accept: str | None) -> Language:
    """Return the language of the cookie, else the browser's first that we have, else English."""
    if cookie:
        return "zh" if cookie.startswith("zh") else "en"
    for part in (accept or "").split(","):
        tag = part.split(";")[0].strip().lower()
        if tag.startswith("zh"):
            return "zh"
        if tag.startswith("en"):
            return "en"
    return "en"
