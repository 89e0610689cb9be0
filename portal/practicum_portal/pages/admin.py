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
from practicum_portal.views.inputs import CohortDraft

router = APIRouter(prefix="/admin", include_in_schema=False)

_QUANTITIES = ("cpu", "memory", "storage")
_NUMBER = re.compile(r"[0-9]{1,15}")
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
    except ValidationError as error:
        return _form_page(visit, shown, beyond(error, filled))
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
        if counted and value.strip() and not _NUMBER.fullmatch(value.strip()):
            errors[field] = N("This is not a whole number.")
    return errors


def beyond(error: ValidationError, filled: dict[str, str]) -> dict[str, str]:
    """Return which fields of a checked form go beyond a bound, as messages. Pure."""
    classes = [key.removeprefix("count.") for key in _counts(filled)]
    errors = {}
    for item in error.errors():
        match item["loc"]:
            case ("quota", "accelerators", int(place), str(part)):
                field = f"{part}.{classes[place]}"
            case ("quota", str(part)) | (str(part), *_):
                field = part
        large = item["type"] == "less_than_equal"
        errors[field] = N("This is too large.") if large else N("This is too long.")
    return errors


def draft(form: FormData) -> CohortDraft:
    """Return the cohort that a checked form describes. Empty fields mean no bound."""
    filled = {key: value.strip() for key, value in form.items() if isinstance(value, str)}

    def number(field: str) -> int | None:
        return int(filled[field]) if filled.get(field) else None

    # As a whole, so that an error says where in the cohort it is.
    return CohortDraft.model_validate(
        {
            "name": filled["name"],
            "display_name": filled.get("display_name", ""),
            "labs": [str(lab) for lab in form.getlist("labs")],
            "instructor_groups": [
                part.strip()
                for part in filled.get("instructor_groups", "").split(",")
                if part.strip()
            ],
            "quota": {
                "sandboxes": number("sandboxes"),
                **{field: filled.get(field) or None for field in _QUANTITIES},
                "accelerators": [
                    {
                        "class_name": key.removeprefix("count."),
                        "count": int(filled[key]),
                        "hours": number(key.replace("count.", "hours.", 1)),
                    }
                    for key in _counts(filled)
                ],
            },
        }
    )


def _counts(filled: dict[str, str]) -> list[str]:
    """Return the filled fields that say how many of a class there may be."""
    return [key for key, value in filled.items() if key.startswith("count.") and value.strip()]


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
