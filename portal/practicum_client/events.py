"""Server-sent events, as much of them as the portal uses."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """One event."""

    name: str
    data: str


def lines(chunks: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a stream, which end as the portal ends them: texts may hold U+2028."""
    rest = ""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split("\n")
        yield from whole


def parse(lines: Iterable[str]) -> Iterator[Event]:
    """Yield the events in the lines of a stream; one that is cut off in the middle is left out."""
    name, data = "", list[str]()
    for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield Event(name or "message", "\n".join(data))
            name, data = "", []
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
