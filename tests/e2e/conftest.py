"""The whole platform on a real node, once for the session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from practicum_local import demo
from practicum_local.installation import Installation
from practicum_local.release import Cluster
from practicum_local.settings import Settings


@pytest.fixture(scope="session")
def installation() -> Iterator[Installation]:
    """Practicum as `make up` leaves it; taken down again unless it ran before."""
    made = Installation(Settings())
    ran_before = made.node.status().ready
    made.up(walked=False)
    yield made
    if not ran_before:
        made.down()


@pytest.fixture(scope="session")
def cluster(installation: Installation) -> Cluster:
    return installation.cluster


@pytest.fixture(scope="session")
def addresses(installation: Installation) -> demo.Addresses:
    return installation.site


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    return tmp_path / "screenshots"
