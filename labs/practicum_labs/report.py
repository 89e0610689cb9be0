"""What a check tells the trainee."""

from dataclasses import dataclass

from practicum_labs.checking.runner import Result
from practicum_labs.messages import say
from practicum_labs.schema import Messages, Step
from practicum_labs.state import StepState

UNLOCK_AFTER = 4


@dataclass(frozen=True, slots=True)
class Report:
    """A verdict with what is wrong and one hint more each time."""

    passed: bool
    title: str
    lines: tuple[str, ...]

    def _repr_markdown_(self) -> str:
        colour = "#1a7f37" if self.passed else "#b35900"
        mark = "✓" if self.passed else "✗"
        body = "\n\n".join(self.lines)
        return f'<strong style="color:{colour}">{mark} {self.title}</strong>\n\n{body}'

    def __str__(self) -> str:
        """Return the report as plain text."""
        return "\n".join([f"{'✓' if self.passed else '✗'} {self.title}", *self.lines])

    __repr__ = __str__


def report(
    result: Result, step: Step, state: StepState, messages: Messages, language: str
) -> Report:
    """Return what to tell about ``result``, given what was seen before."""
    own = messages.steps[step.name]
    title = step.title.in_language(language)
    if result.passed:
        lines = [own.passed.format(**result.measures), f"*{say('check.formative', language)}*"]
        if state.resumed:
            lines.append(say("check.resumed", language))
        return Report(passed=True, title=title, lines=tuple(lines))
    if result.generic:
        facts = dict(result.facts)
        if facts.get("where"):
            facts["where"] = say("check.raised.where", language, line=facts["where"])
        says = say(f"check.{result.failure}", language, **facts)
        hints = [say(f"check.{result.failure}.hint", language), *own.hints]
    else:
        failure = own.failures[result.failure]
        says = failure.says.format(**result.facts)
        hints = [failure.hint, *own.hints]
    lines = [says]
    for number, hint in enumerate(hints[: state.streak], 1):
        lines.append(say("check.hint", language, number=number, hint=hint))
    if state.attempts >= UNLOCK_AFTER:
        lines.append(say("check.unlock", language, step=step.name))
    if result.printed.strip() and result.failure == "raised":
        lines.append(f"```\n{result.printed.strip()[-600:]}\n```")
    return Report(passed=False, title=title, lines=tuple(lines))
