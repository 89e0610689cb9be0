"""Which running sandboxes the proxy does not route to."""

from collections.abc import Iterable

from practicum_api.base import find_condition
from practicum_api.sandbox import Phase, Sandbox


def routed(sandboxes: Iterable[Sandbox]) -> list[Sandbox]:
    """Return the sandboxes that should have a route: running, and registered as far as we know."""
    return [
        item
        for item in sandboxes
        if item.status.phase is Phase.RUNNING
        and item.metadata.deletion_timestamp is None
        and (found := find_condition(item.status.conditions, "Registered")) is not None
        and found.status == "True"
    ]


def missing_routes(running: Iterable[Sandbox], routes: set[tuple[str, str]]) -> list[Sandbox]:
    """Return those of ``running`` whose owner and server name are not among ``routes``."""
    return [item for item in running if (item.spec.owner, item.server) not in routes]
