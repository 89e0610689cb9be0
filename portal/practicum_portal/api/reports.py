"""What sandboxes report: runs, points, ends."""

from typing import Annotated

from fastapi import APIRouter, Path

from practicum_portal.api.paths import PREFIX
from practicum_portal.api.problems import problems
from practicum_portal.dependencies import CurrentReporter, CurrentServices
from practicum_portal.services.reports import Receipt
from practicum_portal.views.inputs import FinishDraft, PointsDraft, RunDraft, RunId
from practicum_portal.views.runs import RunView

router = APIRouter(prefix=PREFIX, tags=["runs"])

Id = Annotated[RunId, Path(description="The run's id, made by the client.")]


@router.put(
    "/runs/{run_id}",
    operation_id="createRun",
    summary="Begin a run",
    responses=problems(404, 409, 413, 422),
)
async def create_run(
    run_id: Id, draft: RunDraft, reporter: CurrentReporter, services: CurrentServices
) -> RunView:
    """Begin a run with the sandbox's token. Sent again, it returns the run as it is."""
    return await services.reports.create(reporter, run_id, draft)


@router.post(
    "/runs/{run_id}/points",
    operation_id="appendPoints",
    summary="Add points to a run",
    responses=problems(404, 409, 413, 422),
)
async def append_points(
    run_id: Id, draft: PointsDraft, reporter: CurrentReporter, services: CurrentServices
) -> Receipt:
    """Add points in any order. A seq that is known is ignored, so sending twice does no harm."""
    return await services.reports.append(reporter, run_id, draft)


@router.post(
    "/runs/{run_id}/finish",
    operation_id="finishRun",
    summary="End a run",
    responses=problems(404, 409, 413, 422),
)
async def finish_run(
    run_id: Id, draft: FinishDraft, reporter: CurrentReporter, services: CurrentServices
) -> RunView:
    """Say how the run ended. Points that were late are still accepted afterwards."""
    return await services.reports.finish(reporter, run_id, draft)
