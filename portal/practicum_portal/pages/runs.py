"""Runs: the list, one run with its curves, and runs side by side."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from practicum_portal.errors import NotFoundError
from practicum_portal.pages.visits import CurrentVisit, Visit
from practicum_portal.views.labs import LabView
from practicum_portal.views.runs import RunState, RunView

router = APIRouter(prefix="/runs", include_in_schema=False)

_LIST = 20
_FEWEST = 2


@router.get("")
async def show_list(
    visit: CurrentVisit,
    cohort: str = "",
    lab: str = "",
    state: str = "",
    owner: str = "",
    cursor: str = "",
) -> Response:
    """Show runs that the person may see, the newest first."""
    page = await visit.services.runs.list_for(
        visit.person,
        cohort=cohort or None,
        lab=lab or None,
        owner=owner.strip() or None,
        state=RunState(state) if state in set(RunState) else None,
        limit=_LIST,
        cursor=cursor or None,
    )
    return visit.page(
        "runs.html",
        page=page,
        curves={run.id: run.preview for run in page.items if run.preview},
        teaches=visit.person.is_instructor,
        labs=known_labs(visit),
        filter={"cohort": cohort, "lab": lab, "state": state, "owner": owner},
    )


@router.get("/compare")
async def compare(
    visit: CurrentVisit, ids: Annotated[list[str] | None, Query()] = None
) -> Response:
    """Show runs side by side."""
    chosen = [part for word in ids or () for part in word.split(",") if part]
    if len(set(chosen)) < _FEWEST:
        return visit.page("compare.html", compare=None)
    return visit.page(
        "compare.html", compare=await visit.services.runs.compare(visit.person, chosen)
    )


@router.get("/{run_id}")
async def show(visit: CurrentVisit, run_id: str) -> Response:
    """Show a run."""
    run = await visit.services.runs.get(visit.person, run_id)
    curves = await visit.services.runs.curves(visit.person, run_id)
    return visit.page("run.html", run=run, curves=curves, has_sandbox=_has_sandbox(visit, run))


@router.get("/{run_id}/delete")
async def confirm_delete(visit: CurrentVisit, run_id: str) -> Response:
    """Ask before a run is removed."""
    run = await visit.services.runs.get(visit.person, run_id)
    return visit.page("run_delete.html", run=run)


@router.post("/{run_id}/delete")
async def delete(visit: CurrentVisit, run_id: str) -> Response:
    """Remove a run for good."""
    await visit.services.runs.delete(visit.person, run_id)
    return visit.done("run-delete", "/runs")


def known_labs(visit: Visit) -> list[LabView]:
    """Return the labs of the person's cohorts, each once."""
    offers = visit.services.labs.list_for(visit.person)
    return list({offer.lab.name: offer.lab for offer in offers}.values())


def _has_sandbox(visit: Visit, run: RunView) -> bool:
    try:
        visit.services.sandboxes.get(visit.person, run.cohort, run.sandbox)
    except NotFoundError:
        return False
    return True
