"""`Lab`: what a trainee works in."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from practicum_api.base import (
    ApiModel,
    Conditions,
    Duration,
    ObjectMeta,
    Quantity,
    parse_duration,
    parse_quantity,
)
from practicum_api.lists import ATOMIC, SET, map_by
from practicum_api.rules import rules

SecretName = Annotated[str, Field(max_length=253, pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")]
Cidr = Annotated[
    str,
    Field(max_length=18, pattern=r"^([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}$"),
]


class Module(StrEnum):
    """The three modules of the course."""

    FOUNDATIONS = "foundations"
    PRACTICE = "practice"
    CASE = "case"


class Text(ApiModel):
    """A text in the languages of the course."""

    en: Annotated[str, Field(min_length=1, max_length=400)]
    """English."""
    zh_cn: Annotated[str, Field(max_length=400)] = Field(default="", alias="zh-CN")
    """Simplified Chinese; English stands in when it is empty."""

    def in_language(self, language: str) -> str:
        """Return the text in ``language`` (`en`, `zh`, `zh-CN`), or in English."""
        return self.zh_cn or self.en if language.startswith("zh") else self.en


class Image(ApiModel):
    """The container image of a sandbox."""

    reference: Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[^\s]+$")]
    """Where the image is; by digest for a class that must not change under way."""
    pull_policy: Literal["IfNotPresent", "Always", "Never"] = "IfNotPresent"
    """When the node asks the registry."""
    pull_secrets: Annotated[
        tuple[SecretName, ...],
        Field(max_length=8, json_schema_extra=SET),
    ] = ()
    """Secrets in the cohort's namespace that open the registry."""


@rules(
    (
        "quantity(string(self.cpuLimit)).compareTo(quantity(string(self.cpu))) >= 0",
        "cpuLimit must not be less than cpu",
    )
)
class Resources(ApiModel):
    """What one sandbox gets. Requests count against the cohort's quota."""

    cpu: Quantity = "1"
    """CPUs that are reserved."""
    cpu_limit: Quantity = "2"
    """CPUs it may use when they are free."""
    memory: Quantity = "2Gi"
    """Memory: reserved and limit in one, so that a busy neighbour can't take it away."""
    ephemeral_storage: Quantity = "2Gi"
    """Scratch space outside the workspace."""
    shared_memory: Quantity = "512Mi"
    """Size of /dev/shm, which data loaders use. It counts as memory."""

    @model_validator(mode="after")
    def _limit_above_request(self) -> Self:
        if parse_quantity(self.cpu_limit) < parse_quantity(self.cpu):
            raise ValueError("cpuLimit must not be less than cpu")
        return self


class AcceleratorRequest(ApiModel):
    """The accelerators one sandbox gets."""

    class_name: Annotated[str, Field(min_length=1, max_length=63)]
    """Name of the AcceleratorClass."""
    count: Annotated[int, Field(ge=1, le=16)] = 1
    """How many."""


class Workspace(ApiModel):
    """The volume that keeps a trainee's files."""

    size: Quantity = "5Gi"
    """How large it is."""
    storage_class_name: Annotated[str, Field(max_length=253)] = ""
    """The StorageClass; empty means the cluster's default."""
    content: Annotated[str, Field(max_length=255, pattern=r"^(/[A-Za-z0-9._-]+)*$")] = ""
    """Folder in the image whose files are laid into an empty workspace."""
    notebook: Annotated[str, Field(max_length=255)] = ""
    """File that JupyterLab opens first, relative to the workspace."""


class SecretKey(ApiModel):
    """One key of a Secret in the cohort's namespace."""

    name: SecretName
    """Name of the Secret."""
    key: Annotated[str, Field(min_length=1, max_length=253)]
    """Key in it."""


@rules(
    ("has(self.value) != has(self.secretKeyRef)", "give exactly one of value and secretKeyRef"),
    ("!self.name.startsWith('JUPYTERHUB_')", "names that start with JUPYTERHUB_ are the Hub's"),
)
class EnvVar(ApiModel):
    """One environment variable: a value, or a reference to a Secret."""

    name: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    """Name of the variable."""
    value: Annotated[str, Field(max_length=4096)] | None = None
    """Its value, for what is not secret."""
    secret_key_ref: SecretKey | None = None
    """Where the value is, for what is secret."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.value is None) == (self.secret_key_ref is None):
            raise ValueError("give exactly one of value and secretKeyRef")
        return self


class CidrRule(ApiModel):
    """A range of addresses with holes."""

    cidr: Cidr
    """The range that is open."""
    except_: Annotated[
        tuple[Cidr, ...],
        Field(max_length=16, json_schema_extra=SET),
    ] = Field(default=(), alias="except")
    """Ranges inside it that stay shut."""


@rules(
    (
        "(self.mode == 'Cidrs') == (has(self.cidrs) && size(self.cidrs) > 0)",
        "cidrs goes with mode Cidrs, and only with it",
    )
)
class Egress(ApiModel):
    """Where a sandbox may connect to, beyond the platform itself."""

    mode: Literal["Closed", "Internet", "Cidrs"] = "Closed"
    """Closed: nowhere. Internet: public addresses, never private or metadata ones."""
    cidrs: Annotated[
        tuple[CidrRule, ...],
        Field(max_length=16, json_schema_extra=ATOMIC),
    ] = ()
    """The ranges of mode Cidrs."""


@rules(
    ("duration(self.idle) <= duration(self.max)", "idle must not be longer than max"),
    ("duration(self.max) >= duration('1m')", "max must be at least one minute"),
)
class Lifetime(ApiModel):
    """How long a sandbox runs before it is suspended. The files are kept in any case."""

    max: Duration = "8h"
    """Longest time from start to suspension."""
    idle: Duration = "1h"
    """Time without a busy kernel and with a quiet accelerator until suspension."""
    extension: Duration = "2h"
    """How much longer a trainee may make it, in all."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if parse_duration(self.idle) > parse_duration(self.max):
            raise ValueError("idle must not be longer than max")
        return self


class RunLimits(ApiModel):
    """Bounds on the runs that a sandbox reports."""

    metrics: Annotated[
        tuple[Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z_][A-Za-z0-9_/.-]*$")], ...],
        Field(max_length=16, json_schema_extra=SET),
    ] = ()
    """Final metrics that go to Prometheus, best known first."""
    max_points: Annotated[int, Field(ge=100, le=1_000_000)] = 100_000
    """Most points one run may send."""


class LabSpec(ApiModel):
    """What a trainee works in: image, resources, files, limits."""

    title: Text
    """The title that people read."""
    summary: Text | None = None
    """What one learns, in a sentence or two."""
    module: Module = Module.PRACTICE
    """The module of the course it belongs to."""
    skills: Annotated[
        tuple[Annotated[str, Field(max_length=64)], ...],
        Field(max_length=32, json_schema_extra=SET),
    ] = ()
    """Skills it trains, as tags."""
    minutes: Annotated[int, Field(ge=5, le=600)] = 60
    """How long a person needs."""
    image: Image
    """The container image."""
    resources: Resources = Field(default_factory=Resources)
    """What one sandbox gets."""
    accelerator: AcceleratorRequest | None = None
    """The accelerators one sandbox gets; none when left out."""
    workspace: Workspace = Field(default_factory=Workspace)
    """The volume with the trainee's files."""
    env: Annotated[
        tuple[EnvVar, ...],
        Field(
            max_length=32,
            json_schema_extra=map_by("name"),
        ),
    ] = ()
    """Environment variables."""
    egress: Egress = Field(default_factory=Egress)
    """Where it may connect to."""
    lifetime: Lifetime = Field(default_factory=Lifetime)
    """How long it runs."""
    runs: RunLimits = Field(default_factory=RunLimits)
    """Bounds on the runs it reports."""


class LabStatus(ApiModel):
    """What the operator says of the Lab."""

    observed_generation: int = 0
    """The generation this status is for."""
    sandboxes: int = 0
    """Sandboxes of this Lab."""
    conditions: Conditions = ()
    """`Ready` is false with a reason when a reference does not resolve."""


class Lab(ApiModel):
    """What a trainee works in: image, resources, accelerator, files and time limits of one lab."""

    metadata: ObjectMeta
    spec: LabSpec
    status: LabStatus = Field(default_factory=LabStatus)
