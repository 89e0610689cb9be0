"""What the catalogue proves of what the course document asks, and what a full run says of it."""

import re
from pathlib import Path

from practicum_labs.authoring import ledger
from practicum_labs.authoring.coverage import IN_TOOLKIT, coverage, proven_by, requirements
from practicum_labs.authoring.proofs import Case, Row
from practicum_labs.authoring.syllabus import syllabus
from practicum_labs.checking.runner import Result
from practicum_labs.execute import Executed
from practicum_labs.schema import Evidence, read_manifest

CATALOG = Path(__file__).parents[3] / "labs" / "catalog"
MANIFESTS = [read_manifest(path.parent) for path in sorted(CATALOG.glob("*/lab.yaml"))]
LORA = next(manifest for manifest in MANIFESTS if manifest.id == "lora")


def test_no_evidence_is_for_what_nobody_asks():
    assert coverage(MANIFESTS).orphans == ()


def test_what_is_proven_nowhere_is_missing():
    found = coverage([LORA])
    missing = {requirement.id for requirement in found.missing}
    assert found.bound["R49"] == ["lora/add_adapter"]
    assert "R49" not in missing
    assert not missing & IN_TOOLKIT.keys()
    assert "R107" in missing
    assert "R35" not in missing  # it is the operator's
    assert missing <= requirements().keys()


def test_evidence_for_what_nobody_asked_is_an_orphan():
    stray = Evidence(requirement="R999", step="pool", check="pool")
    changed = LORA.model_copy(update={"evidence": (*LORA.evidence, stray)})
    assert coverage([changed]).orphans == (
        "lora/pool is evidence for R999, which nobody asked for",
    )


def test_the_syllabus_tells_of_every_lab_and_of_what_is_missing():
    page = syllabus(MANIFESTS)
    for manifest in MANIFESTS:
        assert f"### {manifest.title.en} · {manifest.title.zh}" in page
    listed = set(re.findall(r"^\| (R\d+) \|", page.partition("## Not there yet")[2], re.MULTILINE))
    assert listed == {requirement.id for requirement in coverage(MANIFESTS).missing}


def row(step, kind, failure, *, expected="", **measures):
    case = Case(step, kind, kind, expected, Path())
    result = Result(step.name, failure, cpu_seconds=1.5, peak_mib=90, measures=measures)
    return Row(case, result)


def test_a_row_holds_only_from_both_sides():
    step = LORA.step("transfer")
    done = Executed(Path(), 80.0, {"one": 30.0, "two": 50.0}, passed=["transfer"])
    right = row(step, "alternative", "", macro_f1=0.7, low=0.6, high=0.8)
    wrong = row(step, "mutant", "layout", expected="layout")
    missed = row(step, "mutant", "", expected="layout")

    def entry(*rows):
        return next(e for e in ledger.entries(LORA, "cpu", done, rows) if e.step == "transfer")

    held = entry(right, wrong)
    assert (held.passed, held.alternatives_passed, held.mutants_failed) == (True, "1/1", "1/1")
    assert (held.metric, held.value, held.interval) == ("macro_f1", 0.7, (0.6, 0.8))
    assert (held.seconds, held.peak_memory_mib) == (3.0, 90)
    assert held.requirements == proven_by(LORA, step)
    assert not entry(right, wrong, missed).passed
    assert not entry().passed


def test_a_lab_that_runs_again_replaces_its_last_run(tmp_path):
    step = LORA.step("transfer")
    done = Executed(Path(), 80.0, {"one": 30.0, "two": 50.0}, passed=["transfer"])
    broke = Executed(Path(), 80.0, {"one": 30.0, "two": 50.0}, error="ValueError: no")
    rows = [row(step, "alternative", "", macro_f1=0.7, low=0.6, high=0.8)]
    first = ledger.Ledger().with_lab(
        ledger.notebook(LORA, "cpu", done), ledger.entries(LORA, "cpu", done, rows)
    )
    path = tmp_path / "new" / "labs.json"
    first.write(path)
    known = ledger.Ledger.read(path, versions={"lora": LORA.version})
    assert known.as_markdown() == first.as_markdown()
    assert "macro_f1 0.700 [0.600, 0.800], beats frozen" in known.as_markdown()
    again = known.with_lab(ledger.notebook(LORA, "cpu", broke), [])
    assert again.rows == ()
    assert "| lora | cpu | 80 | two, 50 s | ValueError: no |" in again.as_markdown()
    assert not again.holds({"lora"})
    assert ledger.Ledger.read(path, versions={"lora": "0.9.0"}) == ledger.Ledger()
    path.write_text('{"rows": [{"lab": "lora"}], "notebooks": []}')
    assert ledger.Ledger.read(path, versions={"lora": LORA.version}) == ledger.Ledger()
