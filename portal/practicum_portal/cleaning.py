"""Cleaning what programs send: JSON that both databases can hold, within bounds."""

import json
import math
from collections.abc import Mapping
from typing import Any

from practicum_portal.figures import to_stored

_DEPTH = 8
_LEAF = 4000


def clean_text(text: str) -> str:
    """Return ``text`` without NULs and half characters, which PostgreSQL refuses."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def clean_json(value: Any, depth: int = _DEPTH) -> Any:
    """Return ``value`` as JSON can hold it: long texts cut, deep parts as text, NaN as text."""
    if isinstance(value, bool | None | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else to_stored(value)
    if isinstance(value, str):
        text = clean_text(value)
        return text if len(text) <= _LEAF else text[:_LEAF] + "…"
    if depth == 0:
        return clean_json(str(value))
    if isinstance(value, Mapping):
        return {
            clean_text(str(key))[:200]: clean_json(item, depth - 1) for key, item in value.items()
        }
    return [clean_json(item, depth - 1) for item in value]


def json_size(value: Any) -> int:
    """Return how many bytes ``value`` takes as JSON."""
    return len(json.dumps(value, ensure_ascii=False).encode())
