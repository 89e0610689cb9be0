"""Putting the portal together: seams in, services out."""

from dataclasses import dataclass

from practicum_portal.access import Access
from practicum_portal.broker import Broker
from practicum_portal.clock import Clock, utc_now
from practicum_portal.cluster import Cluster
from practicum_portal.database import Database
from practicum_portal.directory import Directory
from practicum_portal.hub import Hub
from practicum_portal.kubernetes import Kubernetes
from practicum_portal.metrics import Metrics
from practicum_portal.prometheus import Prometheus
from practicum_portal.ratelimit import RateLimit
from practicum_portal.services.cohorts import Cohorts
from practicum_portal.services.journal import Journal
from practicum_portal.services.labs import Labs
from practicum_portal.services.reports import Reports
from practicum_portal.services.roster import Rosters
from practicum_portal.services.runs import Runs
from practicum_portal.services.sandboxes import Sandboxes
from practicum_portal.services.usage import Accelerators, Usage
from practicum_portal.settings import Settings
from practicum_portal.signin import SignIn
from practicum_portal.sse import Streams
from practicum_portal.writing import Writer

_POLL_SECONDS = 1.0
"""How soon news of another replica is seen."""


@dataclass(frozen=True, slots=True)
class Clients:
    """The outside systems."""

    kubernetes: Kubernetes
    hub: Hub
    prometheus: Prometheus
    database: Database

    async def close(self) -> None:
        """Close all connections."""
        await self.kubernetes.close()
        await self.hub.close()
        await self.prometheus.close()
        await self.database.close()


@dataclass(frozen=True, slots=True)
class Services:
    """What API and pages call."""

    settings: Settings
    sandboxes: Sandboxes
    labs: Labs
    cohorts: Cohorts
    roster: Rosters
    runs: Runs
    reports: Reports
    usage: Usage
    accelerators: Accelerators
    audit: Journal


@dataclass(frozen=True, slots=True)
class Container:
    """Everything that lives as long as the application."""

    settings: Settings
    clients: Clients
    cluster: Cluster
    access: Access
    signin: SignIn
    streams: Streams
    metrics: Metrics
    services: Services


def build(settings: Settings, clients: Clients, *, clock: Clock = utc_now) -> Container:
    """Return the portal for these clients; nothing is started yet."""
    cluster = Cluster(clients.kubernetes)
    key = settings.session_key.get_secret_value()
    directory = Directory(
        clients.hub,
        fresh_seconds=settings.revocation_seconds,
        grace_seconds=settings.hub_grace_seconds,
        token_seconds=settings.token_seconds,
    )
    access = Access(
        cluster=cluster,
        database=clients.database,
        directory=directory,
        clock=clock,
        admin_group=settings.admin_group,
        key=key,
    )
    signin = SignIn(
        hub=clients.hub,
        directory=directory,
        database=clients.database,
        clock=clock,
        client_id=settings.oauth_client_id,
        public_url=settings.public_url,
        hub_public_url=settings.hub_public_url,
        key=key,
        session_hours=settings.session_hours,
        secure=settings.secure,
    )
    return Container(
        settings=settings,
        clients=clients,
        cluster=cluster,
        access=access,
        signin=signin,
        streams=Streams(heartbeat_seconds=settings.heartbeat_seconds),
        metrics=Metrics(),
        services=_services(settings, clients, cluster, clock),
    )


def _services(settings: Settings, clients: Clients, cluster: Cluster, clock: Clock) -> Services:
    database = clients.database
    writer = Writer(clients.kubernetes, cluster)
    journal = Journal(database, cluster=cluster, clock=clock)
    broker = Broker()
    return Services(
        settings=settings,
        sandboxes=Sandboxes(
            cluster=cluster,
            writer=writer,
            journal=journal,
            starts=RateLimit(settings.starts_per_minute),
            clock=clock,
        ),
        labs=Labs(cluster=cluster, clock=clock),
        cohorts=Cohorts(
            cluster=cluster, writer=writer, database=database, journal=journal, clock=clock
        ),
        roster=Rosters(
            cluster=cluster,
            database=database,
            hub=clients.hub,
            imports=RateLimit(settings.imports_per_minute),
            clock=clock,
            max_rows=settings.max_roster_rows,
        ),
        runs=Runs(
            cluster=cluster,
            database=database,
            broker=broker,
            clock=clock,
            poll_seconds=settings.heartbeat_seconds if database.sqlite else _POLL_SECONDS,
        ),
        reports=Reports(
            cluster=cluster,
            database=database,
            broker=broker,
            reports=RateLimit(settings.reports_per_minute),
            clock=clock,
            max_points=settings.max_points_per_request,
            max_metrics=settings.max_metrics_per_run,
            max_runs=settings.max_runs_per_owner,
            max_run_bytes=settings.max_run_bytes,
            max_owner_bytes=settings.max_owner_bytes,
        ),
        usage=Usage(cluster=cluster, prometheus=clients.prometheus),
        accelerators=Accelerators(cluster=cluster),
        audit=journal,
    )
