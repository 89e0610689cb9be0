"""The lab on customer service, for real: torch, the templates, simulated customers, HTTP."""

import json
from pathlib import Path
from typing import Any

import pytest

from practicum_labs.authoring.build import find_lab, read_lab
from practicum_labs.authoring.proofs import prove
from practicum_labs.execute import Executed, execute
from practicum_labs.schema import read_manifest
from practicum_labs.settings import LabSettings

pytestmark = pytest.mark.torch
CATALOG = Path(__file__).parents[3] / "labs" / "catalog"
FOLDER = CATALOG / "30-customer-service"


def _execute(settings: LabSettings, *, solution: bool, language: str = "zh") -> Executed:
    output = settings.workspace / "out.ipynb"
    return execute(
        "service", language=language, solution=solution, output=output, settings=settings
    )


def _runs(settings: LabSettings) -> dict[str, dict[str, Any]]:
    found = {}
    for path in (settings.state / "runs").glob("*/run.json"):
        run = json.loads(path.read_text("utf-8"))
        run["finish"] = json.loads(path.with_name("finish.json").read_text("utf-8"))
        lines = path.with_name("points.jsonl").read_text("utf-8").splitlines()
        run["points"] = [json.loads(line) for line in lines]
        found[run["name"]] = run
    return found


def test_the_solution_runs_to_the_end_and_shows_what_it_claims(settings):
    done = _execute(settings, solution=True)
    assert done.error == ""
    assert done.failed == []
    runs = _runs(settings)
    assert runs["version 1"]["environment"]["data"].keys() >= {"ha-intents"}
    assert len(runs["version 1"]["points"]) == runs["version 1"]["config"]["epochs"]
    weeks = runs["weeks"]["finish"]["summary"]
    assert weeks["version"] == 3  # two promotions, and the last candidate was kept out
    assert weeks["old_accuracy"] > 0.8
    load = [json.dumps(point) for point in runs["load"]["points"]]
    assert all(name in load[0] for name in ("p50_ms", "p95_ms", "per_second"))
    text = done.output.read_text("utf-8")
    assert "promoted" in text
    assert "kept" in text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_untouched_notebook_stops_at_its_first_blank(settings, language):
    done = _execute(settings, solution=False, language=language)
    assert done.error.startswith("NotImplementedError: split_by_family, blank 1")
    assert done.passed == []


@pytest.mark.parametrize("step", [step.name for step in read_manifest(FOLDER).steps])
def test_checks_hold_from_both_sides(built, settings, step):
    said: list[str] = []
    lab = read_lab(find_lab(CATALOG, "service"))
    rows = prove(lab, built / "service", settings.data, only=step, tell=said.append)
    assert rows
    assert [row for row in rows if not row.holds] == [], "\n".join(said)
