"""Labs as the sandbox image has them: built, with the data volume beside them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from practicum_labs.authoring.build import build
from practicum_labs.execute import Executed, execute
from practicum_labs.settings import LabSettings

CATALOG = Path(__file__).parents[3] / "labs" / "catalog"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with every lab of the catalogue, built."""
    into = tmp_path_factory.mktemp("labs")
    for path in sorted(CATALOG.glob("*/lab.yaml")):
        build(path.parent, into)
    return into


@pytest.fixture
def settings(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LabSettings:
    """A sandbox of one's own, without a portal, in this process and in the kernels it starts."""
    monkeypatch.setenv("PRACTICUM_LABS", str(built))
    monkeypatch.setenv("PRACTICUM_HEARTBEATS", str(tmp_path / "beats"))
    monkeypatch.setenv("PRACTICUM_WORKSPACE", str(tmp_path / "work"))
    monkeypatch.delenv("PRACTICUM_API_URL", raising=False)
    monkeypatch.delenv("JUPYTERHUB_API_TOKEN", raising=False)
    (tmp_path / "work").mkdir()
    return LabSettings()


@pytest.fixture
def run(settings: LabSettings) -> Callable[..., Executed]:
    """Run a lab's notebook from top to bottom."""

    def run(lab: str, *, solution: bool, language: str = "en") -> Executed:
        output = settings.workspace / "out.ipynb"
        return execute(lab, language=language, solution=solution, output=output, settings=settings)

    return run


@pytest.fixture
def runs(settings: LabSettings) -> Callable[[], dict[str, dict[str, Any]]]:
    """Return the training runs that notebooks logged, by name."""

    def read() -> dict[str, dict[str, Any]]:
        found = {}
        for path in (settings.state / "runs").glob("*/run.json"):
            run = json.loads(path.read_text("utf-8"))
            run["finish"] = json.loads(path.with_name("finish.json").read_text("utf-8"))
            lines = path.with_name("points.jsonl").read_text("utf-8").splitlines()
            run["points"] = [json.loads(line) for line in lines]
            found[run["name"]] = run
        return found

    return read
