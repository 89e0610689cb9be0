"""Usage: what cohorts used, from Prometheus, and what is there to use."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from practicum_api.cohort import Cohort
from practicum_api.names import NAMESPACE_PREFIX
from practicum_portal.cluster import Cluster
from practicum_portal.errors import BadRequestError, ForbiddenError, NotFoundError
from practicum_portal.identity import Person
from practicum_portal.presentation.cohorts import title, totals
from practicum_portal.presentation.texts import ready_state
from practicum_portal.prometheus import Prometheus, PrometheusAwayError, Sample
from practicum_portal.views.usage import (
    AcceleratorView,
    CohortUsageView,
    LabUsageRow,
    UsageRow,
    UsageView,
)

PERIODS = ("24h", "7d", "30d")
_HOUR = 3600
_LABELS = "cohort, lab, class"
_COUNTERS = {
    "running": "practicum_sandbox_running_seconds_total",
    "cpu": "practicum_cpu_seconds_total",
    "accelerator": "practicum_accelerator_seconds_total",
}
_MEMORY = (
    'sum by (namespace) (container_memory_working_set_bytes{namespace=~"practicum-.+",'
    'container="sandbox"})'
)


@dataclass(slots=True)
class _Figures:
    """Answers of Prometheus; ``reason`` is why there are none."""

    reason: str = ""
    counters: dict[str, tuple[Sample, ...]] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)

    def hours(self, counter: str, **labels: str) -> float | None:
        """Return hours of a counter under these labels; None when Prometheus is away."""
        if self.reason:
            return None
        return sum(sample.value for sample in self._matching(counter, labels)) / _HOUR

    def cost(self, prices: Mapping[str, float], **labels: str) -> float | None:
        """Return accelerator hours times their price."""
        if self.reason:
            return None
        return sum(
            sample.value / _HOUR * prices.get(sample.labels.get("class", ""), 0.0)
            for sample in self._matching("accelerator", labels)
        )

    def _matching(self, counter: str, labels: Mapping[str, str]) -> list[Sample]:
        return [
            sample
            for sample in self.counters[counter]
            if all(sample.labels.get(name) == value for name, value in labels.items())
        ]


class Usage:
    """What was used, for who teaches the cohort."""

    def __init__(self, *, cluster: Cluster, prometheus: Prometheus) -> None:
        self._cluster = cluster
        self._prometheus = prometheus

    async def overview(self, person: Person, period: str = "7d") -> UsageView:
        """Return a line a cohort: all for an admin, the taught ones for an instructor."""
        if not person.is_instructor:
            raise ForbiddenError("Usage is for instructors and administrators.")
        figures = await self._figures(period)
        return UsageView(
            period=period,
            available=not figures.reason,
            reason=figures.reason,
            rows=tuple(
                self._row(room, figures)
                for key, room in sorted(self._cluster.cohorts.items.items())
                if person.teaches(key[1])
            ),
        )

    async def of_cohort(self, person: Person, name: str, period: str = "7d") -> CohortUsageView:
        """Return a cohort's usage by lab."""
        room = self._cluster.cohort(name)
        if room is None or person.role_in(name) is None:
            raise NotFoundError("There is no such cohort.")
        if not person.teaches(name):
            raise ForbiddenError("Usage is for the instructors of the cohort.")
        figures = await self._figures(period)
        seen = {
            sample.labels.get("lab", "")
            for samples in figures.counters.values()
            for sample in samples
            if sample.labels.get("cohort") == name
        }
        return CohortUsageView(
            cohort=name,
            period=period,
            available=not figures.reason,
            reason=figures.reason,
            total=self._row(room, figures),
            labs=tuple(
                LabUsageRow(
                    lab=lab,
                    running_hours=figures.hours("running", cohort=name, lab=lab),
                    cpu_hours=figures.hours("cpu", cohort=name, lab=lab),
                    accelerator_hours=figures.hours("accelerator", cohort=name, lab=lab),
                )
                for lab in sorted({*room.spec.labs, *seen} - {""})
            ),
        )

    def _row(self, room: Cohort, figures: _Figures) -> UsageRow:
        name = room.metadata.name
        counts = totals(self._cluster.sandboxes_of(cohort=name))
        prices = {
            key[1]: float(item.spec.price_per_hour)
            for key, item in self._cluster.accelerators.items.items()
        }
        return UsageRow(
            cohort=name,
            display_name=title(room),
            running=counts.running,
            queued=counts.queued,
            running_hours=figures.hours("running", cohort=name),
            cpu_hours=figures.hours("cpu", cohort=name),
            accelerator_hours=figures.hours("accelerator", cohort=name),
            cost=figures.cost(prices, cohort=name),
            memory_bytes=figures.memory.get(f"{NAMESPACE_PREFIX}{name}"),
        )

    async def _figures(self, period: str) -> _Figures:
        if period not in PERIODS:
            raise BadRequestError(
                f"{period!r} is not a period.",
                hint=f"Choose one of {', '.join(PERIODS)}.",
                code="bad-period",
            )
        queries = [
            f"sum by ({_LABELS}) (increase({counter}[{period}]))" for counter in _COUNTERS.values()
        ]
        try:
            *counters, memory = await asyncio.gather(
                *(self._prometheus.query(query) for query in (*queries, _MEMORY))
            )
        except PrometheusAwayError as error:
            return _Figures(reason=str(error))
        return _Figures(
            counters=dict(zip(_COUNTERS, counters, strict=True)),
            memory={sample.labels.get("namespace", ""): sample.value for sample in memory},
        )


class Accelerators:
    """What there is to compute on."""

    def __init__(self, *, cluster: Cluster) -> None:
        self._cluster = cluster

    def list_for(self, person: Person) -> tuple[AcceleratorView, ...]:
        """Return all classes, for instructors and administrators."""
        if not person.is_instructor:
            raise ForbiddenError("Accelerators are shown to instructors and administrators.")
        return tuple(
            AcceleratorView(
                name=key[1],
                display_name=item.spec.display_name or key[1],
                resource_name=item.spec.resource_name,
                mode=item.spec.capacity.mode,
                limit=item.spec.capacity.limit,
                total=item.status.total,
                in_use=item.status.in_use,
                queued=item.status.queued,
                price_per_hour=item.spec.price_per_hour,
                state=ready_state(item.status.conditions),
            )
            for key, item in sorted(self._cluster.accelerators.items.items())
        )
