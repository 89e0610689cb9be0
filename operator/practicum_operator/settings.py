"""Settings of the operator: one class, read once from the environment."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Seconds = Annotated[float, Field(ge=0)]


class Settings(BaseSettings):
    """Settings of the operator; each is an environment variable with the prefix `PRACTICUM_`."""

    model_config = SettingsConfigDict(
        env_prefix="PRACTICUM_", use_attribute_docstrings=True, frozen=True
    )

    namespace: str = "practicum"
    """Namespace of the platform itself: operator, Hub, proxy and portal."""
    hub_api_url: str = "http://hub.practicum.svc.cluster.local:8081/hub/api"
    """JupyterHub's API, straight at its Service; sandboxes are told the same address."""
    hub_public_url: str = "http://practicum.localhost:8000"
    """Where browsers reach JupyterHub; sandboxes get a subdomain each below its host."""
    hub_token: SecretStr = SecretStr("")
    """Token of the Hub service `operator`, whose scopes are servers, read:servers, read:users:name
    and proxy."""
    portal_api_url: str = "http://portal.practicum.svc.cluster.local:8080/api/v1"
    """The portal's API as sandboxes reach it."""

    lease: bool = False
    """Whether to act only while holding the Lease `practicum-operator` in `namespace`."""
    kubeconfig: Path | None = None
    """Kubeconfig to use outside a cluster; inside, the ServiceAccount is used."""
    listen_host: str = "0.0.0.0"  # noqa: S104 - a Pod's own address is not known beforehand
    """Address of the HTTP server for probes and metrics."""
    listen_port: int = 9100
    """Port of `/healthz`, `/readyz` and `/metrics`; 0 picks a free one."""
    log_level: str = "INFO"
    """Least severe messages to log: DEBUG, INFO, WARNING or ERROR."""

    workers: Annotated[int, Field(ge=1, le=256)] = 24
    """Objects that are reconciled at the same time."""
    hub_workers: Annotated[int, Field(ge=1, le=64)] = 4
    """Servers that are registered at the Hub at the same time; it starts about six a second."""
    connections: Annotated[int, Field(ge=8, le=1024)] = 64
    """Connections to the API server, watches included."""
    request_timeout: Seconds = 20
    """Longest wait for an answer of the API server."""
    hub_timeout: Seconds = 15
    """Longest wait for an answer of the Hub; it takes up to 10 s to answer a stop."""

    max_starting: Annotated[int, Field(ge=1)] | None = None
    """Attempts that may be starting at once; left out, `starts_per_cpu` decides."""
    starts_per_cpu: Annotated[float, Field(gt=0)] = 2
    """Attempts that may be starting at once for each CPU of the ready nodes. Importing JupyterLab
    keeps a CPU busy for a second or two: thirty at once on two CPUs would all time out."""
    start_timeout: Seconds = 1200
    """Longest time from admission to a server that answers; then the attempt has failed."""
    image_timeout: Seconds = 60
    """How long an image may fail to be pulled, or a container to be made, before the attempt has
    failed."""
    crash_restarts: Annotated[int, Field(ge=1)] = 3
    """Restarts of the container after which a crashing attempt has failed."""
    max_attempts: Annotated[int, Field(ge=1)] = 3
    """Failed attempts in a row after which a sandbox is Stalled."""
    retry_delay: Seconds = 10
    """Wait after the first failed attempt; each further one waits four times as long."""
    stable_after: Seconds = 600
    """Time a sandbox must have run before a failure counts as the first one again."""
    node_grace: Seconds = 90
    """How long a node may be silent before its sandboxes start elsewhere."""
    termination_grace: Annotated[int, Field(ge=1, le=300)] = 15
    """Seconds a server gets to end by itself."""
    release_timeout: Seconds = 120
    """How long a deletion waits for a Hub or a node that does not answer."""

    stage_delay: Seconds = 10
    """A new stage of a start is written when it lasts this long; most do not."""
    news_delay: Seconds = 1.5
    """A place in the queue, or a trouble of a start, is written when it lasts this long."""
    count_delay: Seconds = 10
    """Counts of sandboxes, in the status of the other kinds, are written this late at most."""
    idle_recheck: Seconds = 300
    """When activity can't be read, the next try follows after this time."""
    route_check: Seconds = 20
    """How often the Hub's routes are compared with the running sandboxes."""
    resync: Seconds = 600
    """How often everything is listed again, to notice what a broken watch has missed."""

    dns_selector: dict[str, str] = Field(default_factory=lambda: {"k8s-app": "kube-dns"})
    """Labels of the cluster's DNS Pods."""
    dns_namespace: dict[str, str] = Field(
        default_factory=lambda: {"kubernetes.io/metadata.name": "kube-system"}
    )
    """Labels of the namespace that those are in."""
    dns_ports: tuple[int, ...] = (53,)
    """The ports that they listen on."""
    dns_cidrs: tuple[str, ...] = ()
    """Further addresses of DNS servers, such as a node-local cache's."""
    private_cidrs: tuple[str, ...] = (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
    """Ranges that egress `Internet` keeps shut: private, carrier-grade NAT, link-local with the
    cloud's metadata address, and what is reserved. Add public addresses of nodes and API server."""
    events: bool = False
    """Whether to write a Kubernetes Event when a sandbox becomes ready or stalls."""
