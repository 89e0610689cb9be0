"""What the nodes offer: accelerators of a class, and CPUs to start servers with."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil

from practicum_api.accelerator import AcceleratorClass, Toleration
from practicum_api.base import parse_quantity
from practicum_operator.views import NodeView

_BLOCKING = frozenset({"NoSchedule", "NoExecute"})

Pool = tuple[str, frozenset[str]]
"""Resource name and the nodes that offer it."""


@dataclass(frozen=True, slots=True)
class ClassRoom:
    """How many accelerators of a class may be in use at once."""

    pools: tuple[tuple[Pool, int], ...]
    """What it draws from, its own nodes first, and how many there are; none is no bound."""
    limit: int | None
    """At most this many, whatever there is; None is no bound."""


def class_rooms(
    classes: Iterable[AcceleratorClass], nodes: Sequence[NodeView]
) -> dict[str, ClassRoom]:
    """Return the room of each AcceleratorClass on these nodes, by name.

    What a class holds counts in every pool that has all its nodes: its own, and that of a class
    with more of them. Where classes share some nodes only, all their nodes are a pool too. So
    together they never hold more than there is.
    """
    rooms: dict[str, ClassRoom] = {}
    fixed: dict[str, list[AcceleratorClass]] = {}
    for item in classes:
        rooms[item.metadata.name] = ClassRoom(pools=(), limit=item.spec.capacity.limit)
        if item.spec.capacity.mode == "Fixed":
            fixed.setdefault(item.spec.resource_name, []).append(item)
    for resource, alike in fixed.items():
        offers = {item.metadata.name: _on_nodes(item, nodes) for item in alike}
        counts = {node: count for offer in offers.values() for node, count in offer.items()}
        pools = _with_unions({frozenset(offer) for offer in offers.values()})
        for name, offer in offers.items():
            own = frozenset(offer)
            wider = sorted((pool for pool in pools if own and own < pool), key=len)
            drawn = tuple(
                ((resource, pool), sum(counts[node] for node in pool)) for pool in (own, *wider)
            )
            rooms[name] = replace(rooms[name], pools=drawn)
    return rooms


def _with_unions(sets: set[frozenset[str]]) -> set[frozenset[str]]:
    """Return the sets, and each chain of sets that overlap as one."""
    unions: list[frozenset[str]] = []
    for item in sets:
        touched = [union for union in unions if union & item]
        unions = [union for union in unions if not union & item] + [item.union(*touched)]
    return sets | set(unions)


def offered(item: AcceleratorClass, nodes: Iterable[NodeView]) -> int:
    """Return how many accelerators of a class the ready nodes that match offer."""
    return sum(_on_nodes(item, nodes).values())


def _on_nodes(item: AcceleratorClass, nodes: Iterable[NodeView]) -> dict[str, int]:
    spec = item.spec
    found = {
        node.name: int(parse_quantity(node.allocatable.get(spec.resource_name, "0")))
        for node in nodes
        if node.ready and matches(node, spec.placement.node_selector, spec.placement.tolerations)
    }
    return {name: count for name, count in found.items() if count}


def matches(
    node: NodeView, selector: dict[str, str], tolerations: Iterable[Toleration] = ()
) -> bool:
    """Whether the scheduler may place a Pod with this selector and these tolerations there."""
    if not node.schedulable:
        return False
    if any(node.labels.get(key) != value for key, value in selector.items()):
        return False
    allowed = tuple(tolerations)
    return all(
        effect not in _BLOCKING or any(_tolerates(item, key, value, effect) for item in allowed)
        for key, value, effect in node.taints
    )


def _tolerates(item: Toleration, key: str, value: str, effect: str) -> bool:
    if item.effect not in {"", effect}:
        return False
    if item.operator == "Exists":
        return item.key in {"", key}
    return item.key == key and item.value == value


def starts_at_once(nodes: Iterable[NodeView], *, per_cpu: float, fixed: int | None) -> int:
    """Return how many attempts may be starting at once on these nodes, at least one."""
    if fixed is not None:
        return fixed
    cpus = sum(
        parse_quantity(node.allocatable.get("cpu", "0"))
        for node in nodes
        if node.ready and node.schedulable
    )
    return max(1, ceil(cpus * per_cpu))
