"""Numbers of runs: figures that need not be finite, folded by metric, thinned for drawing."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Stored = float | str
"""A value as the database has it: a finite number, or `NaN`, `Infinity`, `-Infinity`."""

Drawn = tuple[int, float, float | None]
"""Step, time and value of a point of a curve; None is a gap."""

_TELLING = 5
_SKETCHED = 48


def to_stored(value: float) -> Stored:
    """Return ``value`` as JSON can hold it."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def finite(value: Stored | None) -> float | None:
    """Return the number, or None for one that is not finite."""
    return value if isinstance(value, int | float) else None


def fold(
    stats: Mapping[str, Mapping[str, Any]],
    points: Iterable[tuple[int, int, Mapping[str, Stored]]],
) -> dict[str, dict[str, Any]]:
    """Return figures by metric with ``points`` (seq, step, values) added, whatever their order."""
    folded = {name: dict(figures) for name, figures in stats.items()}
    for seq, step, values in points:
        for name, value in values.items():
            figures = folded.setdefault(name, {"count": 0, "odd": 0, "last_seq": -1})
            figures["count"] += 1
            number = finite(value)
            if number is None:
                figures["odd"] += 1
            else:
                figures["min"] = min(number, figures.get("min", number))
                figures["max"] = max(number, figures.get("max", number))
            if seq > figures["last_seq"]:
                figures.update(last=value, last_seq=seq, last_step=step)
    return folded


class Curve:
    """One metric, thinned while its points stream through by seq: extremes and gaps survive."""

    def __init__(self, *, width: int) -> None:
        self._width = width
        self._index = 0
        self._open: list[Drawn] = []
        self._kept: list[Drawn] = []
        self.count = 0

    def add(self, seq: int, step: int, time: float, value: Stored) -> None:
        """Take a point; ``width`` neighbouring seqs share what is kept of them."""
        if seq // self._width != self._index:
            self._close()
            self._index = seq // self._width
        self._open.append((step, time, finite(value)))
        self.count += 1

    def points(self) -> Sequence[Drawn]:
        """Return (step, time, value) by step; value is None where it was not finite."""
        self._close()
        return sorted(self._kept, key=lambda point: point[0])

    def _close(self) -> None:
        self._kept += _telling(self._open)
        self._open = []


def _telling(points: list[Drawn]) -> Iterable[Drawn]:
    """Return the first, the last, the least, the greatest and a gap, each once."""
    if len(points) <= _TELLING:
        return points
    numbers = [(value, place) for place, (_, _, value) in enumerate(points) if value is not None]
    gaps = [place for place, (_, _, value) in enumerate(points) if value is None]
    places = {0, len(points) - 1, *gaps[:1]}
    if numbers:
        places |= {min(numbers)[1], max(numbers)[1]}
    return [points[place] for place in sorted(places)]


def sketch(known: Mapping[str, Any] | None, points: Iterable[tuple[int, Stored]]) -> dict[str, Any]:
    """Return a curve of few points (step, value), coarser as more come: it is never read anew."""
    sketched: dict[str, Any] = {
        "stride": known["stride"] if known else 1,
        "seen": known["seen"] if known else 0,
        "points": list(known["points"]) if known else [],
    }
    for step, value in points:
        if sketched["seen"] % sketched["stride"] == 0:
            sketched["points"].append([step, finite(value)])
        sketched["seen"] += 1
        if len(sketched["points"]) > _SKETCHED:
            sketched["points"] = sketched["points"][::2]
            sketched["stride"] *= 2
    return sketched


def flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as dotted names: ``{"lora": {"rank": 8}}`` as ``lora.rank``."""
    if not isinstance(value, Mapping) or not value:
        return {prefix: value} if prefix else {}
    flat: dict[str, Any] = {}
    for key, item in value.items():
        flat.update(flatten(item, f"{prefix}.{key}" if prefix else str(key)))
    return flat
