"""Charts: curves as SVG geometry, so that a page shows them before and without a script."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from practicum_portal.views.runs import CompareView, CurveView, RunView

WIDTH, HEIGHT = 100.0, 32.0


@dataclass(frozen=True)
class Drawing:
    """A curve in a box of `WIDTH` by `HEIGHT`: its pieces, its gaps and its end."""

    pieces: tuple[str, ...]
    """`points` of one polyline each."""
    gaps: tuple[float, ...]
    """Where along the width a value was not a finite number."""
    end: tuple[float, float] | None
    """The last finite value."""


def draw(curve: CurveView) -> Drawing:
    """Return ``curve`` scaled to the box; a flat one runs through the middle."""
    finite = [value for value in curve.values if value is not None and math.isfinite(value)]
    if not finite:
        return Drawing((), tuple(_across(curve.steps)), None)
    low, high = min(finite), max(finite)
    pieces: list[list[str]] = [[]]
    gaps: list[float] = []
    end = None
    for x, value in zip(_across(curve.steps), curve.values, strict=True):
        if value is None or not math.isfinite(value):
            gaps.append(x)
            pieces.append([])
            continue
        y = HEIGHT / 2 if high == low else HEIGHT * (1 - (value - low) / (high - low))
        end = (round(x, 2), round(y, 2))
        pieces[-1].append(f"{end[0]},{end[1]}")
    drawn = tuple(" ".join(_visible(piece)) for piece in pieces if piece)
    return Drawing(drawn, tuple(round(gap, 2) for gap in gaps), end)


def _across(steps: Sequence[int]) -> list[float]:
    if not steps:
        return []
    first, last = steps[0], steps[-1]
    return [WIDTH * (step - first) / (last - first) if last > first else WIDTH for step in steps]


def _visible(piece: list[str]) -> list[str]:
    """Return at least two points, since a polyline of one point draws nothing."""
    return piece if len(piece) > 1 else piece * 2


def share(part: float | None, whole: float | None) -> float:
    """Return ``part`` of ``whole`` in percent, within 0 and 100; 0 when either is unknown."""
    return 0.0 if not part or not whole else round(min(100.0, 100.0 * part / whole), 2)


def rows(curve: CurveView, most: int = 200) -> list[tuple[int, float | None]]:
    """Return steps and values for a table, evenly thinned to ``most``; gaps and the end stay."""
    pairs = list(zip(curve.steps, curve.values, strict=True))
    stride = max(1, math.ceil(len(pairs) / most))
    last = len(pairs) - 1
    return [
        pair
        for index, pair in enumerate(pairs)
        if index % stride == 0 or pair[1] is None or index == last
    ]


def flatten(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return nested settings as dotted names with plain values, in their order."""
    found: list[tuple[str, Any]] = []
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            found.extend(flatten(value, f"{name}."))
        elif value not in (None, "", []):
            found.append((name, value))
    return found


def overlay(compare: CompareView) -> list[tuple[str, list[tuple[int, RunView, CurveView]]]]:
    """Return for each metric the runs that have it: number among all, run and curve."""
    found: dict[str, list[tuple[int, RunView, CurveView]]] = {}
    for number, (run, curves) in enumerate(zip(compare.runs, compare.curves, strict=True), 1):
        for curve in curves.curves:
            found.setdefault(curve.metric, []).append((number, run, curve))
    return list(found.items())
