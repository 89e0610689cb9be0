"""What the nodes offer: accelerators of a class, and CPUs to start servers with."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from practicum_api.accelerator import AcceleratorClass, Toleration
from practicum_api.base import parse_quantity
from practicum_operator.views import NodeView

_BLOCKING = frozenset({"NoSchedule", "NoExecute"})

Pool = tuple[str, tuple[tuple[str, str], ...]]
"""Resource name and node selector: classes with the same draw from the same accelerators."""


@dataclass(frozen=True, slots=True)
class ClassRoom:
    """How many accelerators of a class may be in use at once; None is no bound."""

    pool: Pool
    total: int | None
    limit: int | None


def class_room(item: AcceleratorClass, nodes: Iterable[NodeView]) -> ClassRoom:
    """Return the room of an AcceleratorClass on these nodes."""
    spec = item.spec
    selector = tuple(sorted(spec.placement.node_selector.items()))
    fixed = spec.capacity.mode == "Fixed"
    return ClassRoom(
        pool=(spec.resource_name, selector),
        total=offered(item, nodes) if fixed else None,
        limit=spec.capacity.limit,
    )


def offered(item: AcceleratorClass, nodes: Iterable[NodeView]) -> int:
    """Return how many accelerators of a class the ready nodes that match offer."""
    spec = item.spec
    return sum(
        int(parse_quantity(node.allocatable.get(spec.resource_name, "0")))
        for node in nodes
        if node.ready and matches(node, spec.placement.node_selector, spec.placement.tolerations)
    )


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
