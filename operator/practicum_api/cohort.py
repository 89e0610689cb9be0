"""`Cohort`: a group's room on the cluster."""

from typing import Annotated, Literal

from pydantic import Field

from practicum_api.base import ApiModel, Conditions, ObjectMeta, Quantity
from practicum_api.lists import SET, map_by

RELEASED_MAX = 2000


class AcceleratorQuota(ApiModel):
    """What a cohort may use of one AcceleratorClass."""

    class_name: Annotated[str, Field(min_length=1, max_length=63)]
    """Name of the AcceleratorClass."""
    count: Annotated[int, Field(ge=0, le=100_000)]
    """At most this many at once."""
    hours: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    """At most this many accelerator hours in all; no bound when left out."""


class Quota(ApiModel):
    """The most that all sandboxes of a cohort may use together. Left out means no bound."""

    sandboxes: Annotated[int, Field(ge=0, le=10_000)] | None = None
    """Sandboxes that run at once."""
    cpu: Quantity | None = None
    """CPUs reserved."""
    memory: Quantity | None = None
    """Memory reserved."""
    storage: Quantity | None = None
    """Size of all workspaces."""
    accelerators: Annotated[
        tuple[AcceleratorQuota, ...],
        Field(
            max_length=16,
            json_schema_extra=map_by("className"),
        ),
    ] = ()
    """Accelerators by class. A class that is not listed may not be used when any is listed."""


class CohortSpec(ApiModel):
    """A group's room: who teaches, which labs, how much they may use."""

    display_name: Annotated[str, Field(max_length=120)] = ""
    """The name people read."""
    labs: Annotated[
        tuple[Annotated[str, Field(max_length=30)], ...],
        Field(max_length=200, json_schema_extra=SET),
    ] = ()
    """Names of the Labs that its trainees may start."""
    quota: Quota = Field(default_factory=Quota)
    """The most they may use together."""
    instructor_groups: Annotated[
        tuple[Annotated[str, Field(max_length=120)], ...],
        Field(max_length=16, json_schema_extra=SET),
    ] = ()
    """Groups of the sign-in whose members teach this cohort."""
    deletion_policy: Literal["Guard", "Cascade"] = "Guard"
    """Guard holds a deletion back while sandboxes or workspaces exist; Cascade removes them."""


class Usage(ApiModel):
    """What was used so far."""

    running_seconds: int = 0
    """Seconds that sandboxes ran."""
    cpu_seconds: int = 0
    """CPU seconds reserved: CPUs requested times seconds run."""
    accelerator_seconds: int = 0
    """Accelerators held times seconds."""


class AcceleratorUsage(ApiModel):
    """What was used of one AcceleratorClass."""

    class_name: Annotated[str, Field(max_length=63)]
    """Name of the AcceleratorClass."""
    seconds: int = 0
    """Accelerators held times seconds."""


class SandboxCounts(ApiModel):
    """Sandboxes of a cohort by what they do."""

    total: int = 0
    """All there are."""
    running: int = 0
    """Those that start or run."""
    queued: int = 0
    """Those that wait."""
    stalled: int = 0
    """Those that gave up and need a person."""


class CohortStatus(ApiModel):
    """What the operator says of the Cohort."""

    observed_generation: int = 0
    """The generation this status is for."""
    namespace: str = ""
    """The namespace made for it."""
    sandboxes: SandboxCounts = Field(default_factory=SandboxCounts)
    """Sandboxes in it."""
    usage: Usage = Field(default_factory=Usage)
    """What deleted sandboxes used; living ones keep their own in their status."""
    accelerator_usage: Annotated[
        tuple[AcceleratorUsage, ...],
        Field(json_schema_extra=map_by("className")),
    ] = ()
    """The same by AcceleratorClass."""
    released: Annotated[
        tuple[Annotated[str, Field(max_length=64)], ...],
        Field(max_length=RELEASED_MAX, json_schema_extra=SET),
    ] = ()
    """UIDs of sandboxes being deleted whose usage is already counted above."""
    conditions: Conditions = ()
    """`Ready` is true when namespace, quota, policies and accounts are in place."""


class Cohort(ApiModel):
    """A group's room: a namespace with quotas, network policy and the labs its trainees may use."""

    metadata: ObjectMeta
    spec: CohortSpec
    status: CohortStatus = Field(default_factory=CohortStatus)
