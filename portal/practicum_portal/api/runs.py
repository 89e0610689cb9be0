"""Runs as people see them."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query

from practicum_portal.api.lists import Cursor, Limit
from practicum_portal.api.paths import PREFIX
from practicum_portal.api.problems import problems
from practicum_portal.dependencies import CurrentPerson, CurrentServices
from practicum_portal.paging import MOST
from practicum_portal.views.base import Page
from practicum_portal.views.runs import CompareView, CurvesView, PointsView, RunState, RunView

router = APIRouter(prefix=PREFIX, tags=["runs"])

Id = Annotated[str, Path(description="The run's id.", max_length=64)]


@router.get("/runs", operation_id="listRuns", summary="Runs", responses=problems(400))
async def list_runs(
    person: CurrentPerson,
    services: CurrentServices,
    cohort: Annotated[str | None, Query(description="In this cohort.")] = None,
    lab: Annotated[str | None, Query(description="Of this lab.")] = None,
    owner: Annotated[str | None, Query(description="Of this person.")] = None,
    sandbox: Annotated[str | None, Query(description="From this sandbox.")] = None,
    state: Annotated[RunState | None, Query(description="In this state.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[RunView]:
    """Return your runs and those of cohorts that you teach, the newest first."""
    return await services.runs.list_for(
        person,
        cohort=cohort,
        lab=lab,
        owner=owner,
        sandbox=sandbox,
        state=state,
        limit=limit,
        cursor=cursor,
    )


@router.get(
    "/runs/compare",
    operation_id="compareRuns",
    summary="Runs side by side",
    responses=problems(400, 404),
)
async def compare_runs(
    person: CurrentPerson,
    services: CurrentServices,
    ids: Annotated[str, Query(max_length=700, description="Ids, separated by commas.")],
) -> CompareView:
    """Return in what runs differ, their final figures and their curves."""
    wanted = [part.strip() for part in ids.split(",") if part.strip()]
    return await services.runs.compare(person, wanted)


@router.get("/runs/{run_id}", operation_id="getRun", summary="A run", responses=problems(404))
async def get_run(run_id: Id, person: CurrentPerson, services: CurrentServices) -> RunView:
    """Return a run of yours, or of a cohort that you teach."""
    return await services.runs.get(person, run_id)


@router.delete(
    "/runs/{run_id}",
    operation_id="deleteRun",
    summary="Remove a run",
    status_code=HTTPStatus.NO_CONTENT,
    responses=problems(404, 409),
)
async def delete_run(run_id: Id, person: CurrentPerson, services: CurrentServices) -> None:
    """Remove a run of yours with its points, for good; not while it reports."""
    await services.runs.delete(person, run_id)


@router.get(
    "/runs/{run_id}/points",
    operation_id="listPoints",
    summary="Points of a run",
    responses=problems(404),
)
async def list_points(
    run_id: Id,
    person: CurrentPerson,
    services: CurrentServices,
    after: Annotated[int, Query(ge=0, le=MOST, description="`next` of the answer before.")] = 0,
    limit: Annotated[int, Query(ge=1, le=5000, description="About how many points.")] = 1000,
) -> PointsView:
    """Return points in the order they came, which late ones don't upset; sort by `seq`."""
    return await services.runs.points(person, run_id, after=after, limit=limit)


@router.get(
    "/runs/{run_id}/curves",
    operation_id="getCurves",
    summary="Curves of a run",
    responses=problems(404),
)
async def get_curves(run_id: Id, person: CurrentPerson, services: CurrentServices) -> CurvesView:
    """Return each metric over the steps, thinned for drawing; extremes and gaps are kept."""
    return await services.runs.curves(person, run_id)
