"""Importing a roster: all or nothing, and never silently less."""

from dataclasses import dataclass

from practicum_api.cohort import Cohort
from practicum_portal.clock import Clock
from practicum_portal.cluster import Cluster
from practicum_portal.database import Database
from practicum_portal.errors import (
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)
from practicum_portal.hub import Hub, HubAwayError, HubRefusedError
from practicum_portal.identity import Person, Role
from practicum_portal.ratelimit import RateLimit
from practicum_portal.roster.parsing import Line, Roster, parse
from practicum_portal.roster.problems import problem
from practicum_portal.store import audit, people
from practicum_portal.views.cohorts import RosterReport


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be written."""

    created: tuple[Line, ...]
    updated: tuple[Line, ...]
    unchanged: tuple[Line, ...]
    removed: tuple[str, ...]


class Rosters:
    """Puts the people of a file on a cohort's roster and makes their accounts."""

    def __init__(
        self,
        *,
        cluster: Cluster,
        database: Database,
        hub: Hub,
        imports: RateLimit,
        clock: Clock,
        max_rows: int,
    ) -> None:
        self._cluster = cluster
        self._database = database
        self._hub = hub
        self._imports = imports
        self._clock = clock
        self._max_rows = max_rows

    async def import_csv(
        self,
        person: Person,
        cohort: str,
        content: bytes,
        *,
        dry_run: bool = True,
        replace: bool = False,
        partial: bool = False,
    ) -> RosterReport:
        """Return what importing ``content`` does; nothing is written in a dry run.

        A file with mistakes is written only with ``partial``, and then without the bad lines.
        With ``replace``, people who are not in the file are taken off, unless it has mistakes.
        """
        room = self._room(person, cohort)
        self._imports.take(person.name)
        roster = parse(content, max_rows=self._max_rows)
        async with self._database.read() as session:
            present = await people.members(session, room.metadata.uid)
        known = {row.user: row for row in present}
        _check_roles(roster, person, {row.user: Role(row.role) for row in present})
        removed = _removed(roster, person, known) if replace else ()
        plan = _plan(roster, known, removed=removed)
        writable = not roster.errors or (partial and bool(roster.lines))
        made: tuple[str, ...] = ()
        if writable and not dry_run:
            made = await self._write(person, room, plan)
        return _report(roster, plan, dry_run=dry_run, applied=writable and not dry_run, made=made)

    def _room(self, person: Person, cohort: str) -> Cohort:
        room = self._cluster.cohort(cohort)
        if room is None or person.role_in(cohort) is None:
            raise NotFoundError("There is no such cohort.")
        if not person.teaches(cohort):
            raise ForbiddenError(
                "Only instructors of the cohort import its roster.", hint="Ask one of them."
            )
        return room

    async def _write(self, person: Person, room: Cohort, plan: _Plan) -> tuple[str, ...]:
        """Make accounts first: an import that fails between can be sent again as it is."""
        users = [line.user for line in (*plan.created, *plan.updated, *plan.unchanged)]
        made = await self._accounts(users)
        now = self._clock()
        lines = (*plan.created, *plan.updated)
        cohort = room.metadata.name
        detail = {
            "created": [line.user for line in plan.created],
            "updated": [line.user for line in plan.updated],
            "removed": list(plan.removed),
        }
        async with self._database.write() as session:
            await people.enrol(
                session,
                uid=room.metadata.uid,
                cohort=cohort,
                entries=[
                    people.Entry(line.user, line.role.value, line.name, line.email)
                    for line in lines
                ],
                by=person.name,
                now=now,
            )
            if plan.removed:
                await people.withdraw(session, uid=room.metadata.uid, users=plan.removed)
            deed = audit.Deed(
                person.name, "roster.import", cohort, cohort, room.metadata.uid, detail
            )
            await audit.note(session, deed, now=now)
        return made

    async def _accounts(self, users: list[str]) -> tuple[str, ...]:
        try:
            return await self._hub.create_users(users)
        except HubAwayError as error:
            raise UnavailableError(
                "JupyterHub does not answer, so that not all accounts could be made.",
                hint="The roster is as it was. Send the same file again in a minute.",
                code="hub-away",
                retry_after=10,
            ) from error
        except HubRefusedError as error:
            raise InvalidError(
                f"JupyterHub refuses a user name: {error}",
                hint="Correct the name in the file. The roster is as it was.",
                code="refused-by-hub",
            ) from error


def _check_roles(roster: Roster, person: Person, roles: dict[str, Role]) -> None:
    """Only administrators decide who teaches: note lines that would change it otherwise."""
    if person.admin:
        return
    for line in list(roster.lines):
        before = roles.get(line.user, Role.TRAINEE)
        if line.role is not before and Role.INSTRUCTOR in {line.role, before}:
            roster.lines.remove(line)
            roster.errors.append(
                problem(
                    line.row,
                    "role",
                    "not-allowed",
                    line.role.value,
                    "Only an administrator decides who is an instructor.",
                    f"Write {before.value}, or ask an administrator.",
                )
            )


def _removed(roster: Roster, person: Person, known: "dict[str, people.Member]") -> tuple[str, ...]:
    """Return who is to be taken off; nobody while the file has mistakes, which may hide people.

    It is a mistake when someone who is not an administrator would take an instructor off.
    """
    if roster.errors:
        return ()
    named = {line.user for line in roster.lines}
    missing = tuple(user for user in known if user not in named)
    taught = [user for user in missing if known[user].role == Role.INSTRUCTOR.value]
    if person.admin or not taught:
        return missing
    roster.errors += [
        problem(
            0,
            "user",
            "not-allowed",
            user,
            f"The file would take the instructor {user} off the roster.",
            "Add a line for this person, or ask an administrator.",
        )
        for user in taught
    ]
    return ()


def _plan(roster: Roster, known: "dict[str, people.Member]", *, removed: tuple[str, ...]) -> _Plan:
    created, updated, unchanged = [], [], []
    for line in roster.lines:
        row = known.get(line.user)
        if row is None:
            created.append(line)
        elif (
            row.role != line.role.value
            or (line.name and line.name != row.name)
            or (line.email and line.email != row.email)
        ):
            updated.append(line)
        else:
            unchanged.append(line)
    return _Plan(tuple(created), tuple(updated), tuple(unchanged), removed)


def _report(
    roster: Roster, plan: _Plan, *, dry_run: bool, applied: bool, made: tuple[str, ...]
) -> RosterReport:
    return RosterReport(
        dry_run=dry_run,
        applied=applied,
        encoding=roster.encoding,
        rows=roster.rows,
        created=tuple(line.user for line in plan.created),
        updated=tuple(line.user for line in plan.updated),
        unchanged=tuple(line.user for line in plan.unchanged),
        removed=plan.removed,
        skipped=len({item.row for item in roster.errors if item.row > 1}),
        new_accounts=made,
        errors=tuple(sorted(roster.errors, key=lambda item: (item.row, item.column))),
        warnings=tuple(roster.warnings),
    )
