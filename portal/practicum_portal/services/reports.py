"""Reports: what a sandbox says of its own runs. Everything can be sent twice."""

import json
from collections.abc import Sequence
from typing import Any

from practicum_portal.broker import Broker
from practicum_portal.cleaning import clean_json, clean_text, json_size
from practicum_portal.clock import Clock
from practicum_portal.cluster import Cluster, cohort_of
from practicum_portal.database import Database
from practicum_portal.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    TooLargeError,
    UnavailableError,
)
from practicum_portal.figures import Stored, fold, sketch, to_stored
from practicum_portal.identity import Reporter
from practicum_portal.models import RunRow
from practicum_portal.presentation.runs import run_view, tracked_metrics
from practicum_portal.ratelimit import RateLimit
from practicum_portal.store import runs
from practicum_portal.views.base import View
from practicum_portal.views.inputs import FinishDraft, PointDraft, PointsDraft, RunDraft
from practicum_portal.views.runs import RunState, RunView

_FIELD_BYTES = 64 * 1024
_SKETCHES = 3
_POINT_BYTES = 64
"""What a point takes besides its values: keys, time, and its place in two indexes."""


class Receipt(View):
    """What became of a request with points."""

    accepted: int
    """Points that were new."""
    repeated: int
    """Points that were known already."""
    points: int
    """Points of the run in all."""
    last_seq: int
    """The greatest seq of the run; -1 for none."""


class Reports:
    """Creates, appends to and finishes the runs of the sandbox whose token asks."""

    def __init__(
        self,
        *,
        cluster: Cluster,
        database: Database,
        broker: Broker,
        reports: RateLimit,
        clock: Clock,
        max_points: int,
        max_metrics: int,
        max_runs: int,
        max_run_bytes: int,
        max_owner_bytes: int,
    ) -> None:
        self._cluster = cluster
        self._database = database
        self._broker = broker
        self._reports = reports
        self._clock = clock
        self._max_points = max_points
        self._max_metrics = max_metrics
        self._max_runs = max_runs
        self._max_run_bytes = max_run_bytes
        self._max_owner_bytes = max_owner_bytes

    async def create(self, reporter: Reporter, run_id: str, draft: RunDraft) -> RunView:
        """Make the run; one that this sandbox made before is returned as it is."""
        self._reports.take(f"{reporter.owner}/{reporter.server}")
        place = self._place(reporter)
        values = {"id": run_id, **place, **self._described(run_id, draft)}
        async with self._database.write() as session:
            if not await runs.create(session, values):
                return self._view(await self._own(session, reporter, run_id))
            row = await self._own(session, reporter, run_id)
            await self._check_room(session, row)
        return self._view(row)

    async def append(self, reporter: Reporter, run_id: str, draft: PointsDraft) -> Receipt:
        """Add points; those whose seq is known are ignored, also after the end of the run."""
        self._reports.take(f"{reporter.owner}/{reporter.server}")
        if len(draft.points) > self._max_points:
            raise TooLargeError(
                f"At most {self._max_points} points are accepted in one request.",
                hint="Send them in several requests.",
                code="too-many-points",
                params={"most": self._max_points},
            )
        points = {point.seq: point for point in draft.points}
        async with self._database.write() as session:
            row = await self._own(session, reporter, run_id, locked=True)
            new = await self._insert(session, row, list(points.values())) if points else ()
            if new:
                self._count(row, new)
                await self._check_room(session, row)
            receipt = Receipt(
                accepted=len(new),
                repeated=len(draft.points) - len(new),
                points=row.points,
                last_seq=row.last_seq,
            )
        if new:
            self._broker.publish(run_id)
        return receipt

    async def finish(self, reporter: Reporter, run_id: str, draft: FinishDraft) -> RunView:
        """Say how the run ended. The first word counts; the summary may still be completed."""
        self._reports.take(f"{reporter.owner}/{reporter.server}")
        async with self._database.write() as session:
            row = await self._own(session, reporter, run_id, locked=True)
            if row.state == RunState.RUNNING.value:
                row.state = draft.state
                row.finished_at = self._clock()
            if draft.summary:
                summary = _bounded({**row.summary, **draft.summary}, "summary")
                row.bytes += _size(summary) - _size(row.summary)
                row.summary = summary
        self._broker.publish(run_id)
        return self._view(row)

    def _place(self, reporter: Reporter) -> dict[str, str]:
        """Return where the run belongs, from the Sandbox behind the token: never from the body."""
        if not self._cluster.synced:
            raise UnavailableError(
                "The portal has just started and does not know the sandboxes yet.",
                hint="Send it again in a few seconds.",
                retry_after=3,
            )
        sandbox = self._cluster.sandbox_for(reporter.owner, reporter.server)
        room = self._cluster.cohort(cohort_of(sandbox)) if sandbox else None
        if sandbox is None or room is None:
            raise NotFoundError(
                "The sandbox of this token does not exist any more.",
                hint="Start it from the portal and run the notebook there.",
                code="sandbox-unknown",
            )
        return {
            "cohort": room.metadata.name,
            "cohort_uid": room.metadata.uid,
            "lab": sandbox.spec.lab,
            "owner": reporter.owner,
            "sandbox": sandbox.metadata.name,
            "server": reporter.server,
        }

    def _described(self, run_id: str, draft: RunDraft) -> dict[str, Any]:
        now = self._clock()
        config = _bounded(draft.config, "config")
        environment = _bounded(draft.environment.model_dump(), "environment")
        return {
            "name": clean_text(draft.name.strip()) or run_id,
            "state": RunState.RUNNING.value,
            "config": config,
            "environment": environment,
            "bytes": _size(config) + _size(environment),
            "summary": {},
            "metrics": {},
            "sketches": {},
            "points": 0,
            "batches": 0,
            "last_seq": -1,
            "started_at": draft.started_at or now,
            "created_at": now,
        }

    async def _own(
        self, session: Any, reporter: Reporter, run_id: str, *, locked: bool = False
    ) -> RunRow:
        if locked:
            row = await runs.locked(session, run_id)
        else:
            row = (await runs.by_ids(session, [run_id])).get(run_id)
        if row is None:
            raise NotFoundError(
                "There is no such run.", hint="Create it first: PUT /runs/{id}.", code="run-unknown"
            )
        if (row.owner, row.server) != (reporter.owner, reporter.server):
            raise ConflictError(
                "A run of this id belongs to another sandbox.",
                hint="Make a new id.",
                code="run-id-taken",
            )
        return row

    async def _insert(
        self, session: Any, row: RunRow, points: Sequence[PointDraft]
    ) -> Sequence[PointDraft]:
        lab = self._cluster.lab(row.lab)
        most = lab.spec.runs.max_points if lab is not None else 100_000
        rows = [
            {
                "run_number": row.number,
                "seq": point.seq,
                "batch": row.batches + 1,
                "step": point.step,
                "time": point.time,
                "values": {name: to_stored(value) for name, value in point.values.items()},
            }
            for point in points
        ]
        new = await runs.add_points(session, rows)
        if row.points + len(new) > most:
            raise ConflictError(
                f"The lab accepts {most} points in a run, and this would be more.",
                hint="Log less often: every tenth step is enough for a curve.",
                code="run-full",
                params={"most": most},
            )
        return [point for point in points if point.seq in new]

    async def _check_room(self, session: Any, row: RunRow) -> None:
        if row.bytes > self._max_run_bytes:
            raise ConflictError(
                f"A run may take {self._max_run_bytes >> 20} MiB, and this would be more.",
                hint="Log less often and fewer metrics: every tenth step is enough for a curve.",
                code="run-full",
            )
        count, taken = await runs.held(session, owner=row.owner, cohort_uid=row.cohort_uid)
        if count > self._max_runs:
            raise ConflictError(
                f"You have {self._max_runs} runs in this cohort, which is the most.",
                hint="Remove runs that you no longer need, on their pages in the portal.",
                code="too-many-runs",
            )
        if taken > self._max_owner_bytes:
            raise ConflictError(
                f"Your runs in this cohort take {self._max_owner_bytes >> 20} MiB,"
                " which is the most.",
                hint="Remove runs that you no longer need, on their pages in the portal.",
                code="run-full",
            )

    def _count(self, row: RunRow, new: Sequence[PointDraft]) -> None:
        stored = [
            (point.seq, point.step, {name: to_stored(v) for name, v in point.values.items()})
            for point in new
        ]
        metrics = fold(row.metrics, stored)
        if len(metrics) > self._max_metrics:
            raise InvalidError(
                f"A run may have {self._max_metrics} metrics, and this would be {len(metrics)}.",
                hint="Use few names; what changes from step to step belongs into the value.",
                code="too-many-metrics",
                params={"most": self._max_metrics},
            )
        row.metrics = metrics
        row.sketches = self._sketches(row, stored)
        row.points += len(new)
        row.bytes += sum(_size(values) + _POINT_BYTES for _, _, values in stored)
        row.batches += 1
        row.last_seq = max(row.last_seq, *(point.seq for point in new))
        row.last_point_at = self._clock()

    def _sketches(
        self, row: RunRow, points: Sequence[tuple[int, int, dict[str, Stored]]]
    ) -> dict[str, Any]:
        """Return sketches of the metrics that lists may show: the lab's first, or the run's."""
        tracked = [
            name for name in tracked_metrics(self._cluster.lab(row.lab)) if name in row.metrics
        ]
        shown = tracked[:_SKETCHES] or [*row.sketches, *sorted(row.metrics)][:1]
        return {
            name: sketch(
                row.sketches.get(name),
                ((step, values[name]) for _, step, values in points if name in values),
            )
            for name in shown
        }

    def _view(self, row: RunRow) -> RunView:
        return run_view(row, lab=self._cluster.lab(row.lab), now=self._clock())


def _size(value: dict[str, Any]) -> int:
    """Return how many bytes ``value`` takes as databases are given it."""
    return len(json.dumps(value))


def _bounded(value: dict[str, Any], field: str) -> dict[str, Any]:
    cleaned: dict[str, Any] = clean_json(value)
    if json_size(cleaned) > _FIELD_BYTES:
        raise TooLargeError(
            f"The {field} is larger than {_FIELD_BYTES // 1024} KiB.",
            hint="Leave out what is not needed to repeat the run.",
            params={"field": field},
        )
    return cleaned
