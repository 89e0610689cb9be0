"""Kopf as the shell: it logs in, watches, reconnects and handles signals. Deciding is ours.

Only `on.event` handlers are used. So Kopf keeps no state in annotations, sets no finalizer and
never writes; its storages are replaced by ones that do nothing, which saves 40 % of its time for
each event, since it would take a deep copy of every object to compare it with the last one.
"""

from collections.abc import Callable, Iterable
from typing import Any

import kopf

from practicum_operator.kubernetes import Kubernetes
from practicum_operator.resources import Resource

Observer = Callable[[str, str | None, dict[str, Any]], None]

_PAGE = 500


class _NoDiff(kopf.DiffBaseStorage):
    """Remembers no former state, so there is never a difference."""

    def build(self, *, body: Any, extra_fields: Any = None) -> Any:
        del body, extra_fields
        return {}

    def fetch(self, *, body: Any) -> Any:
        del body

    def store(self, *, body: Any, patch: Any, essence: Any) -> None:
        del body, patch, essence


class _NoProgress(kopf.ProgressStorage):
    """Remembers no progress of handlers: those of events have none."""

    def fetch(self, *, key: Any, body: Any) -> Any:
        del key, body

    def store(self, *, key: Any, record: Any, body: Any, patch: Any) -> None:
        del key, record, body, patch

    def purge(self, *, key: Any, body: Any, patch: Any) -> None:
        del key, body, patch

    def touch(self, *, body: Any, patch: Any, value: Any) -> None:
        del body, patch, value

    def clear(self, *, essence: Any) -> Any:
        return essence


def build_settings(watched: Iterable[tuple[Resource, str]]) -> kopf.OperatorSettings:
    """Return Kopf's settings: nothing stored, nothing posted, labels selected by the server."""
    settings = kopf.OperatorSettings()
    settings.persistence.diffbase_storage = _NoDiff()
    settings.persistence.progress_storage = _NoProgress()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.watching.chunk_size = _PAGE
    for resource, selector in watched:
        if selector:
            settings.watching.label_selectors[resource.plural] = selector
    return settings


def build_registry(
    watched: Iterable[tuple[Resource, str]], observe: Observer, kubernetes: Kubernetes
) -> kopf.OperatorRegistry:
    """Return the handlers: one way to log in, and one for the events of each kind."""
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.AiohttpSession:
        """Let Kopf use our session, so that there is one set of credentials and connections."""
        return kopf.AiohttpSession(server=kubernetes.server, aiohttp_session=kubernetes.session)

    for resource, _selector in watched:
        _watch(registry, resource, observe)
    return registry


def _watch(registry: kopf.OperatorRegistry, resource: Resource, observe: Observer) -> None:
    group, _, version = resource.api_version.rpartition("/")

    @kopf.on.event(group, version, resource.plural, registry=registry, id=resource.plural)
    async def handle(event: Any, **_: Any) -> None:
        observe(resource.kind, event["type"], event["object"])
