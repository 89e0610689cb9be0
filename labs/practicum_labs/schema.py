"""`lab.yaml`: what a lab is, what it asks and what it proves."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=30)]
StepName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=30)]
Quantity = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(m|Ki|Mi|Gi)?$")]
Language = Literal["en", "zh"]
Model = TypeVar("Model", bound=BaseModel)


class Part(BaseModel):
    """A part of the manifest: camelCase in the file, unknown keys refused."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )


class Text(Part):
    """A line of text in both languages."""

    en: Annotated[str, Field(min_length=1)]
    zh: Annotated[str, Field(min_length=1)]

    def in_language(self, language: str) -> str:
        """Return the text in ``language``."""
        return self.zh if language == "zh" else self.en


class DataUse(Part):
    """A data set or model the lab reads, by its name in the registry."""

    name: str
    data_language: Literal["en", "zh", "multi"]


class Resources(Part):
    """What the sandbox gets in one tier."""

    cpu: Quantity
    cpu_limit: Quantity
    memory: Quantity
    shared_memory: Quantity = "512Mi"
    ephemeral_storage: Quantity = "2Gi"
    workspace: Quantity = "2Gi"
    accelerator: str = ""
    """Name of an AcceleratorClass; the site's choice, so empty by default."""


class Tiers(Part):
    """The same notebook on two sizes of machine."""

    cpu: Resources
    gpu: Resources


class Metric(Part):
    """What is measured, and what is claimed of it before the run."""

    name: str
    claim: Literal["beats", "ties", "harms", "reports"]
    baseline: str
    margin: float = 0.0
    """For `ties`: how far apart still counts as the same."""


class Task(Part):
    """The task the trainee solves."""

    goal: Text
    input: str
    output: str
    metrics: tuple[Metric, ...]


class Step(Part):
    """A graded function or artefact."""

    name: StepName
    title: Text
    kind: Literal["function", "artefact"] = "function"
    signature: str
    cpu_seconds: Annotated[int, Field(ge=1, le=120)] = 20
    """CPU time a check may use beyond its imports."""
    memory_mib: Annotated[int, Field(ge=256, le=16384)] = 3072


class Evidence(Part):
    """Where a requirement of the course is proven."""

    requirement: Annotated[str, Field(pattern=r"^R[0-9]+$")]
    step: StepName
    check: str
    claim: str = ""


class Manifest(Part):
    """The whole of `lab.yaml`."""

    id: Name
    version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    module: Literal["foundations", "practice", "case"]
    title: Text
    summary: Text
    minutes: Annotated[int, Field(ge=45, le=90)]
    prerequisites: tuple[Name, ...] = ()
    skills: tuple[str, ...]
    image_profile: str = "sandbox"
    data: tuple[DataUse, ...]
    tiers: Tiers
    task: Task
    steps: tuple[Step, ...]
    evidence: tuple[Evidence, ...]
    run_metrics: tuple[str, ...] = ()
    """Final metrics that go to Prometheus."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [step.name for step in self.steps]
        if doubled := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"steps named twice: {', '.join(sorted(doubled))}")
        if lost := {item.step for item in self.evidence} - set(names):
            raise ValueError(f"evidence names steps that do not exist: {', '.join(sorted(lost))}")
        return self

    def step(self, name: str) -> Step:
        """Return the step called ``name``; raise KeyError with the names there are."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(f"no step {name!r}; there are {', '.join(s.name for s in self.steps)}")


class Messages(Part):
    """`messages.<language>.yaml`: what the lab says outside its text."""

    prints: dict[str, str] = Field(default_factory=dict)
    """Prints and plot labels of the notebook."""
    steps: dict[str, "StepMessages"]


class StepMessages(Part):
    """What a step's check says."""

    passed: str
    hints: Annotated[tuple[str, ...], Field(min_length=2, max_length=2)]
    """Hints two and three; the first belongs to the failure."""
    failures: dict[str, "Failure"]


class Failure(Part):
    """One way to be wrong."""

    says: str
    hint: str


class Question(Part):
    """One question of the quiz; the first choice in the file need not be the right one."""

    question: Text
    choices: Annotated[tuple[Text, ...], Field(min_length=2, max_length=5)]
    answer: int
    because: Text

    @model_validator(mode="after")
    def _answer_exists(self) -> Self:
        if not 0 <= self.answer < len(self.choices):
            raise ValueError(f"answer {self.answer} is not one of the {len(self.choices)} choices")
        return self


class Quiz(Part):
    """`quiz.yaml`."""

    questions: dict[str, Question]


class ManifestError(ValueError):
    """A lab's file does not say what it must."""


def read_manifest(folder: Path) -> Manifest:
    """Return `lab.yaml` of ``folder``; raise ManifestError naming file and field."""
    return _read(folder / "lab.yaml", Manifest)


def read_messages(folder: Path, language: str) -> Messages:
    """Return `messages.<language>.yaml` of ``folder``."""
    return _read(folder / f"messages.{language}.yaml", Messages)


def read_quiz(folder: Path) -> Quiz:
    """Return `quiz.yaml` of ``folder``, or a quiz without questions."""
    path = folder / "quiz.yaml"
    return _read(path, Quiz) if path.exists() else Quiz(questions={})


def _read(path: Path, model: type[Model]) -> Model:
    content: Any
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
        return model.model_validate(content)
    except (OSError, yaml.YAMLError) as error:
        raise ManifestError(f"{path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ManifestError(f"{path}: {where}: {first['msg']}") from error
