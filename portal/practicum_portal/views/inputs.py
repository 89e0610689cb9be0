"""What clients send."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from practicum_api.base import Quantity
from practicum_api.names import COHORT_NAME_MAX, SERVER_NAME_MAX, SERVER_NAME_PATTERN
from practicum_portal.identity import LONGEST_USER, Language

CohortName = Annotated[
    str,
    Field(
        max_length=COHORT_NAME_MAX, pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?$", examples=["llm-2026"]
    ),
]
LabName = Annotated[
    str, Field(max_length=SERVER_NAME_MAX, pattern=SERVER_NAME_PATTERN, examples=["lora"])
]
RunId = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{7,63}$", examples=["k3f9a0c21b7e"])
]
MetricName = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
_WIDE = 2**53
Moment = Annotated[
    AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(3000, 1, 1, tzinfo=UTC))
]


class Input(BaseModel):
    """Something a client sends: unknown fields are an error, so that typing mistakes show."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [fields]})


class SandboxRequest(Input):
    """Which sandbox is wanted."""

    model_config = _example(cohort="llm-2026", lab="lora")

    cohort: CohortName
    """The cohort."""
    lab: LabName
    """The lab."""
    owner: Annotated[str, Field(min_length=1, max_length=LONGEST_USER)] | None = None
    """For whom; the person who asks when left out. Instructors may ask for their trainees."""
    language: Language | None = None
    """Which notebook opens: `en` or `zh`; as it was when left out, at first English."""


class SandboxChangeRequest(Input):
    """What is to change in a sandbox."""

    desired_state: Literal["Running", "Suspended"]
    """Whether it should run."""


class Extension(Input):
    """How much longer."""

    model_config = _example(minutes=60)

    minutes: Annotated[int, Field(ge=1, le=1440)] = 60
    """Minutes to add, within what the lab allows."""


class AcceleratorQuotaDraft(Input):
    """What a cohort may use of one accelerator class."""

    class_name: Annotated[str, Field(min_length=1, max_length=63)]
    """The class."""
    count: Annotated[int, Field(ge=0, le=100_000)]
    """At most this many at once."""
    hours: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    """At most this many hours in all."""


class QuotaDraft(Input):
    """The most that a cohort may use. Left out means no bound."""

    sandboxes: Annotated[int, Field(ge=0, le=10_000)] | None = None
    """Sandboxes that run at once."""
    cpu: Quantity | None = None
    """CPUs reserved, as `16`."""
    memory: Quantity | None = None
    """Memory reserved, as `64Gi`."""
    storage: Quantity | None = None
    """Size of all workspaces."""
    accelerators: Annotated[tuple[AcceleratorQuotaDraft, ...], Field(max_length=16)] = ()
    """Accelerators by class."""


class CohortChange(Input):
    """What is to change in a cohort; what is left out stays."""

    display_name: Annotated[str, Field(max_length=120)] = ""
    """The name people read."""
    labs: Annotated[tuple[LabName, ...], Field(max_length=200)] = ()
    """Names of the labs it offers."""
    quota: QuotaDraft = Field(default_factory=QuotaDraft)
    """The most they may use."""
    instructor_groups: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=120)], ...], Field(max_length=16)
    ] = ()
    """Groups of the sign-in whose members teach it."""


class CohortDraft(CohortChange):
    """A cohort to make."""

    model_config = _example(
        name="llm-2026",
        display_name="LLM engineering, spring 2026",
        labs=["lora"],
        quota={
            "sandboxes": 30,
            "memory": "64Gi",
            "accelerators": [{"class_name": "a100", "count": 4, "hours": 500}],
        },
        instructor_groups=["llm-teachers"],
    )

    name: CohortName
    """Its name, which never changes."""


class RunEnvironment(BaseModel):
    """What is needed to repeat a run. More than this may be given and is kept."""

    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True)

    image: str | None = None
    """The image."""
    python: str | None = None
    """Python's version."""
    packages: dict[str, Any] = Field(default_factory=dict)
    """Versions by package."""
    seed: Any = None
    """The seed."""
    data: dict[str, Any] = Field(default_factory=dict)
    """Hashes of data by name."""


class RunDraft(Input):
    """A run that starts. Whose it is follows from the sandbox's token."""

    model_config = _example(
        name="rank 8",
        config={"lr": 0.0002, "lora": {"rank": 8}},
        environment={"python": "3.13.1", "packages": {"torch": "2.9.0"}, "seed": 7},
    )

    name: Annotated[str, Field(max_length=200)] = ""
    """Its name; its id when empty."""
    lab: Annotated[str, Field(max_length=200)] = ""
    """The lab as the client knows it; the sandbox's own counts."""
    config: dict[str, Any] = Field(default_factory=dict)
    """What it is started with."""
    environment: RunEnvironment = Field(default_factory=RunEnvironment)
    """What is needed to repeat it."""
    started_at: Moment | None = None
    """When it started, by the client's clock."""


class PointDraft(Input):
    """Values at a step."""

    seq: Annotated[int, Field(ge=0, le=_WIDE)]
    """Its place in the run, from 0; the same seq sent again is ignored."""
    step: Annotated[int, Field(ge=-_WIDE, le=_WIDE)]
    """The training step."""
    time: Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
    """Seconds since the epoch, by the client's clock."""
    values: Annotated[dict[MetricName, float], Field(min_length=1, max_length=1000)]
    """Values by metric; `"NaN"`, `"Infinity"` and `"-Infinity"` are accepted."""


class PointsDraft(Input):
    """Points of a run."""

    model_config = _example(
        points=[{"seq": 0, "step": 10, "time": 1772442000.0, "values": {"loss": 2.31}}],
    )

    points: tuple[PointDraft, ...]
    """The points, in any order."""


class FinishDraft(Input):
    """How a run ended."""

    model_config = _example(state="finished", summary={"accuracy": 0.91})

    state: Literal["finished", "failed"]
    """How."""
    summary: dict[str, Any] = Field(default_factory=dict)
    """Final figures."""
