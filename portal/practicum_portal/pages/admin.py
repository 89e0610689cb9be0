"""Administration: accelerators, cohorts with their quotas, usage and cost."""

import re
from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.responses import Response

from practicum_api.base import parse_quantity
from practicum_portal.errors import ConflictError, ForbiddenError, InvalidError
from practicum_portal.pages.languages import Writer
from practicum_portal.pages.runs import known_labs
from practicum_portal.pages.server_texts import server_text
from practicum_portal.pages.visits import CurrentVisit, Visit
from practicum_portal.pages.wording import PERIODS, N
from practicum_portal.views.inputs import AcceleratorQuotaDraft, CohortDraft, QuotaDraft

router = APIRouter(prefix="/admin", include_in_schema=False)

_QUANTITIES = ("cpu", "memory", "storage")
_NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")


@router.get("")
async def accelerators(visit: CurrentVisit) -> Response:
    """Show accelerator classes."""
    _admins_only(visit)
    found = visit.services.accelerators.list_for(visit.person)
    return visit.page("admin_accelerators.html", tab="accelerators", accelerators=found)


@router.get("/cohorts")
async def cohorts(visit: CurrentVisit) -> Response:
    """Show all cohorts with their quotas."""
    _admins_only(visit)
    found = await visit.services.cohorts.list_for(visit.person)
    return visit.page("admin_cohorts.html", tab="cohorts", cohorts=found)


@router.get("/usage")
async def usage(visit: CurrentVisit, period: str = "7d") -> Response:
    """Show usage and cost by cohort."""
    _admins_only(visit)
    asked = period if period in PERIODS else "7d"
    figures = await visit.services.usage.overview(visit.person, asked)
    hours = sum(row.running_hours or 0.0 for row in figures.rows)
    return visit.page("admin_usage.html", tab="usage", usage=figures, total_hours=hours)


@router.get("/cohorts/new")
async def new_cohort(visit: CurrentVisit) -> Response:
    """Show the form that makes a cohort."""
    _admins_only(visit)
    return _form_page(visit, {}, {})


@router.post("/cohorts/new")
async def make_cohort(visit: CurrentVisit) -> Response:
    """Make a cohort, or say by field what is wrong."""
    _admins_only(visit)
    form = await visit.request.form()
    filled = {key: value for key, value in form.items() if isinstance(value, str)}
    shown: dict[str, Any] = {**filled, "labs": form.getlist("labs")}
    errors = check(filled)
    if errors:
        return _form_page(visit, shown, errors)
    try:
        await visit.services.cohorts.create(visit.person, draft(form))
    except ConflictError as error:
        return _form_page(visit, shown, {"name": error.detail})
    except InvalidError as error:
        return _form_page(visit, shown, {"": error.detail})
    return visit.done("cohort", f"/cohorts/{filled['name'].strip()}/roster")


def check(filled: dict[str, str]) -> dict[str, str]:
    """Return what is wrong with the fields, by name, as messages. Pure."""
    errors = {}
    if not _NAME.fullmatch(filled.get("name", "").strip()):
        errors["name"] = N("Use lower-case letters, digits and dashes; begin with a letter.")
    for field in _QUANTITIES:
        if filled.get(field, "").strip() and not _is_quantity(filled[field].strip()):
            errors[field] = N("This is not an amount such as 64 or 256Gi.")
    for field, value in filled.items():
        counted = field == "sandboxes" or field.startswith(("count.", "hours."))
        if counted and value.strip() and not value.strip().isdecimal():
            errors[field] = N("This is not a whole number.")
    try:
        if not errors:
            CohortDraft(name=filled["name"].strip(), display_name=filled.get("display_name", ""))
    except ValidationError as error:
        errors[str(error.errors()[0]["loc"][0])] = N("This is too long.")
    return errors


def draft(form: FormData) -> CohortDraft:
    """Return the cohort that a checked form describes. Empty fields mean no bound."""
    filled = {key: value.strip() for key, value in form.items() if isinstance(value, str)}

    def number(field: str) -> int | None:
        return int(filled[field]) if filled.get(field) else None

    classes = [key.removeprefix("count.") for key in filled if key.startswith("count.")]
    return CohortDraft(
        name=filled["name"],
        display_name=filled.get("display_name", ""),
        labs=tuple(str(lab) for lab in form.getlist("labs")),
        instructor_groups=tuple(
            part.strip() for part in filled.get("instructor_groups", "").split(",") if part.strip()
        ),
        quota=QuotaDraft(
            sandboxes=number("sandboxes"),
            cpu=filled.get("cpu") or None,
            memory=filled.get("memory") or None,
            storage=filled.get("storage") or None,
            accelerators=tuple(
                AcceleratorQuotaDraft(class_name=name, count=count, hours=number(f"hours.{name}"))
                for name in classes
                if (count := number(f"count.{name}")) is not None
            ),
        ),
    )


def _is_quantity(text: str) -> bool:
    try:
        parse_quantity(text)
    except ValueError:
        return False
    return True


def _form_page(visit: Visit, form: dict[str, Any], errors: dict[str, str]) -> Response:
    writer = Writer(visit.frame().language)
    written = {
        field: server_text(writer.text(message), writer.language)
        for field, message in errors.items()
    }
    return visit.page(
        "admin_cohort_new.html",
        labs=known_labs(visit),
        accelerators=visit.services.accelerators.list_for(visit.person),
        form=form,
        errors=written,
    )


def _admins_only(visit: Visit) -> None:
    if not visit.person.admin:
        raise ForbiddenError(
            N("This is for administrators."), hint=N("Your cohorts are under Cohorts.")
        )
