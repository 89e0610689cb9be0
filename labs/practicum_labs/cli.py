"""`practicum-labs`: what authors, the image build and the main job run."""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from practicum_labs import track
from practicum_labs.authoring import ledger
from practicum_labs.authoring.build import build, find_lab, read_lab
from practicum_labs.authoring.coverage import coverage
from practicum_labs.authoring.lint import lint
from practicum_labs.authoring.new import new_lab
from practicum_labs.authoring.proofs import Row, prove
from practicum_labs.authoring.syllabus import syllabus
from practicum_labs.authoring.text import read_blocks, stamp
from practicum_labs.execute import execute
from practicum_labs.fetch import fetch
from practicum_labs.messages import say
from practicum_labs.registry import DataError, registry
from practicum_labs.resource import lab_resource
from practicum_labs.schema import read_manifest
from practicum_labs.settings import LabSettings
from practicum_labs.tier import tier
from practicum_labs.track.delivery import State

CATALOG = Path("labs/catalog")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.call(options)
    except (DataError, LookupError, FileNotFoundError, FileExistsError, ValueError) as error:
        print(f"practicum-labs: {error}", file=sys.stderr)
        return 2
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="practicum-labs", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, call: Any, text: str) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
        added.set_defaults(call=call)
        added.add_argument("--catalog", type=Path, default=CATALOG)
        return added

    added = command("build", _build, "make the notebooks of every lab, or of some")
    added.add_argument("labs", nargs="*")
    added.add_argument("--into", type=Path, default=Path("build/labs"))
    added = command("lint", _lint, "find what is wrong with the sources of labs")
    added.add_argument("labs", nargs="*")
    added = command("reviewed", _reviewed, "note that both languages of a lab were read together")
    added.add_argument("lab")
    added = command("new", _new, "lay out a new lab")
    added.add_argument("number", type=int)
    added.add_argument("name")
    added = command("check-both-sides", _both_sides, "prove the checks of a lab")
    added.add_argument("lab")
    added.add_argument("--step", default="")
    added.add_argument("--json", type=Path)
    added = command("coverage", _coverage, "say which requirements have evidence; fail on a gap")
    added.set_defaults(labs=[])
    added = command("syllabus", _syllabus, "write the page about the labs, from their manifests")
    added.set_defaults(labs=[])
    added.add_argument("page", type=Path)
    added.add_argument("--check", action="store_true", help="fail when the page is not current")
    added = command("prove", _prove, "run solutions and both sides of the checks, for the record")
    added.add_argument("labs", nargs="*")
    added.add_argument("--json", type=Path, default=Path("build/labs.json"))
    added = command("run", _run, "run a lab's notebook from top to bottom")
    added.add_argument("lab")
    added.add_argument("--language", choices=["en", "zh"], default="en")
    added.add_argument("--solution", action="store_true")
    added.add_argument("--output", type=Path)
    added = command("resource", _resource, "print the Lab custom resource of every lab, or of some")
    added.add_argument("labs", nargs="*")
    added.add_argument("--image", default="practicum/sandbox")
    added.add_argument("--tier", choices=["cpu", "gpu"], default="cpu")
    command("sync", _sync, "send the runs that the portal does not have yet")
    data = command("data", None, "the data volume").add_subparsers(required=True)
    fetched = data.add_parser("fetch", help="download, verify and unpack data sets and models")
    fetched.set_defaults(call=_fetch)
    fetched.add_argument("names", nargs="*", help="all when none is named")
    fetched.add_argument("--into", type=Path, required=True)
    fetched.add_argument("--from", dest="source", type=Path, help="folder of archives")
    return parser


def _folders(options: argparse.Namespace) -> list[Path]:
    if options.labs:
        return [find_lab(options.catalog, name) for name in options.labs]
    return [path.parent for path in sorted(options.catalog.glob("*/lab.yaml"))]


def _build(options: argparse.Namespace) -> int:
    for folder in _folders(options):
        print(build(folder, options.into))
    return 0


def _lint(options: argparse.Namespace) -> int:
    problems = [problem for folder in _folders(options) for problem in lint(folder)]
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def _reviewed(options: argparse.Namespace) -> int:
    folder = find_lab(options.catalog, options.lab)
    for language, other in (("en", "zh"), ("zh", "en")):
        stamp(folder / f"text.{language}.md", read_blocks(folder / f"text.{other}.md"))
    return 0


def _new(options: argparse.Namespace) -> int:
    print(new_lab(options.catalog, options.number, options.name))
    return 0


def _both_sides(options: argparse.Namespace) -> int:
    lab = read_lab(find_lab(options.catalog, options.lab))
    with tempfile.TemporaryDirectory() as scratch:
        built = build(lab.folder, Path(scratch))
        steps = {options.step} if options.step else None
        rows = prove(lab, built, LabSettings().data, steps=steps)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps([_row(row) for row in rows], indent=1), "utf-8")
    return 0 if rows and all(row.holds for row in rows) else 1


def _coverage(options: argparse.Namespace) -> int:
    found = coverage(read_manifest(folder) for folder in _folders(options))
    for name, places in found.bound.items():
        print(f"{name:<5} {', '.join(places) or '-'}")
    for orphan in found.orphans:
        print(orphan)
    count = len(found.bound)
    print(f"{count - len(found.missing)} of {count} requirements of the labs have evidence")
    return 1 if found.missing or found.orphans else 0


def _syllabus(options: argparse.Namespace) -> int:
    text = syllabus([read_manifest(folder) for folder in _folders(options)])
    if not options.check:
        options.page.write_text(text, "utf-8")
    elif not options.page.exists() or options.page.read_text("utf-8") != text:
        print(f"{options.page} is not current: make generate", file=sys.stderr)
        return 1
    return 0


def _prove(options: argparse.Namespace) -> int:
    catalog = [read_manifest(path.parent) for path in options.catalog.glob("*/lab.yaml")]
    versions = {manifest.id: manifest.version for manifest in catalog}
    known = ledger.Ledger.read(options.json, versions=versions)
    proven: set[str] = set()
    for folder in _folders(options):
        ran, rows = _prove_lab(folder)
        known = known.with_lab(ran, rows)
        known.write(options.json)
        proven.add(ran.lab)
    print(known.as_markdown(), end="")
    return 0 if known.holds(proven) else 1


def _prove_lab(folder: Path) -> tuple[ledger.Notebook, list[ledger.Entry]]:
    lab = read_lab(folder)
    with tempfile.TemporaryDirectory() as scratch:
        # Kernels read the same from their environment.
        place = Path(scratch)
        os.environ |= {
            "PRACTICUM_LABS": str(place / "labs"),
            "PRACTICUM_WORKSPACE": str(place / "work"),
        }
        settings = LabSettings()
        built = build(folder, settings.labs)
        done = execute(
            lab.manifest.id,
            language="en",
            solution=True,
            output=settings.workspace / "solution.ipynb",
            settings=settings,
            tell=_aside,
        )
        size = tier(settings.tier).name
        rows = prove(lab, built, settings.data, tell=_aside)
    return ledger.notebook(lab.manifest, size, done), ledger.entries(lab.manifest, size, done, rows)


def _aside(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _row(row: Row) -> dict[str, Any]:
    return {
        "step": row.case.step.name,
        "kind": row.case.kind,
        "name": row.case.name,
        "expected": row.case.expected,
        "found": row.result.failure,
        "holds": row.holds,
        "cpu_seconds": round(row.result.cpu_seconds, 2),
        "peak_mib": row.result.peak_mib,
        "measures": row.result.measures,
    }


def _run(options: argparse.Namespace) -> int:
    settings = LabSettings()
    kind = "solution" if options.solution else "trainee"
    name = f"{options.lab}.{options.language}.{kind}.executed.ipynb"
    output = (options.output or Path(name)).resolve()
    figures = settings.labs / options.lab / "workspace" / "figures"
    if figures.is_dir() and not (output.parent / "figures").exists():
        shutil.copytree(figures, output.parent / "figures")
    with tempfile.TemporaryDirectory() as scratch:  # what the trainee has done stays as it is
        done = execute(
            options.lab,
            language=options.language,
            solution=options.solution,
            output=output,
            settings=settings.model_copy(update={"workspace": Path(scratch)}),
            tell=_say_now,
        )
    slow = max(done.cells.values(), default=0.0)
    _say_now(f"{done.output}: {done.seconds:.0f} s in all, slowest cell {slow:.0f} s")
    _say_now(f"checks passed: {', '.join(done.passed) or 'none'}")
    if done.failed:
        _say_now(f"checks not passed: {', '.join(done.failed)}")
    if done.error:
        _say_now(done.error)
    return 0 if done.fine else 1


def _say_now(text: str) -> None:
    print(text, flush=True)


def _resource(options: argparse.Namespace) -> int:
    manifests = [read_manifest(folder) for folder in _folders(options)]
    resources = [
        lab_resource(manifest, image=options.image, tier=options.tier)
        for manifest in manifests
        if options.tier == "cpu" or manifest.tiers.gpu.accelerator
    ]
    yaml.safe_dump_all(resources, sys.stdout, allow_unicode=True, sort_keys=False)
    return 0


def _fetch(options: argparse.Namespace) -> int:
    fetch(options.names or list(registry()), options.into, source=options.source)
    return 0


def _sync(_options: argparse.Namespace) -> int:
    settings = LabSettings()
    if not settings.api_url or not settings.api_token.get_secret_value():
        print(say("sync.no_portal", settings.language))
        return 2
    results = track.sync(settings)
    for run, delivery in results.items():
        state = delivery.state.value
        print(say("sync.run", settings.language, run=run, state=state, detail=delivery.detail))
    if not results:
        print(say("sync.none", settings.language))
    return 0 if all(result.state is State.SENT for result in results.values()) else 1
