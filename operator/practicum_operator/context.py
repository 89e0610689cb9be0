"""What the reconcilers share: the clients, what was seen, and the queue."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from practicum_api.sandbox import SandboxUsage
from practicum_operator.activity import Activity
from practicum_operator.builders.policies import Site
from practicum_operator.cache import Cache, Key
from practicum_operator.desk import Desk
from practicum_operator.environment import Addresses
from practicum_operator.failures import Limits
from practicum_operator.kubernetes import Kubernetes
from practicum_operator.metrics import Metrics, UseMeter
from practicum_operator.plan import ActivityView, Policy, Refusal
from practicum_operator.registrar import Registrar
from practicum_operator.settings import Settings
from practicum_operator.workqueue import WorkQueue


@dataclass(slots=True)
class Memory:
    """What is remembered of one Sandbox between two looks. Losing it costs time, never work."""

    asked_at: datetime | None = None
    pod_seen: int = 0
    failing_since: datetime | None = None
    refusal: Refusal | None = None
    refusals: int = 0
    activity: ActivityView | None = None
    changed_since: float | None = None


@dataclass(slots=True)
class CohortMemory:
    """What is remembered of one Cohort between two looks."""

    foreign: bool = False
    applied: str = ""
    verified_at: datetime | None = None
    problem: str = ""
    spent: frozenset[str] | None = None
    """Classes whose hours are used up; None until someone has looked."""
    finished: dict[str, SandboxUsage] = field(default_factory=dict)
    changed_since: float | None = None


@dataclass(slots=True, kw_only=True)
class Context:
    """Everything a reconciler works with."""

    settings: Settings
    policy: Policy
    site: Site
    kubernetes: Kubernetes
    activity: Activity
    registrar: Registrar
    desk: Desk
    cache: Cache
    queue: WorkQueue[Key]
    metrics: Metrics
    meter: UseMeter
    changed: Callable[[str, Any, Any], None]
    """Called with kind, before and after whenever the cache has changed."""
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    token: Callable[[], str]
    routes_due: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the proxy has started anew and its routes should be looked at now."""
    memories: dict[str, Memory] = field(default_factory=dict)
    cohorts: dict[str, CohortMemory] = field(default_factory=dict)

    def memory(self, uid: str) -> Memory:
        """Return what is remembered of the Sandbox with this UID."""
        return self.memories.setdefault(uid, Memory())

    def cohort_memory(self, uid: str) -> CohortMemory:
        """Return what is remembered of the Cohort with this UID."""
        return self.cohorts.setdefault(uid, CohortMemory())


def policy_of(settings: Settings) -> Policy:
    """Return what plans need of the settings."""
    return Policy(
        addresses=Addresses(
            hub_public_url=settings.hub_public_url,
            hub_api_url=settings.hub_api_url,
            portal_api_url=settings.portal_api_url,
        ),
        limits=Limits(
            image=timedelta(seconds=settings.image_timeout),
            start=timedelta(seconds=settings.start_timeout),
            node=timedelta(seconds=settings.node_grace),
            restarts=settings.crash_restarts,
        ),
        termination_grace=settings.termination_grace,
        max_attempts=settings.max_attempts,
        retry_delay=timedelta(seconds=settings.retry_delay),
        stable_after=timedelta(seconds=settings.stable_after),
        release_timeout=timedelta(seconds=settings.release_timeout),
        idle_recheck=timedelta(seconds=settings.idle_recheck),
    )


def site_of(settings: Settings) -> Site:
    """Return what NetworkPolicies need of the settings."""
    return Site(
        namespace=settings.namespace,
        dns_selector=settings.dns_selector,
        dns_namespace=settings.dns_namespace,
        dns_ports=settings.dns_ports,
        dns_cidrs=settings.dns_cidrs,
        private_cidrs=settings.private_cidrs,
    )
