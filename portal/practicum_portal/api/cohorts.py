"""Cohorts, rosters and the live table."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Response

from practicum_portal.api.lists import Cursor, Limit, page
from practicum_portal.api.paths import PREFIX
from practicum_portal.api.problems import problems
from practicum_portal.dependencies import CurrentPerson, CurrentServices
from practicum_portal.views.audit import AuditEntry
from practicum_portal.views.base import Page
from practicum_portal.views.cohorts import CohortView, MemberView, RosterReport, TableRow
from practicum_portal.views.inputs import CohortChange, CohortDraft, CohortName
from practicum_portal.views.usage import CohortUsageView

router = APIRouter(prefix=PREFIX, tags=["cohorts"])

Name = Annotated[CohortName, Path(description="The cohort's name.")]
_READ = problems(404)
_WRITE = problems(404, 409, 422)


@router.get("/cohorts", operation_id="listCohorts", summary="Your cohorts", responses=problems(400))
async def list_cohorts(
    person: CurrentPerson, services: CurrentServices, limit: Limit = 100, cursor: Cursor = None
) -> Page[CohortView]:
    """Return the cohorts that you are in; all of them for an administrator."""
    return page(await services.cohorts.list_for(person), limit=limit, cursor=cursor)


@router.post(
    "/cohorts",
    operation_id="createCohort",
    summary="Make a cohort",
    status_code=HTTPStatus.CREATED,
    responses=_WRITE,
)
async def create_cohort(
    draft: CohortDraft, person: CurrentPerson, services: CurrentServices, response: Response
) -> CohortView:
    """Make a cohort. Its room is ready within seconds; `state` says when. For administrators."""
    response.headers["Location"] = f"{PREFIX}/cohorts/{draft.name}"
    return await services.cohorts.create(person, draft)


@router.get("/cohorts/{name}", operation_id="getCohort", summary="A cohort", responses=_READ)
async def get_cohort(name: Name, person: CurrentPerson, services: CurrentServices) -> CohortView:
    """Return a cohort that you are in."""
    return await services.cohorts.get(person, name)


@router.patch(
    "/cohorts/{name}",
    operation_id="changeCohort",
    summary="Change a cohort",
    responses=_WRITE,
)
async def change_cohort(
    name: Name, change: CohortChange, person: CurrentPerson, services: CurrentServices
) -> CohortView:
    """Change what is given. A quota is replaced as a whole. For administrators."""
    return await services.cohorts.change(person, name, change)


@router.delete(
    "/cohorts/{name}",
    operation_id="deleteCohort",
    summary="Remove a cohort",
    status_code=HTTPStatus.ACCEPTED,
    responses=_WRITE,
)
async def delete_cohort(name: Name, person: CurrentPerson, services: CurrentServices) -> None:
    """Ask for its removal, which is held back while work is in it. For administrators."""
    await services.cohorts.delete(person, name)


@router.get(
    "/cohorts/{name}/members",
    operation_id="listMembers",
    summary="The roster of a cohort",
    responses=_READ,
)
async def list_members(
    name: Name,
    person: CurrentPerson,
    services: CurrentServices,
    limit: Limit = 200,
    cursor: Cursor = None,
) -> Page[MemberView]:
    """Return the people on the roster. For its instructors."""
    return page(await services.cohorts.members(person, name), limit=limit, cursor=cursor)


@router.put(
    "/cohorts/{name}/roster",
    operation_id="importRoster",
    summary="Import a roster",
    responses=problems(404, 413, 422),
)
async def import_roster(
    name: Name,
    person: CurrentPerson,
    services: CurrentServices,
    content: Annotated[
        bytes,
        Body(
            media_type="text/csv",
            description="A CSV file whose first line names columns: user, and if wanted name,"
            " role (trainee or instructor) and email.",
            examples=["user,name,role,email\ntrainee,,trainee,\n"],
        ),
    ],
    dry_run: Annotated[bool, Query(description="Only say what would be done.")] = False,
    replace: Annotated[bool, Query(description="Take off who is not in the file.")] = False,
    partial: Annotated[bool, Query(description="Write good lines though others are bad.")] = False,
) -> RosterReport:
    """Put people on the roster and make their accounts. Safe to repeat.

    A file with mistakes changes nothing, unless `partial` is given; the report names each
    mistake by line and column.
    """
    return await services.roster.import_csv(
        person, name, content, dry_run=dry_run, replace=replace, partial=partial
    )


@router.get(
    "/cohorts/{name}/table",
    operation_id="getCohortTable",
    summary="Who does what in a cohort",
    responses=_READ,
)
async def get_table(
    name: Name,
    person: CurrentPerson,
    services: CurrentServices,
    limit: Limit = 200,
    cursor: Cursor = None,
) -> Page[TableRow]:
    """Return a line for each person and sandbox. For its instructors."""
    return page(await services.cohorts.table(person, name), limit=limit, cursor=cursor)


@router.get(
    "/cohorts/{name}/usage",
    operation_id="getCohortUsage",
    summary="What a cohort used",
    responses=problems(400, 404),
)
async def get_cohort_usage(
    name: Name,
    person: CurrentPerson,
    services: CurrentServices,
    period: Annotated[str, Query(description="24h, 7d or 30d.")] = "7d",
) -> CohortUsageView:
    """Return usage by lab. Figures are null while Prometheus is away. For its instructors."""
    return await services.usage.of_cohort(person, name, period)


@router.get("/audit", operation_id="listAudit", summary="Who did what", responses=problems(400))
async def list_audit(
    person: CurrentPerson,
    services: CurrentServices,
    cohort: Annotated[str | None, Query(description="In this cohort.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AuditEntry]:
    """Return the audit log, the newest first. Instructors name a cohort that they teach."""
    return await services.audit.list_for(person, cohort=cohort, limit=limit, cursor=cursor)
