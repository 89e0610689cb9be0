"""Whether an object in the cluster still is what it should be."""

from typing import Any

from practicum_api.base import parse_quantity


def drifted(actual: dict[str, Any], desired: dict[str, Any]) -> bool:
    """Whether ``actual`` lacks or contradicts something of ``desired``.

    What the API server or others add is left alone, except where it widens a quota or a policy.
    """
    exact = desired.get("kind") == "NetworkPolicy"
    return not all(
        _covers(actual.get(key), value, exact=exact and key == "spec")
        for key, value in desired.items()
        if key not in {"apiVersion", "kind"}
    )


def _covers(actual: Any, desired: Any, *, exact: bool) -> bool:
    if isinstance(desired, dict):
        if not isinstance(actual, dict):
            return not desired and actual is None
        if exact and set(actual) != set(desired):
            return False
        return all(
            _covers(actual.get(key), value, exact=exact or key == "hard")
            for key, value in desired.items()
        )
    if isinstance(desired, list):
        return (
            isinstance(actual, list)
            and len(actual) == len(desired)
            and all(_covers(a, b, exact=exact) for a, b in zip(actual, desired, strict=True))
        )
    return actual == desired or _same_quantity(actual, desired)


def _same_quantity(actual: Any, desired: Any) -> bool:
    """Whether two texts name the same amount: the API server writes ``1000m`` as ``1``."""
    if not isinstance(actual, str) or not isinstance(desired, str):
        return False
    try:
        return parse_quantity(actual) == parse_quantity(desired)
    except ValueError:
        return False
