"""Rosters: what is wrong with a line of a roster file, in the reader's language."""

from dataclasses import dataclass

from practicum_portal.pages.languages import Writer
from practicum_portal.views.cohorts import RosterProblem


@dataclass(frozen=True)
class Wording:
    """Writes roster problems in one language."""

    writer: Writer

    def message(self, problem: RosterProblem) -> str:
        """Return what is wrong."""
        return self.writer.text(problem.message)

    def hint(self, problem: RosterProblem) -> str:
        """Return what to do."""
        return self.writer.text(problem.hint)
