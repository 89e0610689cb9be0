"""The admission desk: collects who asks to start, lets `admit` decide, remembers the answers.

Answers live in memory only. After a crash every sandbox that waits asks again, and every one that
was admitted either stands in its status as starting, or waits.
"""

from collections.abc import Callable, Mapping

from practicum_api.sandbox import Phase, Sandbox
from practicum_operator.admission import (
    Decision,
    Demand,
    Holding,
    Request,
    Room,
    admit,
    demand_of,
)
from practicum_operator.cache import Cache, Key, sandbox_key
from practicum_operator.phases import HOLDING

ADMISSION = Key("Admission", "", "")


def holds(cache: Cache, sandbox: Sandbox) -> bool:
    """Whether a sandbox holds what it was admitted for.

    An attempt does while it is under way, and beyond its end as long as its Pod runs: only what a
    node has given back can be given to others. A node that does not answer offers nothing either.
    """
    if sandbox.status.phase in HOLDING:
        return True
    meta = sandbox.metadata
    return any(
        pod.owner_uid == meta.uid and not pod.ended and _answers(cache, pod.node)
        for pod in cache.pods.find("owner", (meta.namespace, meta.name))
    )


def _answers(cache: Cache, name: str) -> bool:
    node = cache.nodes.get(name)
    return node is not None and node.ready


class Desk:
    """Who waits, who was let in and has not taken it up yet, and what was answered."""

    def __init__(self, cache: Cache, add: Callable[[Key], None]) -> None:
        self._cache = cache
        self._add = add
        self._requests: dict[Key, Request] = {}
        self._tickets: dict[Key, Demand] = {}
        self._decisions: dict[Key, Decision] = {}

    @property
    def waiting(self) -> Mapping[Key, Request]:
        """Requests that were not admitted yet."""
        return self._requests

    def decision(self, key: Key) -> Decision | None:
        """Return the answer to a request, if it was decided on."""
        return self._decisions.get(key)

    def request(self, request: Request) -> None:
        """Ask to start; asking again changes nothing."""
        if request.key in self._tickets or self._requests.get(request.key) == request:
            return
        self._requests[request.key] = request
        self._add(ADMISSION)

    def withdraw(self, key: Key) -> None:
        """Ask no more, whether because it has started or because it no longer should."""
        self._decisions.pop(key, None)
        had_ticket = self._tickets.pop(key, None) is not None
        if self._requests.pop(key, None) is not None or had_ticket:
            self.poke()

    def poke(self) -> None:
        """Decide anew, as something may have come free."""
        if self._requests:
            self._add(ADMISSION)

    def decide(self, room: Room) -> list[Decision]:
        """Decide on all that wait; return what is new and wake whom it concerns."""
        decisions = admit(self._requests.values(), self._holdings(), room)
        news = []
        for decision in decisions:
            if self._decisions.get(decision.key) == decision:
                continue
            self._decisions[decision.key] = decision
            if decision.admitted:
                self._tickets[decision.key] = self._requests.pop(decision.key).demand
            news.append(decision)
            self._add(decision.key)
        return news

    def _holdings(self) -> list[Holding]:
        holdings = [Holding(demand, starting=True) for demand in self._tickets.values()]
        for sandbox in self._cache.sandboxes:
            status = sandbox.status
            if status.blueprint is None or not holds(self._cache, sandbox):
                continue
            key = sandbox_key(sandbox)
            if key in self._tickets or key in self._requests:
                # It stands for itself there; a Pod it still has goes before its next one comes.
                continue
            cohort = self._cache.cohort_of(sandbox.metadata.namespace)
            name = cohort.metadata.name if cohort else ""
            demand = demand_of(name, sandbox.spec.owner, status.blueprint)
            holdings.append(Holding(demand, starting=self._loads_a_node(sandbox)))
        return holdings

    def _loads_a_node(self, sandbox: Sandbox) -> bool:
        """Whether a start is under way that keeps a CPU busy, or will in a moment."""
        if sandbox.status.phase is not Phase.STARTING:
            return False
        pods = self._cache.pods.find("owner", (sandbox.metadata.namespace, sandbox.metadata.name))
        pod = next((item for item in pods if item.attempt == sandbox.status.attempt), None)
        return pod is None or not (pod.ready or pod.scheduling_message)
