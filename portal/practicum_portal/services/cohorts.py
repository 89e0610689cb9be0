"""Cohorts: rooms, people, the live table."""

from typing import Any

from pydantic.alias_generators import to_camel

from practicum_api.cohort import Cohort, CohortSpec
from practicum_portal.clock import Clock
from practicum_portal.cluster import Cluster
from practicum_portal.database import Database
from practicum_portal.errors import ConflictError, ForbiddenError, NotFoundError
from practicum_portal.figures import finite
from practicum_portal.identity import Person, Role
from practicum_portal.kubernetes import manifest
from practicum_portal.presentation.cohorts import cohort_view
from practicum_portal.presentation.runs import in_order, tracked_metrics
from practicum_portal.presentation.sandboxes import sandbox_view
from practicum_portal.services.journal import Journal
from practicum_portal.store import people, runs
from practicum_portal.views.cohorts import CohortView, MemberView, RunNote, TableRow
from practicum_portal.views.inputs import CohortChange, CohortDraft
from practicum_portal.views.sandboxes import SandboxView
from practicum_portal.writing import Writer


class Cohorts:
    """What people see of cohorts, and what administrators change in them."""

    def __init__(
        self,
        *,
        cluster: Cluster,
        writer: Writer,
        database: Database,
        journal: Journal,
        clock: Clock,
    ) -> None:
        self._cluster = cluster
        self._writer = writer
        self._database = database
        self._journal = journal
        self._clock = clock

    async def list_for(self, person: Person) -> tuple[CohortView, ...]:
        """Return the cohorts that the person is in; all of them for an admin."""
        seen = {
            key[1]: (room, role)
            for key, room in sorted(self._cluster.cohorts.items.items())
            if (role := person.role_in(key[1])) is not None
        }
        async with self._database.read() as session:
            counts = await people.counts(session, [room.metadata.uid for room, _ in seen.values()])
        return tuple(self._view(room, role, counts) for room, role in seen.values())

    async def get(self, person: Person, name: str) -> CohortView:
        """Return a cohort that the person is in."""
        room, role = self._find(person, name)
        async with self._database.read() as session:
            counts = await people.counts(session, [room.metadata.uid])
        return self._view(room, role, counts)

    async def create(self, person: Person, draft: CohortDraft) -> CohortView:
        """Make a cohort. The operator makes its room within seconds."""
        _admin(person)
        spec = _spec(draft)
        await self._journal.note(person, "cohort.create", draft.name, draft.name)
        made = await self._writer.create_cohort(manifest("cohorts", draft.name, spec))
        if made is None:
            raise ConflictError(
                f"There is a cohort {draft.name} already.",
                hint="Choose another name, or change the one that is there.",
                code="exists",
                params={"cohort": draft.name},
            )
        return self._view(made, Role.ADMIN, {})

    async def change(self, person: Person, name: str, change: CohortChange) -> CohortView:
        """Change what is given in ``change``; the rest stays."""
        _admin(person)
        self._find(person, name)
        given = {to_camel(field) for field in change.model_fields_set}
        spec = {field: value for field, value in _spec(change).items() if field in given}
        await self._journal.note(person, "cohort.change", name, name, spec)
        changed = await self._writer.change_cohort(name, _replacing(spec))
        async with self._database.read() as session:
            counts = await people.counts(session, [changed.metadata.uid])
        return self._view(changed, Role.ADMIN, counts)

    async def delete(self, person: Person, name: str) -> None:
        """Ask for the removal of a cohort; it is held back while work is in it."""
        _admin(person)
        room, _ = self._find(person, name)
        await self._journal.note(person, "cohort.delete", name, name)
        await self._writer.delete_cohort(room)

    async def members(self, person: Person, name: str) -> tuple[MemberView, ...]:
        """Return the roster, for who teaches the cohort."""
        room = self._taught(person, name)
        async with self._database.read() as session:
            rows = await people.members(session, room.metadata.uid)
        return tuple(
            MemberView(
                user=row.user,
                name=row.name,
                email=row.email,
                role=Role(row.role),
                added_at=row.added_at,
            )
            for row in rows
        )

    async def table(self, person: Person, name: str) -> tuple[TableRow, ...]:
        """Return a line a person and sandbox, for who teaches the cohort."""
        room = self._taught(person, name)
        async with self._database.read() as session:
            roster = await people.members(session, room.metadata.uid)
            latest = await runs.latest_in(session, room.metadata.uid)
        notes = {(row.owner, row.lab): self._note(row) for row in latest}
        names = {row.user: (row.name, Role(row.role)) for row in roster}
        sandboxes = self._sandboxes_by_owner(person, name)
        return tuple(
            TableRow(
                user=user,
                name=names[user][0] if user in names else "",
                role=names[user][1] if user in names else Role.TRAINEE,
                on_roster=user in names,
                sandbox=view,
                run=notes.get((user, view.lab)) if view else None,
            )
            for user in sorted({*names, *sandboxes})
            for view in sandboxes.get(user) or [None]
        )

    def _sandboxes_by_owner(
        self, person: Person, cohort: str
    ) -> "dict[str, list[SandboxView | None]]":
        views: dict[str, list[SandboxView | None]] = {}
        now = self._clock()
        for sandbox in self._cluster.sandboxes_of(cohort=cohort):
            view = sandbox_view(sandbox, cluster=self._cluster, person=person, now=now)
            views.setdefault(sandbox.spec.owner, []).append(view)
        return views

    def _note(self, row: runs.Note) -> RunNote:
        names = in_order(row.metrics, tracked_metrics(self._cluster.lab(row.lab)))
        metric = names[0] if names else ""
        value = finite(row.metrics[metric]["last"]) if metric else None
        return RunNote(id=row.id, name=row.name, state=row.state, metric=metric, value=value)

    def _view(self, room: Cohort, role: Role, counts: dict[str, int]) -> CohortView:
        return cohort_view(
            room,
            sandboxes=self._cluster.sandboxes_of(cohort=room.metadata.name),
            members=counts.get(room.metadata.uid, 0),
            role=role,
            now=self._clock(),
        )

    def _find(self, person: Person, name: str) -> tuple[Cohort, Role]:
        room, role = self._cluster.cohort(name), person.role_in(name)
        if room is None or role is None:
            raise NotFoundError(
                "There is no such cohort.", hint="It may have been removed; look at the list."
            )
        return room, role

    def _taught(self, person: Person, name: str) -> Cohort:
        room, _ = self._find(person, name)
        if not person.teaches(name):
            raise ForbiddenError(
                "This is for the instructors of the cohort.", hint="Ask one of them."
            )
        return room


def _admin(person: Person) -> None:
    if not person.admin:
        raise ForbiddenError("Only administrators change cohorts.", hint="Ask one of them.")


def _spec(change: CohortChange) -> dict[str, Any]:
    fields = change.model_dump(exclude={"name"})
    return CohortSpec.model_validate(fields).wire()


def _replacing(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a merge patch that replaces the quota as a whole: what it leaves out has no bound."""
    if "quota" in spec:
        unbounded = dict.fromkeys(("sandboxes", "cpu", "memory", "storage", "accelerators"))
        spec = {**spec, "quota": {**unbounded, **spec["quota"]}}
    return spec
