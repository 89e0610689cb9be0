"""Usage and accelerators."""

from typing import Annotated

from fastapi import APIRouter, Query

from practicum_portal.api.lists import Cursor, Limit, page
from practicum_portal.api.paths import PREFIX
from practicum_portal.api.problems import problems
from practicum_portal.dependencies import CurrentPerson, CurrentServices
from practicum_portal.views.base import Page
from practicum_portal.views.usage import AcceleratorView, UsageView

router = APIRouter(prefix=PREFIX, tags=["usage"])


@router.get(
    "/accelerators",
    operation_id="listAccelerators",
    summary="Accelerators",
    responses=problems(400),
)
async def list_accelerators(
    person: CurrentPerson, services: CurrentServices, limit: Limit = 100, cursor: Cursor = None
) -> Page[AcceleratorView]:
    """Return what there is to compute on. For instructors and administrators."""
    return page(services.accelerators.list_for(person), limit=limit, cursor=cursor)


@router.get("/usage", operation_id="getUsage", summary="Usage", responses=problems(400))
async def get_usage(
    person: CurrentPerson,
    services: CurrentServices,
    period: Annotated[str, Query(description="24h, 7d or 30d.")] = "7d",
) -> UsageView:
    """Return usage by cohort. Figures are null while Prometheus is away."""
    return await services.usage.overview(person, period)
