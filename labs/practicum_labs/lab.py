"""The lab a notebook works in: ``lab = open_lab("lora", language="en")``."""

import linecache
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from practicum_labs.authoring.reference import reference
from practicum_labs.authoring.source import read_cells
from practicum_labs.checking.capture import CaptureError, capture
from practicum_labs.checking.runner import Check, Checker, Result
from practicum_labs.messages import say, speak
from practicum_labs.report import UNLOCK_AFTER, Report, report
from practicum_labs.schema import Manifest, Messages, Quiz, read_manifest, read_messages, read_quiz
from practicum_labs.settings import LabSettings
from practicum_labs.state import Prediction, State, StateFile
from practicum_labs.tier import Tier, tier

FONTS: Final = ("DejaVu Sans", "WenQuanYi Micro Hei", "Noto Sans CJK SC", "Noto Sans CJK JP")


@dataclass(frozen=True)
class Lab:
    """One lab, in one language, in one workspace."""

    folder: Path
    manifest: Manifest
    messages: Messages
    quiz_file: Quiz
    language: str
    state: StateFile
    settings: LabSettings
    checker: Checker

    @property
    def tier(self) -> Tier:
        """The size this notebook runs at."""
        return tier(self.settings.tier)

    def say(self, key: str, **facts: Any) -> str:
        """Return one of the lab's own sentences or labels."""
        return self.messages.prints[key].format(**facts)

    def check(self, step: str, thing: Any) -> Report:
        """Check a function, or the path of an artefact, on fresh inputs in its own process."""
        declared = self.manifest.step(step)
        try:
            if declared.kind == "artefact":
                candidate: Any = self._artefact(thing)
            else:
                candidate = capture(thing)
        except CaptureError as error:
            result = Result(step, error.reason, generic=True, facts=error.facts)
        else:
            result = self.checker.run(Check(declared, candidate))
        state = self._change(lambda state: state.step(step).seen(result.failure))
        return report(result, declared, state.step(step), self.messages, self.language)

    def resume(self, step: str) -> Any:
        """Return the catalogue's own function for ``step``, so that you can go on; no credit."""
        candidate = reference(read_cells(self.folder / "lab.py"), self.manifest.step(step))
        name = f"<reference {step}>"
        scope: dict[str, Any] = {"__name__": "__main__"}
        lines = candidate.source.splitlines(keepends=True)
        linecache.cache[name] = (len(candidate.source), None, lines, name)
        exec(compile(candidate.source, name, "exec"), scope)  # noqa: S102 (the catalogue's code)

        def resumed(state: State) -> None:
            state.step(step).resumed = True

        self._change(resumed)
        return scope[candidate.name]

    def solution(self, step: str) -> Report:
        """Show the solution of ``step`` once all hints were seen; it is noted as unlocked."""
        declared = self.manifest.step(step)
        seen = self.state.read().step(step)
        title = declared.title.in_language(self.language)
        if not (seen.passed or seen.attempts >= UNLOCK_AFTER):
            left = UNLOCK_AFTER - seen.attempts
            text = say("check.locked", self.language, left=left)
            return Report(passed=False, title=title, lines=(text,))

        def unlocked(state: State) -> None:
            state.step(step).unlocked = True

        self._change(unlocked)
        cells = read_cells(self.folder / "lab.py")
        code = next(cell.code for cell in cells if cell.step == step)
        text = say("check.unlocked", self.language)
        return Report(passed=True, title=title, lines=(text, f"```python\n{code}\n```"))

    def predict(self, name: str, low: Any = ..., high: Any = ...) -> None:
        """Note the range that you are 80 % sure ``name`` will fall into, before you see it."""
        if low is ... or high is ...:
            print(say("predict.missing", self.language, name=name))
            return
        low, high = sorted((float(low), float(high)))

        def noted(state: State) -> None:
            if name not in state.predictions or state.predictions[name].actual is None:
                state.predictions[name] = Prediction(low, high)

        kept = self._change(noted).predictions[name]
        print(say("predict.noted", self.language, low=kept.low, high=kept.high))

    def reveal(self, name: str, actual: float) -> None:
        """Show what came out beside what was predicted."""

        def seen(state: State) -> None:
            if name in state.predictions:
                state.predictions[name].actual = float(actual)

        prediction = self._change(seen).predictions.get(name)
        if prediction is None:
            print(say("predict.none", self.language, actual=actual))
            return
        key = "predict.hit" if prediction.hit else "predict.miss"
        facts = {"low": prediction.low, "high": prediction.high, "actual": actual}
        print(say(key, self.language, **facts))

    def calibration(self) -> None:
        """Show how many ranges held what came out; of ten, eight should."""
        hits = [p.hit for p in self.state.read().predictions.values() if p.hit is not None]
        key = "predict.calibration" if hits else "predict.no_calibration"
        print(say(key, self.language, hits=sum(hits), of=len(hits)))

    def quiz(self) -> None:
        """Show the questions."""
        for name, item in self.quiz_file.questions.items():
            print(f"[{name}] {item.question.in_language(self.language)}")
            for number, choice in enumerate(item.choices, 1):
                print(f"   {number}. {choice.in_language(self.language)}")
            print()

    def answer(self, name: str, choice: Any = ...) -> None:
        """Answer one question of the quiz by number, and see why."""
        if choice is ...:
            print(say("quiz.missing", self.language, name=name))
            return
        item = self.quiz_file.questions.get(name)
        if item is None:
            names = ", ".join(self.quiz_file.questions)
            print(say("quiz.unknown", self.language, name=name, names=names))
            return
        if choice not in range(1, len(item.choices) + 1):
            print(say("quiz.choice", self.language, most=len(item.choices)))
            return

        def noted(state: State) -> None:
            state.answers.setdefault(name, int(choice))

        self._change(noted)
        key = "quiz.right" if int(choice) - 1 == item.answer else "quiz.wrong"
        right = item.choices[item.answer].in_language(self.language)
        print(say(key, self.language, right=right))
        print(item.because.in_language(self.language))

    def style(self) -> None:
        """Make plots legible, with fonts that can draw Chinese."""
        from matplotlib import font_manager, rcParams

        installed = {font.name for font in font_manager.fontManager.ttflist}
        fonts = [name for name in FONTS if name in installed]
        rcParams.update(
            {
                "font.family": fonts or ["sans-serif"],
                "axes.unicode_minus": False,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.grid": True,
                "grid.alpha": 0.25,
                "figure.dpi": 110,
            }
        )

    def _change(self, edit: Callable[[State], None]) -> State:
        def warn(error: OSError) -> None:
            path = self.state.path
            print(say("state.unsaved", self.language, path=path, error=error.strerror))

        return self.state.change(edit, warn=warn)

    def _artefact(self, thing: Any) -> Path:
        path = Path(str(thing))
        if not isinstance(thing, (str, Path)) or not path.exists():
            raise CaptureError("no_artefact", got=str(thing)[:200])
        return path


def open_lab(name: str, *, language: str = "en", settings: LabSettings | None = None) -> Lab:
    """Return the built lab ``name``; raise FileNotFoundError saying where it was looked for."""
    settings = settings or LabSettings()
    folder = settings.labs / name
    if not (folder / "lab.yaml").exists():
        raise FileNotFoundError(f"no lab {name!r} in {settings.labs} (set PRACTICUM_LABS)")
    speak(language)
    return Lab(
        folder=folder,
        manifest=read_manifest(folder),
        messages=read_messages(folder, language),
        quiz_file=read_quiz(folder),
        language=language,
        state=StateFile(settings.state / "labs" / f"{name}.json"),
        settings=settings,
        checker=Checker(folder, settings.data),
    )
