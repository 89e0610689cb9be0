"""What all tests share: which of them may run at the same time."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep in one process what shares a node, a Hub or a browser: everything in one folder."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    for item in items:
        folders = item.path.relative_to(TESTS).parts[:-1]
        item.add_marker(pytest.mark.xdist_group("/".join(folders)))
