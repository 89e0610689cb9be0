"""`Sandbox`: one trainee's environment."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from practicum_api.accelerator import Placement
from practicum_api.base import ApiModel, Conditions, ObjectMeta, Time
from practicum_api.cohort import AcceleratorUsage, Usage
from practicum_api.lab import EnvVar, Image, Lifetime, Resources, Workspace
from practicum_api.lists import map_by
from practicum_api.names import SERVER_NAME_MAX, SERVER_NAME_PATTERN
from practicum_api.rules import rules


class DesiredState(StrEnum):
    """What its owner wants of a sandbox."""

    RUNNING = "Running"
    SUSPENDED = "Suspended"


class Phase(StrEnum):
    """Where a sandbox is in its life."""

    PENDING = "Pending"
    """Seen; its references do not resolve yet."""
    QUEUED = "Queued"
    """Waiting for quota, an accelerator or its turn."""
    STARTING = "Starting"
    """An attempt is under way."""
    RUNNING = "Running"
    """Its address answers."""
    SUSPENDING = "Suspending"
    """Its Pod is being stopped."""
    SUSPENDED = "Suspended"
    """Stopped; the files are kept."""
    STALLED = "Stalled"
    """Gave up with a reason; `restart` asks for another attempt."""
    TERMINATING = "Terminating"
    """Being deleted."""


class Stage(StrEnum):
    """The steps of a start, in order."""

    QUEUED = "Queued"
    SCHEDULING = "Scheduling"
    PREPARING = "Preparing"
    STARTING = "Starting"
    CONNECTING = "Connecting"
    READY = "Ready"


class WorkspacePolicy(ApiModel):
    """What becomes of the files."""

    deletion_policy: Literal["Retain", "Delete"] = "Retain"
    """Retain keeps the workspace when the Sandbox is deleted."""


Opaque = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9._:-]*$")]
LanguageTag = Annotated[str, Field(max_length=35, pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9]+)*)?$")]


@rules(
    ("self.owner == oldSelf.owner", "owner is immutable"),
    ("self.lab == oldSelf.lab", "lab is immutable; delete the sandbox and make another"),
    (
        "has(self.serverName) == has(oldSelf.serverName)"
        " && (!has(self.serverName) || self.serverName == oldSelf.serverName)",
        "serverName is immutable",
    ),
)
class SandboxSpec(ApiModel):
    """One trainee's environment. Only owner and lab are needed."""

    owner: Annotated[str, Field(min_length=1, max_length=120)]
    """The user name as JupyterHub knows it."""
    lab: Annotated[
        str, Field(min_length=1, max_length=SERVER_NAME_MAX, pattern=SERVER_NAME_PATTERN)
    ]
    """Name of the Lab."""
    server_name: (
        Annotated[str, Field(min_length=1, max_length=SERVER_NAME_MAX, pattern=SERVER_NAME_PATTERN)]
        | None
    ) = None
    """Name of the server at JupyterHub; the lab's name when left out."""
    desired_state: DesiredState = DesiredState.RUNNING
    """Whether it should run."""
    deadline: Time | None = None
    """When it is suspended at the latest; at most the lab's max and extension after the start."""
    restart: Opaque = ""
    """A new value asks once for a new attempt."""
    reset: Opaque = ""
    """A new value asks once for fresh lab files; the old ones are moved aside."""
    language: LanguageTag = ""
    """What its owner reads, such as `en` or `zh-CN`: which notebook opens at the next start."""
    workspace: WorkspacePolicy = Field(default_factory=WorkspacePolicy)
    """What becomes of the files."""

    @property
    def server(self) -> str:
        """The server's name at JupyterHub."""
        return self.server_name or self.lab


class BlueprintAccelerator(ApiModel):
    """An accelerator request with its class resolved."""

    class_name: str
    """Name of the AcceleratorClass."""
    resource_name: str
    """The extended resource."""
    count: int = 1
    """How many."""
    placement: Placement = Field(default_factory=Placement)
    """Where the Pod goes."""


class Blueprint(ApiModel):
    """The Lab as it was when the attempt started; running sandboxes follow this, not the Lab."""

    lab_generation: int = 0
    """Generation of the Lab."""
    image: Image
    """The image as the Lab named it."""
    resources: Resources = Field(default_factory=Resources)
    """What it gets."""
    accelerator: BlueprintAccelerator | None = None
    """The accelerators it gets."""
    workspace: Workspace = Field(default_factory=Workspace)
    """The volume with its files."""
    env: Annotated[tuple[EnvVar, ...], Field(max_length=32)] = ()
    """Environment variables."""
    lifetime: Lifetime = Field(default_factory=Lifetime)
    """How long it runs."""


class QueueStatus(ApiModel):
    """Its place in the queue."""

    position: int = 0
    """Counted from 1 among those that wait for the same thing."""
    reason: Annotated[str, Field(max_length=64)] = ""
    """What it waits for."""
    message: Annotated[str, Field(max_length=1024)] = ""
    """What it waits for, for a person."""


class StageTime(ApiModel):
    """When a stage of the current attempt began."""

    stage: Stage
    began: Time


class SandboxUsage(Usage):
    """What this sandbox used.

    Ended attempts are in the numbers; the current one counts from `since`.
    """

    since: Time | None = None
    """Start of what is not yet in the numbers; absent while nothing runs."""
    accelerators: Annotated[
        tuple[AcceleratorUsage, ...],
        Field(
            max_length=16,
            json_schema_extra=map_by("className"),
        ),
    ] = ()
    """Accelerator seconds by AcceleratorClass."""


class SandboxStatus(ApiModel):
    """What the operator says of the Sandbox."""

    observed_generation: int = 0
    """The generation this status is for."""
    phase: Phase | None = None
    """Where it is in its life."""
    attempt: int = 0
    """Counts starts; part of the Pod's and the Secret's name."""
    failures: int = 0
    """Failed attempts in a row; after the last one it is Stalled."""
    retry_at: Time | None = None
    """When the next attempt is due after a failed one."""
    blueprint: Blueprint | None = None
    """What the current attempt was built from."""
    image_id: Annotated[str, Field(max_length=512)] = ""
    """Digest of the image that runs."""
    stages: Annotated[
        tuple[StageTime, ...],
        Field(
            max_length=8,
            json_schema_extra=map_by("stage"),
        ),
    ] = ()
    """Stages of the current attempt."""
    queue: QueueStatus | None = None
    """Its place in the queue, while it waits."""
    url: Annotated[str, Field(max_length=2048)] = ""
    """Where it is opened, while it runs. Nine characters for each Chinese one of the owner."""
    pod_name: Annotated[str, Field(max_length=63)] = ""
    """Pod of the current attempt."""
    pod_ip: Annotated[str, Field(max_length=45)] = ""
    """Address of that Pod once its server answers, and only while it should be reached: the Hub
    routes to it. Empty before, and again before the Pod is stopped."""
    claim_name: Annotated[str, Field(max_length=63)] = ""
    """The workspace."""
    started_at: Time | None = None
    """When the current attempt was admitted."""
    ready_at: Time | None = None
    """When its address first answered in this attempt."""
    deadline: Time | None = None
    """When it will be suspended at the latest."""
    last_activity: Time | None = None
    """The last time it was seen busy."""
    restart: Opaque = ""
    """The value of spec.restart that was carried out."""
    reset: Opaque = ""
    """The value of spec.reset that was carried out."""
    usage: SandboxUsage = Field(default_factory=SandboxUsage)
    """What it used."""
    conditions: Conditions = ()
    """`Ready` is the summary; others say which part is missing."""


class Sandbox(ApiModel):
    """One trainee's environment: a workspace and, while it runs, JupyterLab in a Pod."""

    metadata: ObjectMeta
    spec: SandboxSpec
    status: SandboxStatus = Field(default_factory=SandboxStatus)

    @property
    def server(self) -> str:
        """The server's name at JupyterHub."""
        return self.spec.server

    @property
    def asks_anew(self) -> bool:
        """Whether a restart or a reset is asked for that was not carried out yet.

        Who takes an old wish back, as a declarative client does, asks for nothing.
        """
        spec, status = self.spec, self.status
        return spec.restart not in {"", status.restart} or spec.reset not in {"", status.reset}
