"""Home: the front page, a trainee's labs, help, and the switch of the language."""

from itertools import groupby

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from practicum_api.lab import Module
from practicum_portal.dependencies import LANGUAGE_COOKIE, get_container
from practicum_portal.identity import Language
from practicum_portal.pages import cards
from practicum_portal.pages.visits import CurrentVisit, MaybeVisit, Visit, public_page
from practicum_portal.signin import local_path
from practicum_portal.views.labs import LabOffer
from practicum_portal.views.runs import LatestRun

router = APIRouter(include_in_schema=False)

_FEW = 6
"""So many labs need no headings by module."""
_YEAR = 365 * 24 * 3600


@router.get("/")
async def home(request: Request, visit: MaybeVisit) -> Response:
    """Show a trainee's labs, or what this is to someone who is not signed in."""
    if visit is None:
        return public_page(request, "landing.html")
    offers = visit.services.labs.list_for(visit.person)
    begun, others = cards.split(offers)
    return visit.page(
        "home.html",
        begun=begun,
        groups=_groups(others),
        latest=await latest_runs(visit),
        show_cohort=several_cohorts(offers),
    )


@router.post("/labs/{cohort}/{lab}/start")
async def start(visit: CurrentVisit, cohort: str, lab: str) -> Response:
    """Make or resume the person's sandbox of a lab."""
    person = visit.person
    await visit.services.sandboxes.start(person, cohort, lab, language=person.language)
    return visit.done("start", await visit.field("next", "/"))


@router.get("/help")
async def show_help(request: Request, visit: MaybeVisit) -> Response:
    """Show short answers and what every reason means."""
    return visit.page("help.html") if visit else public_page(request, "help.html")


@router.get("/language/{language}")
async def choose(request: Request, language: Language, next: str = "/") -> Response:  # noqa: A002
    """Remember the language and go back to where the person was."""
    response = RedirectResponse(local_path(next), 303)
    response.set_cookie(
        LANGUAGE_COOKIE,
        language,
        max_age=_YEAR,
        path="/",
        httponly=True,
        samesite="lax",
        secure=get_container(request).settings.secure,
    )
    return response


async def latest_runs(visit: Visit) -> dict[str, LatestRun]:
    """Return the newest run of each of the person's sandboxes."""
    found = await visit.services.runs.latest_for(visit.person)
    return {f"{run.cohort}/{run.sandbox}": run for run in found}


def several_cohorts(offers: tuple[LabOffer, ...]) -> bool:
    """Whether cards must name their cohort."""
    return len({offer.cohort for offer in offers}) > 1


def _groups(offers: list[LabOffer]) -> list[tuple[Module | None, list[LabOffer]]]:
    """Return labs by module; all in one group when they are few."""
    order = list(Module)
    ranked = sorted(offers, key=lambda offer: order.index(offer.lab.module))
    if 0 < len(ranked) <= _FEW:
        return [(None, ranked)]
    return [(module, list(group)) for module, group in groupby(ranked, lambda o: o.lab.module)]
