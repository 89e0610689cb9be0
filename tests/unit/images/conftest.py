from pathlib import Path

import pytest

from practicum_sandbox.settings import SandboxSettings


@pytest.fixture
def settings(tmp_path: Path) -> SandboxSettings:
    """A home with an empty workspace, and a lab with a notebook and a figure."""
    content = tmp_path / "content"
    (content / "figures").mkdir(parents=True)
    (content / "lora.en.ipynb").write_text("english")
    (content / "lora.zh.ipynb").write_text("chinese")
    (content / "figures" / "rank.svg").write_text("<svg/>")
    home = tmp_path / "home"
    (home / "work").mkdir(parents=True)
    return SandboxSettings(home=home, workspace=home / "work", content=content)
