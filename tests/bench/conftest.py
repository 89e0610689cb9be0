"""One report of all benchmarks: a table on the screen and build/bench.json."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from practicum_local.paths import CHECKOUT

REPORT = CHECKOUT / "build/bench.json"


class Report:
    """Figures by name, in the order in which they were measured."""

    def __init__(self) -> None:
        self.figures: dict[str, Any] = {}

    def add(self, **figures: Any) -> None:
        self.figures |= figures

    def table(self) -> str:
        rows = []
        for name, value in self.figures.items():
            parts = value.items() if isinstance(value, dict) else [("", value)]
            rows += [(f"{name} {part}".strip(), shown) for part, shown in parts]
        width = max((len(name) for name, _ in rows), default=0)
        return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.figures, indent=2) + "\n")


@pytest.fixture(scope="session")
def report() -> Iterator[Report]:
    made = Report()
    made.add(cpus=os.cpu_count())
    yield made
    made.write(REPORT)
    print(f"\n{made.table()}\n\nwritten to {REPORT}")  # noqa: T201 - what `make bench` is for
