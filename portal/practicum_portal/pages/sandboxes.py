"""Sandboxes: one's page, the questions before something is lost, and the actions."""

from fastapi import APIRouter
from starlette.responses import Response

from practicum_api.sandbox import DesiredState
from practicum_portal.errors import NotFoundError
from practicum_portal.pages.asks import ASKS
from practicum_portal.pages.frames import sandbox_href
from practicum_portal.pages.visits import CurrentVisit
from practicum_portal.pages.wording import N
from practicum_portal.signin import local_path
from practicum_portal.views.sandboxes import SandboxView

router = APIRouter(prefix="/sandboxes/{cohort}/{name}", include_in_schema=False)


@router.get("")
async def show(visit: CurrentVisit, cohort: str, name: str) -> Response:
    """Show a sandbox with its history and its runs."""
    sandbox = visit.services.sandboxes.get(visit.person, cohort, name)
    runs = await visit.services.runs.list_for(visit.person, cohort=cohort, sandbox=name, limit=5)
    return visit.page("sandbox.html", sandbox=sandbox, runs=runs.items)


@router.get("/confirm/{action}")
async def confirm(
    visit: CurrentVisit,
    cohort: str,
    name: str,
    action: str,
    next: str = "/",  # noqa: A002 - the word in the address
) -> Response:
    """Ask before something is stopped or lost."""
    sandbox = visit.services.sandboxes.get(visit.person, cohort, name)
    if action not in ASKS:
        raise NotFoundError(N("There is no such page."), hint=N("Go back to the sandbox."))
    return visit.page("confirm.html", sandbox=sandbox, ask=ASKS[action], next=local_path(next))


@router.post("/start")
async def start(visit: CurrentVisit, cohort: str, name: str) -> Response:
    """Resume a sandbox, or try again when it gave up."""
    sandboxes, person = visit.services.sandboxes, visit.person
    own = sandboxes.get(person, cohort, name).owner == person.name
    await sandboxes.resume(person, cohort, name, language=person.language if own else None)
    return visit.done("start", await visit.field("next", "/"))


@router.post("/suspend")
async def suspend(visit: CurrentVisit, cohort: str, name: str) -> Response:
    """Stop a sandbox and keep its files."""
    await visit.services.sandboxes.suspend(visit.person, cohort, name)
    return visit.done("suspend", await visit.field("next", "/"))


@router.post("/extend")
async def extend(visit: CurrentVisit, cohort: str, name: str) -> Response:
    """Move the deadline by an hour, or as far as the lab allows."""
    await visit.services.sandboxes.extend(visit.person, cohort, name)
    return visit.done("extend", await visit.field("next", "/"))


@router.post("/restart")
async def restart(visit: CurrentVisit, cohort: str, name: str) -> Response:
    """Ask for a new attempt."""
    await visit.services.sandboxes.restart(visit.person, cohort, name)
    return visit.done("restart", await visit.field("next", "/"))


@router.post("/reset")
async def reset(visit: CurrentVisit, cohort: str, name: str) -> Response:
    """Ask for fresh lab files; the old ones are moved aside."""
    sandbox = visit.services.sandboxes.get(visit.person, cohort, name)
    await visit.services.sandboxes.reset(visit.person, cohort, name)
    wanted = sandbox.desired_state is DesiredState.RUNNING
    return visit.done("reset" if wanted else "reset-later", await visit.field("next", "/"))


@router.post("/delete")
async def delete(visit: CurrentVisit, cohort: str, name: str) -> Response:
    """Delete a sandbox; its files only when asked for."""
    sandbox = visit.services.sandboxes.get(visit.person, cohort, name)
    files = await visit.field("workspace", "keep") == "delete"
    await visit.services.sandboxes.delete(visit.person, cohort, name, workspace=files)
    place = await visit.field("next", "/")
    return visit.done("delete-all" if files else "delete", _elsewhere(sandbox, visit, place))


def _elsewhere(sandbox: SandboxView, visit: CurrentVisit, place: str) -> str:
    """Return ``place``, unless that is the page of what was just deleted."""
    if not place.startswith(sandbox_href(sandbox)):
        return place
    return "/" if sandbox.owner == visit.person.name else f"/cohorts/{sandbox.cohort}"
