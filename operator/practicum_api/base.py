"""What every kind shares: the model base, metadata, conditions and the scalar types of the wire."""

import math
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

from practicum_api.lists import map_by

DURATION_PATTERN = r"^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$"
"""The longest, 999 999 hours, is over a century: a date can be reckoned with it."""
QUANTITY_PATTERN = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"
_QUANTITY_FACTORS = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{unit: Decimal(1000**power) for power, unit in enumerate("kMGT", start=1)},
    **{f"{unit}i": Decimal(1024**power) for power, unit in enumerate("KMGT", start=1)},
}


@lru_cache(maxsize=1024)
def parse_duration(text: str) -> timedelta:
    """Return the span that ``text`` such as ``1h30m`` names; raise ValueError otherwise."""
    match = re.fullmatch(DURATION_PATTERN, text)
    if not text or match is None:
        raise ValueError(f"{text!r} is not a duration such as 8h, 90m or 1h30m")
    hours, minutes, seconds = (int(part[:-1]) if part else 0 for part in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def parse_quantity(text: str | int) -> float:
    """Return the number that a Kubernetes quantity such as ``500m`` or ``2Gi`` names."""
    return float(_exact_quantity(text))


def whole_quantity(text: str | int, *, parts: int = 1) -> int:
    """Return a quantity in ``parts``-ths, rounded up as Kubernetes does; these add up exactly."""
    return math.ceil(_exact_quantity(text) * parts)


@lru_cache(maxsize=1024)
def _exact_quantity(text: str | int) -> Decimal:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([a-zA-Z]*)", str(text))
    if match is None or match[2] not in _QUANTITY_FACTORS:
        raise ValueError(f"{text!r} is not a quantity such as 500m, 2 or 4Gi")
    return Decimal(match[1]) * _QUANTITY_FACTORS[match[2]]


def format_time(moment: datetime) -> str:
    """Return ``moment`` as Kubernetes writes times: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _checked(parse: Any) -> Any:
    def check(text: str) -> str:
        parse(text)
        return text

    return AfterValidator(check)


Duration = Annotated[
    str, Field(pattern=DURATION_PATTERN, min_length=2, max_length=20), _checked(parse_duration)
]
"""A span of time as ``8h``, ``90m`` or ``1h30m``."""

Quantity = Annotated[
    str,
    BeforeValidator(str),
    _checked(parse_quantity),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "minimum": 0,
            "pattern": QUANTITY_PATTERN,
            "maxLength": 20,
        }
    ),
]
"""A Kubernetes quantity: ``500m`` CPU, ``2Gi`` of memory."""

Time = Annotated[datetime, PlainSerializer(format_time, return_type=str)]
"""A moment, written as RFC 3339 in UTC."""


class ApiModel(BaseModel):
    """A part of a custom resource: camelCase on the wire, unknown fields ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
    )

    def wire(self) -> dict[str, Any]:
        """Return this part as the API server stores it: aliases, without unset and empty values."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class ObjectMeta(ApiModel):
    """The metadata we read. Kubernetes owns the schema, so it is not part of ours."""

    name: str
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: Time | None = None
    deletion_timestamp: Time | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    finalizers: tuple[str, ...] = ()


class Condition(ApiModel):
    """One observation in the style of kstatus.

    `Ready` is the summary; `Reconciling` and `Stalled` are there only while they are true.
    """

    type: Annotated[str, Field(max_length=64)]
    """What is observed."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    reason: Annotated[str, Field(max_length=64)]
    """Why, in one word of the documented list."""
    message: Annotated[str, Field(max_length=1024)] = ""
    """Why, for a person, with what to do."""
    observed_generation: int = 0
    """The generation of the spec that this was observed for."""
    last_transition_time: Time | None = None
    """When the status last changed."""


Conditions = Annotated[
    tuple[Condition, ...],
    Field(
        max_length=16,
        json_schema_extra=map_by("type"),
    ),
]


def find_condition(conditions: tuple[Condition, ...], kind: str) -> Condition | None:
    """Return the condition of type ``kind``, if there is one."""
    return next((item for item in conditions if item.type == kind), None)


def merge_conditions(
    old: tuple[Condition, ...], new: tuple[Condition, ...], now: datetime
) -> tuple[Condition, ...]:
    """Return ``new`` with the transition time of every condition whose status did not change."""
    merged = []
    for item in new:
        before = find_condition(old, item.type)
        same = before is not None and before.status == item.status
        moment = before.last_transition_time if same and before else now
        merged.append(item.model_copy(update={"last_transition_time": moment}))
    return tuple(merged)
