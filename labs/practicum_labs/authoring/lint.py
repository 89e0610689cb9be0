"""Find what is wrong with a lab's sources, with file and line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from practicum_labs.authoring.build import Lab, read_lab
from practicum_labs.authoring.proofs import expected_failure, proof_names
from practicum_labs.authoring.reference import function_name
from practicum_labs.authoring.source import SourceError
from practicum_labs.messages import LANGUAGES, say
from practicum_labs.registry import registry
from practicum_labs.schema import ManifestError, Messages, read_messages

LEAST: Final = 2
SAID: Final = re.compile(r"""lab\.say\(\s*["']([a-z0-9_.]+)["']""")
FIELDS: Final = re.compile(r"{([a-z_]+)")
CJK: Final = re.compile(r"[\u4e00-\u9fff]")
HALF_WIDTH: Final = re.compile(r"[\u4e00-\u9fff][,;?!](?![^`]*`)")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to mend."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        """Return it as editors read it."""
        return f"{self.path}:{self.line}: {self.text}"


def lint(folder: Path) -> list[Problem]:
    """Return every problem of the lab in ``folder``; an empty list means it is fine."""
    try:
        lab = read_lab(folder)
        messages = {language: read_messages(folder, language) for language in LANGUAGES}
    except SourceError as error:
        return [Problem(error.path, error.line, error.problem)]
    except ManifestError as error:
        return [Problem(folder / "lab.yaml", 1, str(error))]
    problems = [*_anchors(lab), *_translations(lab), *_steps(lab), *_messages(lab, messages)]
    problems += [*_proofs(lab, messages["en"]), *_data(lab)]
    return sorted(problems, key=lambda problem: (str(problem.path), problem.line))


def _anchors(lab: Lab) -> Iterator[Problem]:
    wanted = {cell.anchor: cell.line for cell in lab.cells if cell.code is None}
    for language, blocks in lab.texts.items():
        path = lab.folder / f"text.{language}.md"
        for anchor, line in wanted.items():
            if anchor not in blocks:
                yield Problem(lab.folder / "lab.py", line, f"{path.name} has no block {anchor}")
            elif not blocks[anchor].text:
                yield Problem(path, blocks[anchor].line, f"{anchor} is empty")
        for anchor, block in blocks.items():
            if anchor not in wanted:
                yield Problem(path, block.line, f"no cell shows {anchor}")


def _translations(lab: Lab) -> Iterator[Problem]:
    for language, other in (("en", "zh"), ("zh", "en")):
        path = lab.folder / f"text.{language}.md"
        for anchor, block in lab.texts[language].items():
            twin = lab.texts[other].get(anchor)
            if twin and block.reviewed != twin.hash:
                text = f"{anchor} was not read against text.{other}.md as it is now"
                yield Problem(path, block.line, f"{text} (line {twin.line}; then: reviewed)")
            if language == "zh" and block.text:
                if not CJK.search(block.text):
                    yield Problem(path, block.line, f"{anchor} is not Chinese")
                for number, line in enumerate(block.text.splitlines(), block.line + 1):
                    if HALF_WIDTH.search(line):
                        yield Problem(path, number, "half-width punctuation after Chinese")


def _steps(lab: Lab) -> Iterator[Problem]:
    graded = {cell.step: cell for cell in lab.cells if cell.step}
    checks = (lab.folder / "checks.py").read_text("utf-8")
    for step in lab.manifest.steps:
        if not re.search(rf"^def {step.name}\(", checks, re.MULTILINE):
            yield Problem(lab.folder / "checks.py", 1, f"no check for step {step.name}")
        if step.name not in graded:
            yield Problem(lab.folder / "lab.py", 1, f"no cell with graded={step.name}")
        elif step.kind == "function":
            cell = graded[step.name]
            if f" {function_name(step)}(" not in (cell.code or ""):
                text = f"the cell of {step.name} does not define {step.signature}"
                yield Problem(lab.folder / "lab.py", cell.line, text)
            if cell.code == cell.stub:
                yield Problem(lab.folder / "lab.py", cell.line, f"{step.name} has no blank")
    for name, cell in graded.items():
        if name not in {step.name for step in lab.manifest.steps}:
            yield Problem(lab.folder / "lab.py", cell.line, f"lab.yaml has no step {name}")


def _messages(lab: Lab, messages: dict[str, Messages]) -> Iterator[Problem]:
    english, chinese = messages["en"], messages["zh"]
    path = lab.folder / "messages.zh.yaml"
    for step in lab.manifest.steps:
        ours, theirs = english.steps.get(step.name), chinese.steps.get(step.name)
        if ours is None or theirs is None:
            yield Problem(path, 1, f"step {step.name} has no messages in both languages")
            continue
        if ours.failures.keys() != theirs.failures.keys():
            odd = ", ".join(sorted(ours.failures.keys() ^ theirs.failures.keys()))
            yield Problem(path, 1, f"step {step.name}: only one language has {odd}")
        for name in ours.failures.keys() & theirs.failures.keys():
            if _fields(ours.failures[name].says) != _fields(theirs.failures[name].says):
                yield Problem(path, 1, f"{step.name}.{name} names other facts than in English")
    if english.prints.keys() != chinese.prints.keys():
        odd = ", ".join(sorted(english.prints.keys() ^ chinese.prints.keys()))
        yield Problem(path, 1, f"only one language prints {odd}")
    for cell in lab.cells:
        for key in SAID.findall(cell.code or ""):
            if key not in english.prints:
                text = f"messages.en.yaml prints no {key}"
                yield Problem(lab.folder / "lab.py", cell.line, text)


def _proofs(lab: Lab, messages: Messages) -> Iterator[Problem]:
    for step in lab.manifest.steps:
        path = lab.folder / "proofs" / f"{step.name}.py"
        if not path.exists():
            yield Problem(path, 1, f"nothing proves the check of {step.name}")
            continue
        alternatives, mutants = proof_names(path)
        if len(alternatives) < LEAST or len(mutants) < LEAST:
            text = f"{len(alternatives)} alternatives and {len(mutants)} mutants: two of each"
            yield Problem(path, 1, text)
        own = messages.steps[step.name].failures if step.name in messages.steps else {}
        for mutant in mutants:
            failure = expected_failure(mutant)
            if failure not in own and not _generic(failure):
                yield Problem(path, 1, f"{mutant} expects {failure}, which no message names")
        for failure in own.keys() - {expected_failure(mutant) for mutant in mutants}:
            yield Problem(path, 1, f"no mutant shows the failure {failure}")


def _data(lab: Lab) -> Iterator[Problem]:
    for use in lab.manifest.data:
        if use.name not in registry():
            yield Problem(lab.folder / "lab.yaml", 1, f"the registry has no {use.name}")


def _generic(failure: str) -> bool:
    try:
        say(f"check.{failure}.hint")
    except KeyError:
        return False
    return True


def _fields(text: str) -> set[str]:
    return set(FIELDS.findall(text))
