"""Who may start now, who waits, and for what: a pure function of requests, holdings and room.

Order is fair: first those of owners who have least (running or asked for earlier), then the oldest.
Within what is short (a quota of a cohort, a class of accelerators, the pace of starts) nobody
overtakes: once a request waits for it, later ones that need it wait behind, however small they are.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from practicum_api.base import whole_quantity
from practicum_api.reasons import Reason
from practicum_api.sandbox import Blueprint
from practicum_operator.cache import Key
from practicum_operator.capacity import ClassRoom

MILLI = 1000
"""Parts of a CPU, the unit that quotas of them are reckoned in."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What one sandbox takes while it runs."""

    cohort: str
    owner: str
    cpu: int = 0
    """In thousandths: fractions of a CPU would not add up to what the quota says."""
    memory: int = 0
    """In bytes."""
    class_name: str = ""
    count: int = 0

    def within(self, other: "Demand") -> bool:
        """Whether it takes no more of anything than ``other`` does."""
        return (
            self.cpu <= other.cpu
            and self.memory <= other.memory
            and self.count <= other.count
            and (not self.count or self.class_name == other.class_name)
        )


def demand_of(cohort: str, owner: str, blueprint: Blueprint) -> Demand:
    """Return what a sandbox of this blueprint takes while it runs."""
    held = blueprint.accelerator
    return Demand(
        cohort=cohort,
        owner=owner,
        cpu=whole_quantity(blueprint.resources.cpu, parts=MILLI),
        memory=whole_quantity(blueprint.resources.memory),
        class_name=held.class_name if held else "",
        count=held.count if held else 0,
    )


@dataclass(frozen=True, slots=True)
class Request:
    """A sandbox that asks to start."""

    key: Key
    since: datetime
    demand: Demand


@dataclass(frozen=True, slots=True)
class Holding:
    """A sandbox that was admitted; ``starting`` while it counts against the pace."""

    demand: Demand
    starting: bool = False


@dataclass(frozen=True, slots=True)
class CohortRoom:
    """A cohort's quota; None is no bound."""

    sandboxes: int | None = None
    cpu: int | None = None
    """In thousandths."""
    memory: int | None = None
    """In bytes."""
    accelerators: Mapping[str, int] | None = None
    """Count by class; None allows every class."""
    spent: frozenset[str] = frozenset()
    """Classes whose hours are used up."""


@dataclass(frozen=True, slots=True)
class Room:
    """All there is to share."""

    cohorts: Mapping[str, CohortRoom]
    classes: Mapping[str, ClassRoom]
    pace: int


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to a request. ``position`` counts from 1 among those that wait for the same."""

    key: Key
    admitted: bool
    position: int = 0
    reason: Reason = Reason.ACCEPTED
    message: str = ""


@dataclass(frozen=True, slots=True)
class _Need:
    """An amount of something that may be short. Who needs the same has the same ``line``."""

    line: tuple[Hashable, ...]
    amount: int
    limit: int | None


@dataclass(slots=True)
class _Tally:
    """What is taken so far, and how many wait for what."""

    amounts: dict[Hashable, int] = field(default_factory=dict)
    lines: dict[Hashable, int] = field(default_factory=dict)
    starting: int = 0

    def take(self, needs: Iterable[_Need]) -> None:
        for need in needs:
            self.amounts[need.line] = self.amounts.get(need.line, 0) + need.amount

    def short(self, need: _Need) -> bool:
        """Whether there is too little, or someone already waits for it."""
        if need.line in self.lines:
            return True
        taken = self.amounts.get(need.line, 0)
        return need.limit is not None and taken + need.amount > need.limit

    def place(self, line: Hashable) -> int:
        """Return the next position in the line for what is short."""
        self.lines[line] = self.lines.get(line, 0) + 1
        return self.lines[line]


def admit(requests: Iterable[Request], holdings: Iterable[Holding], room: Room) -> list[Decision]:
    """Decide on every request, in fair order."""
    tally = _Tally()
    owned: Counter[tuple[str, str]] = Counter()
    for holding in holdings:
        tally.take(_needs(holding.demand, room))
        tally.starting += holding.starting
        owned[holding.demand.cohort, holding.demand.owner] += 1
    return [_decide(request, tally, room) for request in in_order(requests, owned)]


def in_order(requests: Iterable[Request], owned: Mapping[tuple[str, str], int]) -> list[Request]:
    """Return the requests in fair order; ``owned`` counts what each owner has running."""
    ranks = Counter(owned)
    ranked: list[tuple[int, datetime, Key, Request]] = []
    for request in sorted(requests, key=lambda item: (item.since, item.key)):
        person = (request.demand.cohort, request.demand.owner)
        ranked.append((ranks[person], request.since, request.key, request))
        ranks[person] += 1
    return [item[-1] for item in sorted(ranked, key=lambda item: item[:3])]


def _decide(request: Request, tally: _Tally, room: Room) -> Decision:
    demand = request.demand
    refusal = _never(demand, room)
    if refusal is not None:
        reason, message = refusal
        # A line of its own: what can never be met must not hold up anyone else.
        position = tally.place((reason, demand.cohort, demand.class_name))
        return Decision(request.key, False, position, reason, message)
    needs = _needs(demand, room)
    for need in needs:
        if tally.short(need):
            reason, message = _short_of(need, demand)
            return Decision(request.key, False, tally.place(need.line), reason, message)
    # From here on it has its share, even if it has to wait for its turn to start.
    tally.take(needs)
    if tally.starting >= room.pace:
        message = f"{tally.starting} others are starting; it follows in a moment."
        return Decision(request.key, False, tally.place(_PACE), Reason.START_PACED, message)
    tally.starting += 1
    return Decision(request.key, True)


_PACE = ("pace",)


def _needs(demand: Demand, room: Room) -> list[_Need]:
    """Return what a demand takes of everything that has a limit."""
    cohort, name, count = demand.cohort, demand.class_name, demand.count
    quota = room.cohorts.get(cohort, CohortRoom())
    needs = [
        _Need(("sandboxes", cohort), 1, quota.sandboxes),
        _Need(("cpu", cohort), demand.cpu, quota.cpu),
        _Need(("memory", cohort), demand.memory, quota.memory),
    ]
    if count:
        allowed = None if quota.accelerators is None else quota.accelerators.get(name, 0)
        needs.append(_Need(("quota", cohort, name), count, allowed))
        found = room.classes.get(name)
        if found is not None:
            needs.append(_Need(("class", name), count, found.limit))
            needs.extend(_Need(("pool", pool), count, total) for pool, total in found.pools)
    return needs


def _never(demand: Demand, room: Room) -> tuple[Reason, str] | None:
    """Return why a demand can't be met however long it waits, or None."""
    quota = room.cohorts.get(demand.cohort, CohortRoom())
    for what, unit, wanted, limit in (
        ("sandboxes", 1, 1, quota.sandboxes),
        ("CPUs", MILLI, demand.cpu, quota.cpu),
        ("GiB of memory", 2**30, demand.memory, quota.memory),
    ):
        if limit is not None and wanted > limit:
            message = f"It needs {wanted / unit:g} {what}; the cohort has {limit / unit:g} in all."
            return Reason.TOO_LARGE, message
    if not demand.count:
        return None
    name = demand.class_name
    if name in quota.spent:
        return Reason.HOURS_EXCEEDED, f"The cohort's hours of {name} are used up."
    if quota.accelerators is not None and demand.count > quota.accelerators.get(name, 0):
        allowed = quota.accelerators.get(name, 0)
        return Reason.TOO_LARGE, f"It needs {demand.count} of {name}; the cohort may use {allowed}."
    return None


def _short_of(need: _Need, demand: Demand) -> tuple[Reason, str]:
    """Return what to say to someone who waits for ``need``."""
    kind, name = need.line[0], demand.class_name
    limit = str(need.limit or "none")
    if kind == "pool" and not need.limit:
        return Reason.ACCELERATOR_BUSY, f"No ready node offers {name}."
    if kind in {"pool", "class"}:
        return Reason.ACCELERATOR_BUSY, f"All {limit} of {name} are in use."
    if kind == "quota":
        return Reason.QUOTA_EXCEEDED, f"The cohort uses all {limit} of {name} that it may."
    words = {"sandboxes": "running sandboxes", "cpu": "CPUs", "memory": "memory"}
    return Reason.QUOTA_EXCEEDED, f"The cohort's quota of {words[str(kind)]} is used up."
