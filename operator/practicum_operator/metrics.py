"""Prometheus metrics. Labels are bounded: cohorts, labs, classes, phases, reasons; never people."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from itertools import pairwise

from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client import Counter as PrometheusCounter
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from practicum_api.base import parse_quantity
from practicum_api.sandbox import Sandbox, Stage
from practicum_operator.cache import Cache
from practicum_operator.desk import Desk

_READY_BUCKETS = (1, 2, 3, 5, 7.5, 10, 15, 20, 30, 45, 60, 90, 120, 300, 600, 1800)
_RECONCILE_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 20)


class Metrics:
    """All metrics of the operator, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.ready_seconds = Histogram(
            "practicum_sandbox_ready_seconds",
            "Seconds from asking for a sandbox to its address answering.",
            buckets=_READY_BUCKETS,
            registry=self.registry,
        )
        self.stage_seconds = Histogram(
            "practicum_sandbox_stage_seconds",
            "Seconds that each stage of a start took.",
            ["stage"],
            buckets=_READY_BUCKETS,
            registry=self.registry,
        )
        self.failures = PrometheusCounter(
            "practicum_sandbox_failures",
            "Attempts that were lost, by reason.",
            ["reason"],
            registry=self.registry,
        )
        self.reconcile_seconds = Histogram(
            "practicum_reconcile_seconds",
            "Seconds that one look at an object took.",
            ["kind", "result"],
            buckets=_RECONCILE_BUCKETS,
            registry=self.registry,
        )
        self.api_requests = PrometheusCounter(
            "practicum_api_requests",
            "Requests to the Kubernetes API server.",
            ["verb", "resource", "code"],
            registry=self.registry,
        )
        # Looking a child up by its labels costs as much as a whole plan.
        self._requests_of = lru_cache(maxsize=None)(self.api_requests.labels)
        self._reconciles_of = lru_cache(maxsize=None)(self.reconcile_seconds.labels)
        self.queue_length = Gauge(
            "practicum_workqueue_depth", "Objects that wait for a look.", registry=self.registry
        )
        self.accelerator_seconds = PrometheusCounter(
            "practicum_accelerator_seconds",
            "Accelerators held times seconds.",
            ["cohort", "lab", "class"],
            registry=self.registry,
        )
        self.cpu_seconds = PrometheusCounter(
            "practicum_cpu_seconds",
            "CPUs reserved times seconds.",
            ["cohort", "lab"],
            registry=self.registry,
        )
        self.running_seconds = PrometheusCounter(
            "practicum_sandbox_running_seconds",
            "Seconds that sandboxes ran.",
            ["cohort", "lab"],
            registry=self.registry,
        )

    def count_reconcile(self, kind: str, result: str, seconds: float) -> None:
        """Count one look at an object."""
        self._reconciles_of(kind, result).observe(seconds)

    def count_request(self, verb: str, resource: str, code: str) -> None:
        """Count one request to the API server."""
        self._requests_of(verb, resource, code).inc()

    def observe_ready(self, sandbox: Sandbox, now: datetime) -> None:
        """Note how long a sandbox that has just become ready took, in all and by stage."""
        stages = sandbox.status.stages
        if not stages:
            return
        self.ready_seconds.observe(max(0.0, (now - stages[0].began).total_seconds()))
        for stage, following in pairwise(stages):
            if stage.stage is not Stage.READY:
                seconds = (following.began - stage.began).total_seconds()
                self.stage_seconds.labels(stage.stage.value.lower()).observe(max(0.0, seconds))


class UseMeter:
    """Counts what sandboxes use, second by second, into counters that only grow."""

    def __init__(self, metrics: Metrics, cache: Cache, *, started: datetime) -> None:
        self._metrics = metrics
        self._cache = cache
        self._counted_until: dict[str, datetime] = {}
        self._started = started

    def count_all(self, now: datetime) -> None:
        """Count what running sandboxes used since they were last counted."""
        seen = set()
        for sandbox in self._cache.sandboxes:
            if sandbox.status.usage.since is not None:
                seen.add(sandbox.metadata.uid)
                self.count(sandbox, now)
        for uid in self._counted_until.keys() - seen:
            del self._counted_until[uid]

    def count(self, sandbox: Sandbox, now: datetime) -> None:
        """Count what one sandbox used since it was last counted, or since this process began."""
        uid, status = sandbox.metadata.uid, sandbox.status
        since, blueprint = status.usage.since, status.blueprint
        if since is None or blueprint is None:
            return
        begin = max(since, self._counted_until.get(uid, self._started))
        seconds = max(0.0, (now - begin).total_seconds())
        self._counted_until[uid] = now
        cohort, lab = _cohort(self._cache, sandbox), sandbox.spec.lab
        metrics = self._metrics
        metrics.running_seconds.labels(cohort, lab).inc(seconds)
        metrics.cpu_seconds.labels(cohort, lab).inc(
            seconds * parse_quantity(blueprint.resources.cpu)
        )
        held = blueprint.accelerator
        if held is not None:
            metrics.accelerator_seconds.labels(cohort, lab, held.class_name).inc(
                seconds * held.count
            )


class StateCollector(Collector):
    """Reads what is so right now out of the cache, at each scrape."""

    def __init__(self, cache: Cache, desk: Desk) -> None:
        self._cache = cache
        self._desk = desk

    def describe(self) -> Iterable[Metric]:
        """Return no names: they are known only when collected."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Return the gauges of the moment."""
        yield self._sandboxes()
        yield self._info()
        yield self._queue()
        yield self._accelerators()

    def _sandboxes(self) -> Metric:
        family = GaugeMetricFamily(
            "practicum_sandboxes", "Sandboxes by phase.", labels=["cohort", "lab", "phase"]
        )
        counts: Counter[tuple[str, str, str]] = Counter()
        for sandbox in self._cache.sandboxes:
            phase = sandbox.status.phase.value if sandbox.status.phase else "Pending"
            counts[_cohort(self._cache, sandbox), sandbox.spec.lab, phase] += 1
        for labels, number in counts.items():
            family.add_metric(labels, number)
        return family

    def _info(self) -> Metric:
        """Return which lab each running Pod belongs to, to join with the kubelets' figures."""
        family = GaugeMetricFamily(
            "practicum_sandbox_info",
            "1 for each Pod of a sandbox, as the kubelets name it, with its lab.",
            labels=["cohort", "lab", "namespace", "pod"],
        )
        for sandbox in self._cache.sandboxes:
            if sandbox.status.pod_name:
                cohort, meta = _cohort(self._cache, sandbox), sandbox.metadata
                where = [meta.namespace, sandbox.status.pod_name]
                family.add_metric([cohort, sandbox.spec.lab, *where], 1)
        return family

    def _queue(self) -> Metric:
        family = GaugeMetricFamily(
            "practicum_queue_depth", "Sandboxes that wait, by reason.", labels=["cohort", "reason"]
        )
        counts: Counter[tuple[str, str]] = Counter()
        for key, request in self._desk.waiting.items():
            decision = self._desk.decision(key)
            reason = decision.reason.value if decision else "New"
            counts[request.demand.cohort, reason] += 1
        for labels, number in counts.items():
            family.add_metric(labels, number)
        return family

    def _accelerators(self) -> Metric:
        family = GaugeMetricFamily(
            "practicum_accelerators", "Accelerators by state.", labels=["class", "state"]
        )
        for item in self._cache.accelerators:
            name, status = item.metadata.name, item.status
            family.add_metric([name, "total"], status.total)
            family.add_metric([name, "in_use"], status.in_use)
            family.add_metric([name, "queued"], status.queued)
        return family


def _cohort(cache: Cache, sandbox: Sandbox) -> str:
    cohort = cache.cohort_of(sandbox.metadata.namespace)
    return cohort.metadata.name if cohort else ""
