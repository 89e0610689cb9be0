"""Asks: what a dialog says before something is stopped or lost."""

from dataclasses import dataclass
from typing import Literal

from practicum_portal.pages.wording import N


@dataclass(frozen=True)
class Fate:
    """Something that is kept or lost."""

    kind: Literal["kept", "lost"]
    text: str


@dataclass(frozen=True)
class Ask:
    """A question before an action: its title, what becomes of what, and its button."""

    action: str
    title: str
    label: str
    icon: str
    fates: tuple[Fate, ...]


_FILES = Fate("kept", N("all files that JupyterLab shows on its left"))
_MEMORY = Fate("lost", N("variables in memory and cells that are running"))
_PACKAGES = Fate("lost", N("packages you installed and files elsewhere"))

ASKS = {
    ask.action: ask
    for ask in (
        Ask(
            "suspend",
            N("Suspend this sandbox?"),
            N("Suspend"),
            "pause",
            (_FILES, _MEMORY, _PACKAGES),
        ),
        Ask(
            "restart",
            N("Restart this sandbox?"),
            N("Restart"),
            "restart",
            (_FILES, _MEMORY, _PACKAGES),
        ),
        Ask(
            "reset",
            N("Lay out the lab's files afresh?"),
            N("Reset lab files"),
            "reset",
            (
                Fate("kept", N("your own versions, moved to a folder beside the fresh ones")),
                Fate("lost", N("cells that are running: the sandbox is restarted for it")),
            ),
        ),
        Ask(
            "delete",
            N("Delete this sandbox?"),
            N("Delete"),
            "trash",
            (
                Fate("kept", N("your runs with their curves, in the portal")),
                Fate("lost", N("what is running in it, and its history")),
            ),
        ),
    )
}
"""The questions, by action."""
