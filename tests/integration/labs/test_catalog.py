"""Every lab of the catalogue: checks from both sides, and its notebook at a tiny size."""

import json
from pathlib import Path

import pytest

from practicum_labs.authoring.build import read_lab
from practicum_labs.authoring.proofs import prove
from practicum_labs.schema import read_manifest

pytestmark = pytest.mark.torch
CATALOG = Path(__file__).parents[3] / "labs" / "catalog"
FOLDERS = sorted(path.parent for path in CATALOG.glob("*/lab.yaml"))

of_each_lab = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


@of_each_lab
def test_the_solution_runs_to_the_end_at_a_tiny_size(run, monkeypatch, folder):
    monkeypatch.setenv("PRACTICUM_TIER", "tiny")
    assert run(read_manifest(folder).id, solution=True).error == ""


@of_each_lab
def test_the_untouched_notebook_stops_at_a_blank(run, monkeypatch, folder):
    monkeypatch.setenv("PRACTICUM_TIER", "tiny")
    done = run(read_manifest(folder).id, solution=False)
    steps = [step.name for step in read_manifest(folder).steps]
    stopped = done.error.removeprefix("NotImplementedError: ").partition(",")[0]
    assert stopped in steps, done.error
    assert done.passed == []


@of_each_lab
def test_code_is_the_same_in_both_languages(built, folder):
    name = read_manifest(folder).id
    workspace = built / name / "workspace"
    english, chinese = (
        (workspace / f"{name}.{language}.ipynb").read_text("utf-8") for language in ("en", "zh")
    )
    opened = f'open_lab("{name}", language="{{}}")'.format
    assert _code(english) == _code(chinese).replace(opened("zh"), opened("en"))


def _code(notebook: str) -> str:
    cells = json.loads(notebook)["cells"]
    return "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")


@of_each_lab
@pytest.mark.parametrize(
    "kind", ["function", pytest.param("artefact", marks=pytest.mark.full)]
)  # artefacts take training to make, right ones and wrong ones
def test_checks_hold_from_both_sides(built, settings, folder, kind):
    said: list[str] = []
    lab = read_lab(folder)
    steps = {step.name for step in lab.manifest.steps if step.kind == kind}
    rows = prove(lab, built / lab.manifest.id, settings.data, steps=steps, tell=said.append)
    assert {row.case.step.name for row in rows} == steps
    assert [row for row in rows if not row.holds] == [], "\n".join(said)
