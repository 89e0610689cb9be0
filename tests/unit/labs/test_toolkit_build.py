"""Notebooks come from sources: the same bytes each time, blanks for the trainee, both languages."""

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from practicum_labs.authoring.build import build, find_lab, notebook, read_lab, to_bytes
from practicum_labs.authoring.lint import lint
from practicum_labs.authoring.new import new_lab
from practicum_labs.authoring.proofs import proof_names, standalone
from practicum_labs.authoring.source import SourceError, read_cells
from practicum_labs.authoring.text import read_blocks, stamp

CATALOG = Path(__file__).parents[3] / "labs" / "catalog"
LABS = sorted(path.parent for path in CATALOG.glob("*/lab.yaml"))


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A lab as `practicum-labs new` lays it out."""
    return new_lab(tmp_path, 7, "tiny")


def _cells(path: Path, text: str) -> list:
    file = path / "lab.py"
    file.write_text(text)
    return read_cells(file)


def test_a_solution_becomes_a_blank(tmp_path):
    text = (
        "# %% [markdown] intro\n# %% f graded=f\ndef f(x):\n    # >>> add\n    return x + 1\n"
        "    # <<<\n# %% g\n# >>>\n#| # write it\nprint(1)\n# <<<\n"
    )
    intro, f, g = _cells(tmp_path, text)
    assert (intro.code, intro.line) == (None, 1)
    assert f.code == "def f(x):\n    return x + 1"
    assert f.stub == 'def f(x):\n    raise NotImplementedError("f, blank 1")  # your code'
    assert (f.step, f.line) == ("f", 2)
    assert (g.code, g.stub) == ("print(1)", "# write it")


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("# %% Bad\n", 1, "not a cell header"),
        ("# %% a colour=red\n", 1, "unknown option colour"),
        ("# %% a\nx\n# %% a\n", 3, "also on line 1"),
        ("# %% a\nx\n# >>>\ny\n", 3, "never closed"),
        ("# %% a\nx\n# <<<\n", 3, "not open"),
        ("# %% a\n# >>>\n# >>>\n# <<<\n", 3, "open since line 2"),
    ],
)
def test_what_has_no_form_is_said_with_its_line(tmp_path, text, line, problem):
    with pytest.raises(SourceError, match=problem) as error:
        _cells(tmp_path, text)
    assert error.value.line == line


def test_a_stale_translation_is_found_and_stamping_mends_it(lab):
    english, chinese = lab / "text.en.md", lab / "text.zh.md"
    for path, other in ((english, chinese), (chinese, english)):
        stamp(path, read_blocks(other))
    assert not [p for p in lint(lab) if "was not read against" in p.text]
    english.write_text(english.read_text().replace("# …", "# A new title"))
    stale = [p for p in lint(lab) if "was not read against" in p.text]
    assert [(p.path, p.line) for p in stale] == [(chinese, 1)]


def test_lint_says_what_a_new_lab_still_lacks(lab):
    said = {problem.text for problem in lint(lab)}
    assert "nothing proves the check of first" in said
    assert "intro is not Chinese" in said


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("lab.yaml", "minutes: 60", "minutes: 5", "minutes"),
        ("lab.yaml", "module: practice", "module: fun", "module"),
        ("lab.yaml", "skills: []", "skills: []\ncolour: red", "colour"),
        ("lab.yaml", "data: []", "data: [{name: nowhere, dataLanguage: en}]", "has no nowhere"),
        ("lab.yaml", "evidence: []", "evidence: [{requirement: R1, step: x, check: x}]", "x"),
        ("lab.py", "graded=first", "", "no cell with graded=first"),
        ("lab.py", "def first", "def other", "does not define"),
        ("lab.py", 'lab.check("first", first)', 'lab.say("lost")', "prints no lost"),
        ("checks.py", "def first", "def other", "no check for step first"),
        ("messages.zh.yaml", "      other:", "      another:", "only one language has"),
        ("text.zh.md", "<!-- @first -->", "<!-- @second -->", "no block first"),
        ("text.en.md", "<!-- @first -->", "<!-- first -->\n<!-- @x -->", "no cell shows x"),
    ],
)
def test_lint_finds(lab, file, old, new, said):
    path = lab / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    problems = lint(lab)
    assert any(said in str(problem) for problem in problems), [str(p) for p in problems]
    assert all(problem.line >= 1 for problem in problems)


def test_a_lab_that_does_not_exist(tmp_path):
    with pytest.raises(LookupError, match="nothing"):
        find_lab(tmp_path, "nothing")


@pytest.mark.parametrize("folder", LABS, ids=lambda path: path.name)
def test_catalogue_labs_are_clean(folder):
    assert [str(problem) for problem in lint(folder)] == []


@pytest.mark.parametrize("folder", LABS, ids=lambda path: path.name)
def test_catalogue_labs_build_to_the_same_bytes(folder, tmp_path):
    first, second = build(folder, tmp_path / "a"), build(folder, tmp_path / "b")
    names = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert names == sorted(p.relative_to(second) for p in second.rglob("*") if p.is_file())
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


@pytest.mark.parametrize("folder", LABS, ids=lambda path: path.name)
def test_catalogue_notebooks_are_valid_and_differ_only_where_they_may(folder):
    lab = read_lab(folder)
    made = {
        (language, solution): notebook(lab, language, solution=solution)
        for language in ("en", "zh")
        for solution in (False, True)
    }
    code = {}
    for (language, solution), content in made.items():
        nbformat.validate(nbformat.reads(to_bytes(content).decode(), as_version=4))
        ids = [cell["id"] for cell in content["cells"]]
        assert len(ids) == len(set(ids))
        cells = [c["source"] for c in content["cells"] if c["cell_type"] == "code"]
        opened = f'open_lab(\\"{lab.manifest.id}\\", language=\\"{language}\\")'
        code[language, solution] = json.dumps(cells).replace(opened, "")
    assert code["en", True] == code["zh", True]
    assert code["en", False] == code["zh", False]
    assert "NotImplementedError" in code["en", False]
    assert "NotImplementedError" not in code["en", True]


def test_proofs_of_a_lab_share_what_they_import(tmp_path):
    (tmp_path / "_shared.py").write_text(
        "HALF = 0.5\ndef mutant_wrong__half(x):\n    return HALF * x\n"
    )
    step = tmp_path / "double.py"
    step.write_text(
        "from _shared import (\n    HALF,\n    mutant_wrong__half,\n)\n"
        "def alternative_divided(x):\n    return x / HALF\n"
    )
    assert proof_names(step) == (["alternative_divided"], ["mutant_wrong__half"])
    names: dict[str, Any] = {}
    exec(standalone(step), names)
    assert names["alternative_divided"](2) == 4
    assert names["mutant_wrong__half"](2) == 1
