"""The journal: what people ask for, written down before it is done."""

from typing import Any

from practicum_portal.clock import Clock
from practicum_portal.cluster import Cluster
from practicum_portal.database import Database
from practicum_portal.errors import ForbiddenError
from practicum_portal.identity import Person
from practicum_portal.paging import decode, encode
from practicum_portal.store import audit, people
from practicum_portal.views.audit import AuditEntry
from practicum_portal.views.base import Page


class Journal:
    """The audit log, and the one question on rosters that sandboxes have."""

    def __init__(self, database: Database, *, cluster: Cluster, clock: Clock) -> None:
        self._database = database
        self._cluster = cluster
        self._clock = clock

    async def note(
        self,
        person: Person,
        action: str,
        cohort: str,
        target: str,
        detail: dict[str, Any] | None = None,
    ) -> None:
        """Write down that ``person`` asks for ``action``."""
        deed = audit.Deed(person.name, action, target, cohort, self._uid(cohort), detail)
        async with self._database.write() as session:
            await audit.note(session, deed, now=self._clock())

    async def enrolled(self, cohort_uid: str, user: str) -> bool:
        """Whether someone is on the roster of a cohort."""
        async with self._database.read() as session:
            return await people.role(session, cohort_uid, user) is not None

    async def list_for(
        self,
        person: Person,
        *,
        cohort: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[AuditEntry]:
        """Return lines, the newest first: all for an admin, a cohort's for who teaches it.

        Who teaches a cohort reads nothing of a former one of that name, which had other people.
        """
        if not (person.admin or (cohort is not None and person.teaches(cohort))):
            raise ForbiddenError("The audit log is for administrators and instructors.")
        async with self._database.read() as session:
            rows = await audit.latest(
                session,
                cohort=cohort,
                cohort_uid=None if person.admin or cohort is None else self._uid(cohort),
                before=decode(cursor),
                limit=limit + 1,
            )
        shown = rows[:limit]
        return Page(
            items=tuple(AuditEntry.model_validate(row, from_attributes=True) for row in shown),
            next=encode(shown[-1].id) if len(rows) > limit else None,
        )

    def _uid(self, cohort: str) -> str:
        """Return the UID of the cohort that has this name now; empty without one."""
        room = self._cluster.cohort(cohort)
        return room.metadata.uid if room is not None else ""
