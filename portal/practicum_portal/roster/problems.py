"""How a mistake in a roster file is told."""

from practicum_portal.views.cohorts import RosterProblem


def problem(row: int, column: str, code: str, value: str, message: str, hint: str) -> RosterProblem:
    """Return what is wrong at a line (from 1; 0 is the file) and a column, and what to do."""
    return RosterProblem(row=row, column=column, code=code, value=value, message=message, hint=hint)
