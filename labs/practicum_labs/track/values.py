"""The numbers of a point: flattened, finite or spelled out, and nothing else."""

import hashlib
import math
from collections.abc import Iterator, Mapping
from typing import Any, SupportsFloat, SupportsIndex

Wire = float | str
MAX_NAME = 64


class NotANumberError(TypeError):
    """A logged value is not a number."""


def numbers(values: Mapping[str, Any]) -> tuple[dict[str, Wire], list[str]]:
    """Return the numbers in ``values`` by name, and the names that had to be left out.

    Nested mappings are flattened with ``/``; zero-dimensional tensors and arrays count as
    numbers; NaN and the infinities are spelled out, because JSON has none.
    """
    kept: dict[str, Wire] = {}
    dropped: list[str] = []
    for name, value in _flat(values):
        try:
            kept[_name(name)] = to_wire(_number(value))
        except NotANumberError:
            dropped.append(name)
    return kept, dropped


def _name(name: str) -> str:
    """Return ``name`` as the portal takes it: short, without control characters.

    A long one loses its middle, not what tells it from its neighbours.
    """
    name = "".join(c for c in name if c.isprintable()) or "value"
    if len(name) <= MAX_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[:24]}~{digest}~{name[-30:]}"


def to_wire(number: float) -> Wire:
    """Return ``number`` as JSON can hold it."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return number


def from_wire(value: Wire) -> float:
    """Return the number that ``to_wire`` wrote."""
    return float(value)


def plain(value: Any) -> Any:
    """Return ``value`` made of what JSON holds: config and summary may contain anything."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    try:
        return to_wire(_number(value))
    except NotANumberError:
        return str(value)


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}/")
        else:
            yield name, value


def _number(value: Any) -> float:
    if isinstance(value, (str, bytes)) or value is None:
        raise NotANumberError(type(value).__name__)
    if not isinstance(value, (SupportsFloat, SupportsIndex)):
        raise NotANumberError(type(value).__name__)
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:  # e.g. a tensor of many
        raise NotANumberError(type(value).__name__) from error
