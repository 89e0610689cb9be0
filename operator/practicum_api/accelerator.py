"""`AcceleratorClass`: a kind of accelerator share that a lab may ask for."""

from typing import Annotated, Literal

from pydantic import Field

from practicum_api.base import ApiModel, Conditions, ObjectMeta
from practicum_api.lists import ATOMIC

ResourceName = Annotated[
    str,
    Field(
        max_length=120,
        pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?/[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$",
    ),
]


class Toleration(ApiModel):
    """A taint that Pods with this accelerator tolerate."""

    key: Annotated[str, Field(max_length=317)] = ""
    """The taint's key; empty with operator Exists tolerates all."""
    operator: Literal["Equal", "Exists"] = "Equal"
    """How the value is compared."""
    value: Annotated[str, Field(max_length=63)] = ""
    """The taint's value for Equal."""
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = ""
    """The effect that is tolerated; empty means all."""


class Placement(ApiModel):
    """Where and how the scheduler places Pods that hold an accelerator."""

    node_selector: Annotated[dict[str, str], Field(max_length=16)] = Field(default_factory=dict)
    """Labels a node must have."""
    tolerations: Annotated[
        tuple[Toleration, ...],
        Field(max_length=16, json_schema_extra=ATOMIC),
    ] = ()
    """Taints that are tolerated."""
    runtime_class_name: Annotated[str, Field(max_length=253)] = ""
    """The RuntimeClass, for sites whose accelerators need one."""
    scheduler_name: Annotated[str, Field(max_length=253)] = ""
    """The scheduler, for sites that use another than the default."""


class Capacity(ApiModel):
    """How many there are, and what decides whether one is free."""

    mode: Literal["Fixed", "Autoscaled"] = "Fixed"
    """Fixed admits a sandbox when one is free; Autoscaled admits on quota alone, so that a
    node autoscaler sees the Pod."""
    limit: Annotated[int, Field(ge=0, le=100_000)] | None = None
    """At most this many in use at once, whatever the nodes offer."""


class AcceleratorClassSpec(ApiModel):
    """A kind of accelerator: a whole card, a slice or a time share, under its resource name."""

    display_name: Annotated[str, Field(max_length=80)] = ""
    """The name people read, such as `A100, one seventh`."""
    resource_name: ResourceName
    """The extended resource that a Pod requests, such as `nvidia.com/gpu`."""
    placement: Placement = Field(default_factory=Placement)
    """Where Pods that hold one are placed."""
    capacity: Capacity = Field(default_factory=Capacity)
    """How many there are."""
    price_per_hour: Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]{1,4})?$", max_length=16)] = "0"
    """What one costs an hour, in the site's currency."""


class AcceleratorClassStatus(ApiModel):
    """What the operator sees of this class."""

    observed_generation: int = 0
    """The generation this status is for."""
    total: int = 0
    """Accelerators on nodes that match and are ready."""
    in_use: int = 0
    """Accelerators that sandboxes hold, until their Pods have given them back."""
    queued: int = 0
    """Accelerators that queued sandboxes wait for."""
    conditions: Conditions = ()
    """`Ready` is false while no node that matches offers a resource of mode Fixed."""


class AcceleratorClass(ApiModel):
    """A kind of accelerator share that labs may ask for."""

    metadata: ObjectMeta
    spec: AcceleratorClassSpec
    status: AcceleratorClassStatus = Field(default_factory=AcceleratorClassStatus)
