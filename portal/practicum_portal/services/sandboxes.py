"""Sandboxes: who may see and change which, and what each verb writes."""

import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from practicum_api.base import format_time
from practicum_api.names import NAMESPACE_PREFIX, cohort_namespace, sandbox_name
from practicum_api.sandbox import DesiredState, Phase, Sandbox
from practicum_portal.clock import Clock
from practicum_portal.cluster import Change, Cluster, cohort_of
from practicum_portal.errors import ConflictError, ForbiddenError, NotFoundError
from practicum_portal.identity import Language, Person
from practicum_portal.kubernetes import manifest
from practicum_portal.presentation.sandboxes import (
    latest_deadline,
    lifetime_of,
    phase_of,
    sandbox_view,
)
from practicum_portal.ratelimit import RateLimit
from practicum_portal.services import admission
from practicum_portal.services.journal import Journal
from practicum_portal.views.sandboxes import SandboxView
from practicum_portal.writing import Writer

Decide = Callable[[Sandbox], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class SandboxChange:
    """A sandbox that is new or different; None means it is gone."""

    key: str
    sandbox: SandboxView | None


def _token() -> str:
    return secrets.token_hex(8)


class Sandboxes:
    """What people do with sandboxes. Reads come from the cache and never wait."""

    def __init__(
        self,
        *,
        cluster: Cluster,
        writer: Writer,
        journal: Journal,
        starts: RateLimit,
        clock: Clock,
        token: Callable[[], str] = _token,
    ) -> None:
        self._cluster = cluster
        self._writer = writer
        self._journal = journal
        self._starts = starts
        self._clock = clock
        self._token = token

    def list_for(
        self, person: Person, *, cohort: str | None = None, owner: str | None = None
    ) -> tuple[SandboxView, ...]:
        """Return the person's own sandboxes; with ``cohort`` everyone's, for who teaches it."""
        if cohort is not None and person.teaches(cohort):
            found = self._cluster.sandboxes_of(cohort=cohort, owner=owner)
        elif owner not in {None, person.name}:
            found = ()
        else:
            found = self._cluster.sandboxes_of(owner=person.name, cohort=cohort)
        return tuple(self._view(person, sandbox) for sandbox in found)

    def get(self, person: Person, cohort: str, name: str) -> SandboxView:
        """Return a sandbox that the person may see."""
        return self._view(person, self._find(person, cohort, name))

    async def start(
        self,
        person: Person,
        cohort: str,
        lab: str,
        *,
        owner: str | None = None,
        language: Language | None = None,
    ) -> SandboxView:
        """Make the sandbox, resume it, or try again: whatever makes it run. Idempotent.

        A start opens the notebook in ``language``; None leaves it as it was.
        """
        owner = owner or person.name
        room = admission.room(self._cluster, person, cohort, owner)
        admission.offered(self._cluster, room, lab)
        if owner != person.name and not await self._journal.enrolled(room.metadata.uid, owner):
            raise NotFoundError(
                f"{owner} is not on the roster of this cohort.",
                hint="Put the person on the roster first.",
                code="not-on-roster",
                params={"user": owner},
            )
        self._starts.take(person.name)
        sandbox = self._cluster.sandbox_for(owner, lab, cohort=cohort)
        if sandbox is None:
            admission.nowhere_else(self._cluster, owner, lab)
        name = sandbox.metadata.name if sandbox else sandbox_name(owner, lab)
        await self._journal.note(person, "sandbox.start", cohort, name, {"owner": owner})
        if sandbox is None:
            namespace = cohort_namespace(cohort)
            wanted = DesiredState.RUNNING.value
            spec = {"owner": owner, "lab": lab, "desiredState": wanted, **_reads(language)}
            sandbox = await self._writer.create_sandbox(
                manifest("sandboxes", name, spec), namespace=namespace
            ) or await self._writer.fetch_sandbox(name, namespace=namespace)
        admission.same(sandbox, owner, lab)
        running = partial(self._running, language=language)
        return self._view(person, await self._writer.change_sandbox(sandbox, running))

    async def resume(
        self, person: Person, cohort: str, name: str, *, language: Language | None = None
    ) -> SandboxView:
        """Make a sandbox run that is there: resume it, or try again when it gave up."""
        running = partial(self._running, language=language)
        return await self._change(person, cohort, name, "sandbox.start", running)

    async def suspend(self, person: Person, cohort: str, name: str) -> SandboxView:
        """Stop it and keep its files."""

        def decide(sandbox: Sandbox) -> dict[str, Any]:
            if sandbox.spec.desired_state is DesiredState.SUSPENDED:
                return {}
            return {"desiredState": DesiredState.SUSPENDED.value}

        return await self._change(person, cohort, name, "sandbox.suspend", decide)

    async def restart(self, person: Person, cohort: str, name: str) -> SandboxView:
        """Ask for a new attempt, also of one that runs."""

        def decide(_: Sandbox) -> dict[str, Any]:
            return {
                "restart": self._token(),
                "desiredState": DesiredState.RUNNING.value,
                "deadline": None,
            }

        return await self._change(person, cohort, name, "sandbox.restart", decide)

    async def reset(self, person: Person, cohort: str, name: str) -> SandboxView:
        """Ask for fresh lab files; what the trainee has is moved aside, never lost."""
        return await self._change(
            person, cohort, name, "sandbox.reset", lambda _: {"reset": self._token()}
        )

    async def extend(
        self, person: Person, cohort: str, name: str, *, minutes: int = 60
    ) -> SandboxView:
        """Move the deadline, at most as far as the lab allows."""

        def decide(sandbox: Sandbox) -> dict[str, Any]:
            latest = latest_deadline(sandbox, lifetime_of(sandbox, self._cluster))
            said = sandbox.status.deadline
            if latest is None or said is None:
                raise ConflictError(
                    "Only a sandbox that runs can be extended.",
                    hint="Start it; its time then begins anew.",
                    code="not-running",
                )
            # What was asked for just now counts, also before the operator has seen it.
            deadline = max(said, sandbox.spec.deadline or said)
            wanted = min(deadline + timedelta(minutes=minutes), latest)
            if wanted <= deadline:
                raise ConflictError(
                    "The lab allows no more time in one go.",
                    hint="Save your work. After it is suspended you can start it again.",
                    code="no-more-time",
                )
            return {"deadline": format_time(wanted)}

        return await self._change(
            person, cohort, name, "sandbox.extend", decide, detail={"minutes": minutes}
        )

    async def delete(
        self, person: Person, cohort: str, name: str, *, workspace: bool = False
    ) -> None:
        """Delete it; the files only with ``workspace``."""
        sandbox = self._changeable(person, cohort, name)
        await self._journal.note(person, "sandbox.delete", cohort, name, {"workspace": workspace})
        if workspace:
            sandbox = await self._writer.change_sandbox(sandbox, _give_up_workspace)
        await self._writer.delete_sandbox(sandbox)

    async def watch(
        self, person: Person, *, cohort: str | None = None, name: str | None = None
    ) -> AsyncIterator[SandboxChange]:
        """Yield all sandboxes that `list_for` has, or the one of ``name``, then every change."""
        with self._cluster.subscribe() as subscription:
            views = self.list_for(person, cohort=cohort)
            shown = {view.key for view in views if name in {None, view.name}}
            for view in views:
                if view.key in shown:
                    yield SandboxChange(view.key, view)
            while True:
                for change in await subscription.wait():
                    seen = self._seen(person, change, cohort=cohort, name=name)
                    if seen is not None and (seen.sandbox is not None or seen.key in shown):
                        shown = shown | {seen.key} if seen.sandbox else shown - {seen.key}
                        yield seen

    def watch_one(self, person: Person, cohort: str, name: str) -> AsyncIterator[SandboxChange]:
        """Yield a sandbox, then every change of it, until it is gone."""
        self._find(person, cohort, name)
        return self.watch(person, cohort=cohort, name=name)

    def _seen(
        self, person: Person, change: Change, *, cohort: str | None, name: str | None
    ) -> SandboxChange | None:
        if change.plural != "sandboxes" or name not in {None, change.key[1]}:
            return None
        place = change.key[0].removeprefix(NAMESPACE_PREFIX)
        if cohort not in {None, place}:
            return None
        key = f"{place}/{change.key[1]}"
        sandbox = self._cluster.sandboxes.items.get(change.key)
        if sandbox is None:
            return SandboxChange(key, None)
        everyone = cohort is not None and person.teaches(cohort)
        if not everyone and sandbox.spec.owner != person.name:
            return None
        return SandboxChange(key, self._view(person, sandbox))

    async def _change(
        self,
        person: Person,
        cohort: str,
        name: str,
        action: str,
        decide: Decide,
        *,
        detail: dict[str, Any] | None = None,
    ) -> SandboxView:
        sandbox = self._changeable(person, cohort, name)
        self._starts.take(person.name)
        await self._journal.note(person, action, cohort, name, detail)
        return self._view(person, await self._writer.change_sandbox(sandbox, decide))

    def _running(self, sandbox: Sandbox, *, language: Language | None) -> dict[str, Any]:
        """Return what makes a sandbox run: nothing when it is wanted already and goes well."""
        if sandbox.metadata.deletion_timestamp is not None:
            raise ConflictError(
                "The sandbox is being deleted.",
                hint="Wait until it is gone, then start a new one.",
                code="terminating",
            )
        stalled = phase_of(sandbox) is Phase.STALLED
        if sandbox.spec.desired_state is DesiredState.RUNNING and not stalled:
            return {}
        spec: dict[str, Any] = {"desiredState": DesiredState.RUNNING.value, **_reads(language)}
        if stalled:
            spec["restart"] = self._token()
        if sandbox.spec.deadline is not None:
            spec["deadline"] = None  # it belonged to the attempt that is over
        return spec

    def _view(self, person: Person, sandbox: Sandbox) -> SandboxView:
        return sandbox_view(sandbox, cluster=self._cluster, person=person, now=self._clock())

    def _find(self, person: Person, cohort: str, name: str) -> Sandbox:
        sandbox = self._cluster.sandbox(cohort, name)
        if sandbox is None or not (
            sandbox.spec.owner == person.name or person.teaches(cohort_of(sandbox))
        ):
            raise NotFoundError(
                "There is no such sandbox.", hint="It may have been deleted; look at the list."
            )
        return sandbox

    def _changeable(self, person: Person, cohort: str, name: str) -> Sandbox:
        sandbox = self._find(person, cohort, name)
        if person.role_in(cohort) is None:
            raise ForbiddenError(
                "You are no longer on the roster of this cohort.",
                hint="Ask your instructor; your files are kept.",
                code="not-a-member",
            )
        return sandbox


def _reads(language: Language | None) -> dict[str, str]:
    return {"language": language} if language else {}


def _give_up_workspace(sandbox: Sandbox) -> dict[str, Any]:
    if sandbox.spec.workspace.deletion_policy == "Delete":
        return {}
    return {"workspace": {"deletionPolicy": "Delete"}}
