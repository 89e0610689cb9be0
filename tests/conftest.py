"""What all tests share: the platform on this machine, and which of them may run at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from practicum_local.installation import Installation
from practicum_local.settings import Settings

TESTS = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep in one process what shares a node, a Hub or a browser: everything in one folder."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    for item in items:
        folders = item.path.relative_to(TESTS).parts[:-1]
        item.add_marker(pytest.mark.xdist_group("/".join(folders)))


@pytest.fixture(scope="session")
def installation() -> Iterator[Installation]:
    """Practicum as `make up` leaves it; taken down again unless it ran before."""
    made = Installation(Settings())
    ran_before = made.node.status().ready
    made.up(walked=False)
    yield made
    if not ran_before:
        made.down()
