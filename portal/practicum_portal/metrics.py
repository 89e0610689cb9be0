"""Metrics of the portal, on a port of their own. Labels are bounded."""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from typing_extensions import override

from practicum_portal.cluster import Cluster
from practicum_portal.database import Database, DatabaseAwayError
from practicum_portal.figures import finite
from practicum_portal.presentation.runs import tracked_metrics
from practicum_portal.store import runs

log = logging.getLogger(__name__)

REFRESH_SECONDS = 15
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class RunFigures:
    """Runs by cohort, lab and state, and final metrics by cohort, lab and metric."""

    states: Sequence[tuple[str, str, str, int]] = ()
    finals: Mapping[tuple[str, str, str], Sequence[float]] = field(default_factory=dict)


class _RunCollector(Collector):
    def __init__(self) -> None:
        self.figures = RunFigures()

    @override
    def collect(self) -> Iterator[Metric]:
        number = GaugeMetricFamily(
            "practicum_runs",
            "Runs that there are, by state; every replica of the portal says the same.",
            labels=("cohort", "lab", "state"),
        )
        for cohort, lab, state, count in self.figures.states:
            number.add_metric((cohort, lab, state), count)
        yield number
        final = GaugeMetricFamily(
            "practicum_run_metric",
            "Last value of a lab's metric over each trainee's newest finished run.",
            labels=("cohort", "lab", "metric", "stat"),
        )
        for place, values in self.figures.finals.items():
            for stat, figure in (("min", min), ("median", median), ("max", max)):
                final.add_metric((*place, stat), figure(values))
            final.add_metric((*place, "last"), values[-1])
        yield final


class Metrics:
    """The registry and what goes into it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Histogram(
            "practicum_portal_requests_seconds",
            "Time until a response began.",
            labelnames=("route", "method", "status"),
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=self.registry,
        )
        self._runs = _RunCollector()
        self.registry.register(self._runs)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request under the route's pattern, never under its path."""
        method = method if method in _METHODS else "other"
        self._requests.labels(route, method, str(status)).observe(seconds)

    def expose(self) -> bytes:
        """Return everything as Prometheus reads it."""
        return generate_latest(self.registry)

    async def follow(self, database: Database, cluster: Cluster) -> None:
        """Refresh the figures of runs, for ever; while the database is away the last ones stay."""
        while True:
            try:
                self._runs.figures = await run_figures(database, cluster)
            except DatabaseAwayError as error:
                log.warning("metrics of runs are not refreshed: %s %s", error, error.params)
            await asyncio.sleep(REFRESH_SECONDS)


async def run_figures(database: Database, cluster: Cluster) -> RunFigures:
    """Return figures of all runs; of metrics, those alone that the lab lists."""
    async with database.read() as session:
        states = [(row[0], row[1], row[2], row[3]) for row in await runs.states(session)]
        rows = await runs.finals(session)
    finals: dict[tuple[str, str, str], list[float]] = {}
    for cohort, lab, metrics in rows:
        for name in tracked_metrics(cluster.lab(lab)):
            value = finite(metrics[name]["last"]) if name in metrics else None
            if value is not None:
                finals.setdefault((cohort, lab, name), []).append(value)
    return RunFigures(states, finals)


async def serve(metrics: Metrics, *, host: str, port: int) -> web.AppRunner:
    """Serve `/metrics` and nothing else; the caller cleans the runner up."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=metrics.expose(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/metrics", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner


def bound_port(runner: web.AppRunner) -> int:
    """Return the port that was bound, which the system chose when it was 0."""
    addresses: list[Any] = runner.addresses
    port: int = addresses[0][1]
    return port
