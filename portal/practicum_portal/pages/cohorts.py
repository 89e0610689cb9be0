"""Cohorts: the live table, the roster and its import, and what was used."""

from fastapi import APIRouter
from starlette.datastructures import UploadFile
from starlette.responses import Response

from practicum_portal.errors import ForbiddenError
from practicum_portal.pages import tables
from practicum_portal.pages.runs import known_labs
from practicum_portal.pages.tables import Filter
from practicum_portal.pages.visits import CurrentVisit, Visit
from practicum_portal.pages.wording import PERIODS, N
from practicum_portal.views.cohorts import CohortView

router = APIRouter(prefix="/cohorts", include_in_schema=False)


@router.get("")
async def show_list(visit: CurrentVisit) -> Response:
    """Show the cohorts that the person teaches."""
    found = await visit.services.cohorts.list_for(visit.person)
    taught = [cohort for cohort in found if visit.person.teaches(cohort.name)]
    return visit.page("cohorts.html", cohorts=taught)


@router.get("/{name}")
async def show(
    visit: CurrentVisit, name: str, who: str = "", lab: str = "", state: str = "", sort: str = ""
) -> Response:
    """Show the live table: who does what, trouble first."""
    cohort = await taught(visit, name)
    wanted = Filter.of(who, lab, state, sort)
    rows = await visit.services.cohorts.table(visit.person, name)
    return visit.page(
        "cohort.html",
        tab="live",
        cohort=cohort,
        rows=tables.arrange(rows, wanted),
        counts=tables.count(rows),
        filter=wanted,
        filtered=wanted.narrows,
        labs=[item for item in known_labs(visit) if item.name in cohort.labs],
    )


@router.get("/{name}/members")
async def members(visit: CurrentVisit, name: str) -> Response:
    """Show the roster."""
    cohort = await taught(visit, name)
    found = await visit.services.cohorts.members(visit.person, name)
    return visit.page("cohort_members.html", tab="members", cohort=cohort, members=found)


@router.get("/{name}/roster")
async def roster(visit: CurrentVisit, name: str) -> Response:
    """Show the form that takes a roster file."""
    cohort = await taught(visit, name)
    return _roster_page(visit, cohort)


@router.post("/{name}/roster")
async def import_roster(visit: CurrentVisit, name: str) -> Response:
    """Show what a roster file would do; do it when that was seen and confirmed."""
    cohort = await taught(visit, name)
    content = await _content(visit)
    replace = await visit.field("replace") == "yes"
    confirmed = await visit.field("confirmed") == "yes"
    report = await visit.services.roster.import_csv(
        visit.person,
        name,
        content,
        dry_run=not confirmed,
        replace=replace,
        partial=await visit.field("partial") == "yes",
    )
    if report.applied:
        return visit.done("roster", f"/cohorts/{name}/members")
    text = _decoded(content, report.encoding)
    return _roster_page(visit, cohort, report=report, text=text, replace=replace)


@router.get("/{name}/usage")
async def usage(visit: CurrentVisit, name: str, period: str = "7d") -> Response:
    """Show what the cohort used, by lab."""
    cohort = await taught(visit, name)
    asked = period if period in PERIODS else "7d"
    figures = await visit.services.usage.of_cohort(visit.person, name, asked)
    language = visit.frame().lang
    titles = {item.name: item.title.in_language(language) for item in known_labs(visit)}
    return visit.page("cohort_usage.html", tab="usage", cohort=cohort, usage=figures, titles=titles)


async def taught(visit: Visit, name: str) -> CohortView:
    """Return a cohort that the person teaches."""
    cohort = await visit.services.cohorts.get(visit.person, name)
    if not visit.person.teaches(name):
        raise ForbiddenError(
            N("This is for the instructors of the cohort."),
            hint=N("Your labs are on the start page."),
        )
    return cohort


def _roster_page(
    visit: Visit,
    cohort: CohortView,
    *,
    report: object = None,
    text: str = "",
    replace: bool = False,
) -> Response:
    return visit.page(
        "cohort_roster.html", tab="roster", cohort=cohort, report=report, text=text, replace=replace
    )


async def _content(visit: Visit) -> bytes:
    """Return the file that was sent, or else the pasted lines."""
    form = await visit.request.form()
    file = form.get("file")
    if isinstance(file, UploadFile):
        content = await file.read()
        await file.close()
        if content:
            return content
    return (await visit.field("text")).encode()


def _decoded(content: bytes, encoding: str) -> str:
    """Return the file as text, to be sent once more on confirmation."""
    try:
        return content.decode(encoding)
    except (LookupError, UnicodeDecodeError):
        return content.decode("utf-8", "replace")
