"""What the operator has seen: one store a kind, that never goes back to an older version."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from practicum_api import names
from practicum_api.accelerator import AcceleratorClass
from practicum_api.cohort import Cohort
from practicum_api.lab import Lab
from practicum_api.sandbox import Sandbox
from practicum_operator.views import (
    NamespaceView,
    NodeView,
    PodView,
    namespace_view,
    node_view,
    pod_view,
)

T = TypeVar("T")
Body = dict[str, Any]
Name = tuple[str, str]
"""Namespace (empty for cluster scope) and name."""

_TOMBSTONES = 10_000


class Key(NamedTuple):
    """What a reconciler is asked to look at: a kind and a name, and nothing else."""

    kind: str
    namespace: str
    name: str


def sandbox_key(sandbox: Sandbox) -> Key:
    """Return the key of a Sandbox."""
    return Key("Sandbox", sandbox.metadata.namespace, sandbox.metadata.name)


def is_newer(version: str, than: str) -> bool:
    """Whether resource version ``version`` comes after ``than``.

    They are integers that can be compared within a kind (KEP-5504); where one is not, different
    counts as newer.
    """
    try:
        return int(version) > int(than)
    except ValueError:
        return version != than


@dataclass(slots=True)
class _Entry(Generic[T]):
    value: T
    version: str


class Store(Generic[T]):
    """Objects of one kind by namespace and name, with indexes.

    Both watch events and the answers to our own writes go in; whatever is not newer than what is
    there is ignored, also after a deletion. So a reconciler reads its own writes, and a late event
    never takes it back in time.
    """

    def __init__(
        self, parse: Callable[[Body], T], indexes: dict[str, Callable[[T], Any]] | None = None
    ) -> None:
        self._parse = parse
        self._index_of = indexes or {}
        self._entries: dict[Name, _Entry[T]] = {}
        self._deleted: dict[Name, str] = {}
        self._indexes: dict[str, dict[Any, set[Name]]] = {name: {} for name in self._index_of}

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[T]:
        return iter([entry.value for entry in self._entries.values()])

    def get(self, name: str, namespace: str = "") -> T | None:
        """Return the newest version seen, or None."""
        entry = self._entries.get((namespace, name))
        return entry.value if entry else None

    def find(self, index: str, value: Any) -> list[T]:
        """Return the objects whose ``index`` has ``value``."""
        found = self._indexes[index].get(value, ())
        return [self._entries[name].value for name in found]

    def observe(self, body: Body, *, deleted: bool = False) -> tuple[T | None, T | None] | None:
        """Take in a version; return what was there and what is there now, or None if not newer.

        Raises what parsing raises; then the last version that could be read stays.
        """
        meta = body["metadata"]
        name = (meta.get("namespace", ""), meta["name"])
        version = str(meta.get("resourceVersion", ""))
        # The answer to a deletion and the event of it may bear the same version.
        if not self._accepts(name, version) and not (deleted and self._is_current(name, version)):
            return None
        if deleted:
            before = self._remove(name)
            self._bury(name, version)
            return before, None
        after = self._parse(body)
        before = self._remove(name)
        self._insert(name, after, version)
        return before, after

    def put(self, value: T, version: str, name: Name) -> bool:
        """Take in the outcome of a write of our own; return whether it was newer."""
        if not self._accepts(name, version):
            return False
        self._remove(name)
        self._insert(name, value, version)
        return True

    def missing(self, names: Iterable[Name], version: str) -> list[Name]:
        """Return what is stored but was not in a list taken at ``version``."""
        listed = set(names)
        return [
            name
            for name, entry in self._entries.items()
            if name not in listed and not is_newer(entry.version, version)
        ]

    def drop(self, name: Name, version: str) -> T | None:
        """Forget an object that is known to be gone; return it."""
        before = self._remove(name)
        self._bury(name, version)
        return before

    def _accepts(self, name: Name, version: str) -> bool:
        entry = self._entries.get(name)
        known = entry.version if entry else self._deleted.get(name)
        return known is None or is_newer(version, known)

    def _is_current(self, name: Name, version: str) -> bool:
        entry = self._entries.get(name)
        return entry is not None and entry.version == version

    def _insert(self, name: Name, value: T, version: str) -> None:
        self._entries[name] = _Entry(value, version)
        self._deleted.pop(name, None)
        for index, key_of in self._index_of.items():
            self._indexes[index].setdefault(key_of(value), set()).add(name)

    def _remove(self, name: Name) -> T | None:
        entry = self._entries.pop(name, None)
        if entry is None:
            return None
        for index, key_of in self._index_of.items():
            key = key_of(entry.value)
            names = self._indexes[index][key]
            names.discard(name)
            if not names:
                del self._indexes[index][key]
        return entry.value

    def _bury(self, name: Name, version: str) -> None:
        self._deleted[name] = version
        while len(self._deleted) > _TOMBSTONES:
            self._deleted.pop(next(iter(self._deleted)))


class Cache:
    """All stores."""

    def __init__(self) -> None:
        self.accelerators = Store[AcceleratorClass](AcceleratorClass.model_validate)
        self.labs = Store[Lab](Lab.model_validate)
        self.cohorts = Store[Cohort](Cohort.model_validate)
        self.sandboxes = Store[Sandbox](
            Sandbox.model_validate,
            {
                "namespace": lambda item: item.metadata.namespace,
                "lab": lambda item: item.spec.lab,
                "server": lambda item: (item.spec.owner, item.server),
            },
        )
        self.pods = Store[PodView](
            pod_view,
            {
                "owner": lambda pod: (pod.namespace, pod.owner),
                "node": lambda pod: pod.node,
            },
        )
        self.nodes = Store[NodeView](node_view)
        self.namespaces = Store[NamespaceView](namespace_view)

    def cohort_of(self, namespace: str) -> Cohort | None:
        """Return the Cohort whose namespace this is by its name."""
        if not namespace.startswith(names.NAMESPACE_PREFIX):
            return None
        return self.cohorts.get(namespace.removeprefix(names.NAMESPACE_PREFIX))

    def store(self, kind: str) -> Store[Any]:
        """Return the store of a kind."""
        stores: dict[str, Store[Any]] = {
            "AcceleratorClass": self.accelerators,
            "Lab": self.labs,
            "Cohort": self.cohorts,
            "Sandbox": self.sandboxes,
            "Pod": self.pods,
            "Node": self.nodes,
            "Namespace": self.namespaces,
        }
        return stores[kind]
