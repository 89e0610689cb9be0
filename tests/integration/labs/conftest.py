"""Labs as the sandbox image has them: built, with the data volume beside them."""

from pathlib import Path

import pytest

from practicum_labs.authoring.build import build, find_lab
from practicum_labs.settings import LabSettings

CATALOG = Path(__file__).parents[3] / "labs" / "catalog"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with every lab of the catalogue, built."""
    into = tmp_path_factory.mktemp("labs")
    for path in sorted(CATALOG.glob("*/lab.yaml")):
        build(path.parent, into)
    return into


@pytest.fixture(scope="session")
def lora() -> Path:
    """The sources of the lab on fine-tuning."""
    return find_lab(CATALOG, "lora")


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
