"""Who asks."""

from fastapi import APIRouter

from practicum_portal.api.paths import PREFIX
from practicum_portal.api.problems import problems
from practicum_portal.dependencies import CurrentPerson
from practicum_portal.identity import Role
from practicum_portal.views.base import View

router = APIRouter(prefix=PREFIX, tags=["me"])


class Me(View):
    """The person that a session or token stands for."""

    name: str
    """The user name as JupyterHub knows it."""
    admin: bool
    """Whether the person runs the platform."""
    groups: tuple[str, ...]
    """Groups of the sign-in."""
    cohorts: dict[str, Role]
    """What the person is, by cohort. An administrator may act in all cohorts besides."""


@router.get("/me", operation_id="getMe", summary="Who you are", responses=problems())
async def me(person: CurrentPerson) -> Me:
    """Return who you are and what you are in which cohort."""
    return Me(
        name=person.name,
        admin=person.admin,
        groups=tuple(sorted(person.groups)),
        cohorts=person.memberships,
    )
