"""The catalogue's labs, through the toolkit's own command: their resources and solutions."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from practicum_local.paths import CHECKOUT

CATALOG = CHECKOUT / "labs/catalog"


class LabsError(RuntimeError):
    """The toolkit refused; the message is what it said."""


def lab_resources(image: str, gpu_image: str | None = None) -> list[dict[str, Any]]:
    """Return the Lab custom resources of the catalogue; with `gpu_image` also their GPU tier."""
    tiers = {"cpu": image} | ({"gpu": gpu_image} if gpu_image else {})
    texts = (
        toolkit("resource", f"--catalog={CATALOG}", f"--tier={tier}", f"--image={reference}")
        for tier, reference in tiers.items()
    )
    return [resource for text in texts for resource in yaml.safe_load_all(text)]


def solution(lab: str, language: str, into: Path) -> Path:
    """Build a lab into the folder `into`; return its solution notebook."""
    toolkit("build", lab, "--catalog", str(CATALOG), "--into", str(into))
    (found,) = (into / lab / "solution").glob(f"*{language}*.ipynb")
    return found


def toolkit(*arguments: str) -> str:
    """Run `practicum-labs`; return what it printed."""
    result = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-m", "practicum_labs", *arguments],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise LabsError(f"practicum-labs {arguments[0]} failed:\n{result.stderr.strip()}")
    return result.stdout
