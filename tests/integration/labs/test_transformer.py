"""The lab on the transformer's parts, for real: torch, jieba's words and the menus."""

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
FOLDER = CATALOG / "04-transformer-from-parts"


def _execute(settings: LabSettings, *, solution: bool, language: str = "en") -> Executed:
    output = settings.workspace / "out.ipynb"
    return execute(
        "transformer", language=language, solution=solution, output=output, settings=settings
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
    final = {name: run["finish"]["summary"]["loss"] for name, run in runs.items()}
    for seed in range(3):
        assert final[f"no residual, seed {seed}"] > final[f"whole, seed {seed}"]
        assert runs[f"whole, seed {seed}"]["environment"]["seed"] == seed
    assert final["colleague's mask"] < final["causal mask"] / 2
    for run in runs.values():
        assert run["finish"]["state"] == "finished"
        assert len(run["points"]) >= 100
    assert "jieba-dict" in runs["whole, seed 0"]["environment"]["data"]
    assert "vader-tweets" in runs["tweets"]["environment"]["data"]
    text = done.output.read_text("utf-8")
    assert "0/300  0/300  0/300" in text
    assert "sees the future: True" in text
    assert "sees the future: False" in text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_untouched_notebook_stops_where_its_first_blank_is_needed(settings, language):
    done = _execute(settings, solution=False, language=language)
    assert done.error.startswith("NotImplementedError: positions, blank 1")
    assert done.passed == []


@pytest.mark.parametrize("step", [step.name for step in read_manifest(FOLDER).steps])
def test_checks_hold_from_both_sides(built, settings, step):
    said: list[str] = []
    lab = read_lab(find_lab(CATALOG, "transformer"))
    rows = prove(lab, built / "transformer", settings.data, only=step, tell=said.append)
    assert rows
    assert [row for row in rows if not row.holds] == [], "\n".join(said)
