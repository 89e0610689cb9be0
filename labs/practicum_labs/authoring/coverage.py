"""Which requirements of the course have evidence in the catalogue, and which do not yet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import yaml

from practicum_labs.schema import Manifest, Part, Step

IN_TOOLKIT: Final = {
    "R86": "the registry: licence, size and checksum of every data set",
    "R147": "the annotated solution that `build` makes of every lab",
}
"""Requirements that the toolkit itself meets, for every lab."""


class Requirement(Part):
    """One line of what the course document asks of the curriculum."""

    id: str
    owners: str
    """Initials of operator, portal, labs, metrics and docs: who has to show it."""
    capability: str
    verify: str
    """How to see that it is there."""
    section: str
    """Where the document asks for it."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Where each requirement is proven."""

    bound: dict[str, list[str]]
    """`lab/step` by requirement."""
    missing: tuple[Requirement, ...]
    orphans: tuple[str, ...]
    """Evidence for something that nobody asked for."""


@cache
def requirements() -> dict[str, Requirement]:
    """Return what the course document asks, by id."""
    text = files("practicum_labs").joinpath("requirements.yaml").read_text("utf-8")
    items = [Requirement.model_validate(item) for item in yaml.safe_load(text)]
    return {item.id: item for item in items}


def coverage(manifests: Iterable[Manifest]) -> Coverage:
    """Return what the labs of ``manifests`` prove."""
    wanted = requirements()
    bound: dict[str, list[str]] = {name: [] for name in wanted}
    orphans = []
    for manifest in manifests:
        for item in manifest.evidence:
            place = f"{manifest.id}/{item.step}"
            if item.requirement in bound:
                bound[item.requirement].append(place)
            else:
                orphans.append(
                    f"{place} is evidence for {item.requirement}, which nobody asked for"
                )
    for name, where in IN_TOOLKIT.items():
        bound[name].append(where)
    owed = {name: places for name, places in bound.items() if "L" in wanted[name].owners}
    missing = tuple(wanted[name] for name, places in owed.items() if not places)
    bound = {name: places for name, places in bound.items() if places or name in owed}
    return Coverage(bound, missing, tuple(orphans))


def proven_by(manifest: Manifest, step: Step) -> Sequence[str]:
    """Return the requirements that a step is evidence for, each once."""
    return list(dict.fromkeys(e.requirement for e in manifest.evidence if e.step == step.name))
