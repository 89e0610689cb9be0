"""What all tests share: the platform on this machine, and which of them may run at once."""

from collections.abc import Iterator

import hypothesis
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from practicum_local.installation import Installation
from practicum_local.settings import Settings

# A busy machine makes an example slow, not wrong.
hypothesis.settings.register_profile("practicum", deadline=None)
hypothesis.settings.load_profile("practicum")


class ByFolder(LoadScopeScheduling):
    """Keeps in one process what shares a node, a Hub or a browser: everything in one folder."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0].rpartition("/")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFolder | None:
    """Let `--dist loadscope` mean folders; xdist's own groups are lost on this pytest."""
    return ByFolder(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.fixture(scope="session")
def installation() -> Iterator[Installation]:
    """Practicum as `make up` leaves it; taken down again unless it ran before."""
    made = Installation(Settings())
    ran_before = made.node.status().ready
    made.up(walked=False)
    yield made
    if not ran_before:
        made.down()
