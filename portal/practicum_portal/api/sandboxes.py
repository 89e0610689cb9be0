"""Labs and sandboxes."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from practicum_portal.api.lists import Cursor, Limit, page
from practicum_portal.api.paths import PREFIX
from practicum_portal.api.problems import problems
from practicum_portal.dependencies import CurrentPerson, CurrentServices
from practicum_portal.views.base import Page
from practicum_portal.views.inputs import (
    CohortName,
    Extension,
    SandboxChangeRequest,
    SandboxRequest,
)
from practicum_portal.views.labs import LabOffer, LabView
from practicum_portal.views.sandboxes import SandboxView

router = APIRouter(prefix=PREFIX)

Cohort = Annotated[CohortName, Path(description="The cohort.")]
Name = Annotated[str, Path(description="The sandbox's name.", max_length=63)]
_READ = problems(404)
_WRITE = problems(404, 409, 422)
_AT = "/sandboxes/{cohort}/{name}"


@router.get(
    "/labs",
    operation_id="listLabs",
    tags=["labs"],
    summary="Labs that your cohorts offer",
    responses=problems(400),
)
async def list_labs(
    person: CurrentPerson, services: CurrentServices, limit: Limit = 100, cursor: Cursor = None
) -> Page[LabOffer]:
    """Return what your cohorts offer, with your sandbox of each lab."""
    return page(services.labs.list_for(person), limit=limit, cursor=cursor)


@router.get("/labs/{name}", operation_id="getLab", tags=["labs"], summary="A lab", responses=_READ)
async def get_lab(
    name: Annotated[str, Path(max_length=63)], person: CurrentPerson, services: CurrentServices
) -> LabView:
    """Return a lab that one of your cohorts offers."""
    return services.labs.get(person, name)


@router.get(
    "/sandboxes",
    operation_id="listSandboxes",
    tags=["sandboxes"],
    summary="Your sandboxes, or a cohort's",
    responses=problems(400),
)
async def list_sandboxes(
    person: CurrentPerson,
    services: CurrentServices,
    cohort: Annotated[str | None, Query(description="Those of this cohort.")] = None,
    owner: Annotated[str | None, Query(description="Those of this person.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[SandboxView]:
    """Return your sandboxes; with `cohort` everyone's, if you teach it."""
    found = services.sandboxes.list_for(person, cohort=cohort, owner=owner)
    return page(found, limit=limit, cursor=cursor)


@router.post(
    "/sandboxes",
    operation_id="createSandbox",
    tags=["sandboxes"],
    summary="Make a sandbox, or resume the one you have",
    status_code=HTTPStatus.ACCEPTED,
    responses=_WRITE,
)
async def create_sandbox(
    request: SandboxRequest, person: CurrentPerson, services: CurrentServices, response: Response
) -> SandboxView:
    """Make your sandbox of a lab run: create it, resume it, or try again. Safe to repeat."""
    view = await services.sandboxes.start(
        person, request.cohort, request.lab, owner=request.owner, language=request.language
    )
    response.headers["Location"] = f"{PREFIX}/sandboxes/{view.cohort}/{view.name}"
    return view


@router.get(
    _AT, operation_id="getSandbox", tags=["sandboxes"], summary="A sandbox", responses=_READ
)
async def get_sandbox(
    cohort: Cohort, name: Name, person: CurrentPerson, services: CurrentServices
) -> SandboxView:
    """Return a sandbox of yours, or of a cohort that you teach."""
    return services.sandboxes.get(person, cohort, name)


@router.patch(
    _AT,
    operation_id="changeSandbox",
    tags=["sandboxes"],
    summary="Run or suspend a sandbox",
    responses=_WRITE,
)
async def change_sandbox(
    cohort: Cohort,
    name: Name,
    change: SandboxChangeRequest,
    person: CurrentPerson,
    services: CurrentServices,
) -> SandboxView:
    """Say whether it should run."""
    verbs = {"Running": services.sandboxes.resume, "Suspended": services.sandboxes.suspend}
    return await verbs[change.desired_state](person, cohort, name)


@router.delete(
    _AT,
    operation_id="deleteSandbox",
    tags=["sandboxes"],
    summary="Delete a sandbox",
    status_code=HTTPStatus.NO_CONTENT,
    responses=_WRITE,
)
async def delete_sandbox(
    cohort: Cohort,
    name: Name,
    person: CurrentPerson,
    services: CurrentServices,
    workspace: Annotated[bool, Query(description="Whether its files go too, for ever.")] = False,
) -> None:
    """Delete a sandbox. Its files stay, and a new one finds them, unless you say otherwise."""
    await services.sandboxes.delete(person, cohort, name, workspace=workspace)


@router.post(
    f"{_AT}/start",
    operation_id="startSandbox",
    tags=["sandboxes"],
    summary="Resume a sandbox, or try again",
    status_code=HTTPStatus.ACCEPTED,
    responses=_WRITE,
)
async def start_sandbox(
    cohort: Cohort, name: Name, person: CurrentPerson, services: CurrentServices
) -> SandboxView:
    """Make it run. Nothing happens when it runs or is on its way."""
    return await services.sandboxes.resume(person, cohort, name)


@router.post(
    f"{_AT}/suspend",
    operation_id="suspendSandbox",
    tags=["sandboxes"],
    summary="Suspend a sandbox",
    status_code=HTTPStatus.ACCEPTED,
    responses=_WRITE,
)
async def suspend_sandbox(
    cohort: Cohort, name: Name, person: CurrentPerson, services: CurrentServices
) -> SandboxView:
    """Stop it. Its files are kept."""
    return await services.sandboxes.suspend(person, cohort, name)


@router.post(
    f"{_AT}/extend",
    operation_id="extendSandbox",
    tags=["sandboxes"],
    summary="Give a sandbox more time",
    status_code=HTTPStatus.ACCEPTED,
    responses=_WRITE,
)
async def extend_sandbox(
    cohort: Cohort,
    name: Name,
    person: CurrentPerson,
    services: CurrentServices,
    extension: Extension | None = None,
) -> SandboxView:
    """Move its deadline, at most as far as the lab allows."""
    minutes = (extension or Extension()).minutes
    return await services.sandboxes.extend(person, cohort, name, minutes=minutes)


@router.post(
    f"{_AT}/restart",
    operation_id="restartSandbox",
    tags=["sandboxes"],
    summary="Restart a sandbox",
    status_code=HTTPStatus.ACCEPTED,
    responses=_WRITE,
)
async def restart_sandbox(
    cohort: Cohort, name: Name, person: CurrentPerson, services: CurrentServices
) -> SandboxView:
    """Ask for a new attempt. What runs in it ends; its files are kept."""
    return await services.sandboxes.restart(person, cohort, name)


@router.post(
    f"{_AT}/reset",
    operation_id="resetSandbox",
    tags=["sandboxes"],
    summary="Lay fresh lab files",
    status_code=HTTPStatus.ACCEPTED,
    responses=_WRITE,
)
async def reset_sandbox(
    cohort: Cohort, name: Name, person: CurrentPerson, services: CurrentServices
) -> SandboxView:
    """Lay the lab's files anew. Your own are moved aside and never lost."""
    return await services.sandboxes.reset(person, cohort, name)
