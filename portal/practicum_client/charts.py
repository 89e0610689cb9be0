"""Curves in a terminal: a sparkline in one row, a chart in braille dots."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

DASH = "\N{EN DASH}"
"""Stands where there is no number."""
BARS = "▁▂▃▄▅▆▇█"
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Braille dots of a cell, by row and column (Unicode 15, chapter 21.1)."""
_BRAILLE = 0x2800
_ROWS, _COLUMNS = 4, 2


def sparkline(values: Sequence[float | None], width: int = 24) -> str:
    """Return a row of at most ``width`` bars; a value that is not finite leaves a gap."""
    finite = [value for value in values if value is not None]
    if not finite:
        return ""
    low, span = min(finite), (max(finite) - min(finite)) or 1.0
    bars = []
    for value in resample(values, width):
        level = None if value is None else int((value - low) / span * (len(BARS) - 1) + 0.5)
        bars.append(" " if level is None else BARS[level])
    return "".join(bars)


def resample(values: Sequence[float | None], width: int) -> list[float | None]:
    """Return at most ``width`` values, each the mean of the finite ones it stands for."""
    count = min(width, len(values))
    found: list[float | None] = []
    for index in range(count):
        chunk = values[index * len(values) // count : (index + 1) * len(values) // count]
        finite = [value for value in chunk if value is not None]
        found.append(math.fsum(finite) / len(finite) if finite else None)
    return found


@dataclass(frozen=True)
class Series:
    """A curve to draw."""

    steps: Sequence[int]
    values: Sequence[float | None]


def chart(series: Series, *, width: int = 60, height: int = 10) -> list[str]:
    """Return the rows of a chart of ``width`` by ``height`` cells; empty without finite values."""
    points = [
        (step, value)
        for step, value in zip(series.steps, series.values, strict=True)
        if value is not None
    ]
    if not points:
        return []
    first, last = points[0][0], points[-1][0]
    low, high = min(value for _, value in points), max(value for _, value in points)
    across, up = width * _COLUMNS - 1, height * _ROWS - 1
    cells = [[0] * width for _ in range(height)]
    for step, value in points:
        column = round((step - first) / ((last - first) or 1) * across)
        row = up - round((value - low) / ((high - low) or 1) * up)
        cells[row // _ROWS][column // _COLUMNS] |= _DOTS[row % _ROWS][column % _COLUMNS]
    return ["".join(chr(_BRAILLE + cell) for cell in row) for row in cells]


def number(value: float | None) -> str:
    """Return a number in few digits."""
    return DASH if value is None else f"{value:.5g}"
