"""How server-side apply merges a list: as a set, whole, or by a key of its items."""

from pydantic.config import JsonDict

_TYPE = "x-kubernetes-list-type"

SET: JsonDict = {_TYPE: "set"}
"""Items are values; two appliers add to one list."""
ATOMIC: JsonDict = {_TYPE: "atomic"}
"""The list belongs to one applier."""


def map_by(key: str) -> JsonDict:
    """Return the marker of a list whose items are told apart by ``key``."""
    return {_TYPE: "map", "x-kubernetes-list-map-keys": [key]}
