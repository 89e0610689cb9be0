"""The phases of a Sandbox and the only ways from one to another."""

from practicum_api.sandbox import Phase

P = Phase

TRANSITIONS: dict[Phase | None, frozenset[Phase]] = {
    None: frozenset({P.PENDING, P.QUEUED, P.STARTING, P.SUSPENDED, P.TERMINATING}),
    P.PENDING: frozenset({P.QUEUED, P.STARTING, P.SUSPENDED, P.TERMINATING}),
    P.QUEUED: frozenset({P.PENDING, P.STARTING, P.SUSPENDED, P.TERMINATING}),
    P.STARTING: frozenset({P.RUNNING, P.QUEUED, P.STALLED, P.SUSPENDING, P.TERMINATING}),
    P.RUNNING: frozenset({P.STARTING, P.QUEUED, P.STALLED, P.SUSPENDING, P.TERMINATING}),
    P.SUSPENDING: frozenset({P.SUSPENDED, P.TERMINATING}),
    P.SUSPENDED: frozenset({P.PENDING, P.QUEUED, P.STARTING, P.TERMINATING}),
    P.STALLED: frozenset({P.PENDING, P.QUEUED, P.STARTING, P.SUSPENDED, P.TERMINATING}),
    P.TERMINATING: frozenset(),
}
"""From each phase, where a Sandbox may go next. None is one that was not looked at yet."""

HOLDING = frozenset({P.STARTING, P.RUNNING, P.SUSPENDING})
"""Phases in which an attempt holds CPU, memory and accelerators."""


class IllegalTransitionError(Exception):
    """A plan went from one phase to another that the table does not allow."""


def check(before: Phase | None, after: Phase | None) -> None:
    """Raise IllegalTransitionError unless a Sandbox may go from ``before`` to ``after``."""
    if before != after and (after is None or after not in TRANSITIONS[before]):
        raise IllegalTransitionError(f"from {before} to {after}")
