"""Settings of the portal, from the environment: `PRACTICUM_PORTAL_<NAME>`."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What an operator of the portal can set."""

    model_config = SettingsConfigDict(
        env_prefix="PRACTICUM_PORTAL_", use_attribute_docstrings=True, frozen=True
    )

    public_url: str = "http://practicum.localhost:8080"
    """Where browsers reach the portal; no path. Requests from other origins change nothing."""
    hub_public_url: str = "http://practicum.localhost:8000"
    """Where browsers reach JupyterHub."""
    hub_api_url: str = "http://hub.practicum.svc.cluster.local:8081/hub/api"
    """Where the portal reaches JupyterHub's API, past the proxy."""
    hub_token: SecretStr
    """The portal's service token at JupyterHub."""
    oauth_client_id: str = "service-portal"
    """The portal's OAuth client at JupyterHub. Its secret is the service token."""
    session_key: Annotated[SecretStr, Field(min_length=32)]
    """Key that seals sign-in cookies: at least 32 characters, the same in all replicas."""
    session_hours: Annotated[float, Field(gt=0, le=720)] = 12
    """How long a session lasts after sign-in."""
    admin_group: str = ""
    """Members of this group of the sign-in are admins, besides JupyterHub's own; empty for none."""
    revocation_seconds: Annotated[float, Field(ge=0, le=300)] = 45
    """How long what JupyterHub said of a person (exists, admin, groups) holds."""
    hub_grace_seconds: Annotated[float, Field(ge=0, le=3600)] = 300
    """How long it holds while JupyterHub does not answer."""
    token_seconds: Annotated[float, Field(ge=0, le=30)] = 20
    """How long a bearer token that JupyterHub accepted is accepted unasked."""

    database_url: str = "sqlite:////var/lib/practicum/portal.db"
    """`sqlite:///path` for one replica, `postgresql://user:password@host/name` for more."""
    database_wait_seconds: Annotated[float, Field(gt=0, le=60)] = 10
    """How long a request waits for a locked or silent database before it answers 503."""
    migrate_at_start: bool = True
    """Whether the database is brought up to date at start-up."""

    kubeconfig: Path | None = None
    """A kubeconfig; the Pod's service account when left out."""
    kubernetes_context: str = ""
    """The context in it; the current one when empty."""
    kubernetes_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 10
    """How long one call to the API server may take."""
    cluster_stale_seconds: Annotated[float, Field(gt=0)] = 120
    """After so long without word from the API server pages say that they may be old."""
    prometheus_url: str = "http://prometheus.practicum.svc.cluster.local:9090"
    """Where Prometheus answers; empty when there is none."""
    prometheus_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 5
    """How long one query may take."""

    host: str = "0.0.0.0"  # noqa: S104 - it runs in a Pod
    """Address to listen on."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Port for people and programs."""
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 9100
    """Port for Prometheus."""
    trusted_proxies: str = "127.0.0.1"
    """Addresses whose `X-Forwarded-*` headers count, comma-separated, or `*`."""
    shutdown_seconds: Annotated[int, Field(ge=1, le=300)] = 10
    """How long requests may finish after SIGTERM."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """How much is logged."""

    max_body_bytes: Annotated[int, Field(ge=1024)] = 2 * 1024 * 1024
    """Largest request body."""
    max_roster_rows: Annotated[int, Field(ge=1)] = 2000
    """Most lines in a roster file."""
    max_points_per_request: Annotated[int, Field(ge=1, le=5000)] = 1000
    """Most points in one request."""
    max_metrics_per_run: Annotated[int, Field(ge=1, le=1000)] = 100
    """Most metrics one run may have."""
    max_runs_per_owner: Annotated[int, Field(ge=1)] = 5000
    """Most runs one person may keep in one cohort."""
    max_run_bytes: Annotated[int, Field(ge=1024)] = 16 * 1024 * 1024
    """Most bytes one run may take: a hundred thousand points with some metrics."""
    max_owner_bytes: Annotated[int, Field(ge=1024)] = 64 * 1024 * 1024
    """Most bytes that one person's runs in one cohort may take together."""
    removed_cohort_days: Annotated[float, Field(ge=0)] = 90
    """How long rosters and runs of a removed cohort are kept."""
    heartbeat_seconds: Annotated[float, Field(gt=0, le=60)] = 15
    """How often a quiet event stream says that it lives."""
    starts_per_minute: Annotated[float, Field(gt=0)] = 12
    """Starts, resets and the like that one person may ask for."""
    imports_per_minute: Annotated[float, Field(gt=0)] = 12
    """Roster imports that one person may ask for."""
    reports_per_minute: Annotated[float, Field(gt=0)] = 240
    """Requests with points that one sandbox may send."""

    @field_validator("public_url", "hub_public_url", "hub_api_url", "prometheus_url")
    @classmethod
    def _no_trailing_slash(cls, url: str) -> str:
        if url and urlsplit(url).scheme not in {"http", "https"}:
            raise ValueError("must start with http:// or https://")
        return url.rstrip("/")

    @property
    def secure(self) -> bool:
        """Whether browsers come by https."""
        return self.public_url.startswith("https://")
