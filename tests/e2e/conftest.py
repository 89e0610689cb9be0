"""The whole platform on a real node, once for the session."""

from pathlib import Path

import pytest

from practicum_local import demo
from practicum_local.installation import Installation
from practicum_local.release import Cluster


@pytest.fixture(scope="session")
def cluster(installation: Installation) -> Cluster:
    return installation.cluster


@pytest.fixture(scope="session")
def addresses(installation: Installation) -> demo.Addresses:
    return installation.site


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    return tmp_path / "screenshots"
