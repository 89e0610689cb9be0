"""The syllabus as a page: modules, labs, what they ask and prove, drawn from the manifests."""

from collections.abc import Sequence
from typing import Final

from practicum_labs.authoring.coverage import coverage
from practicum_labs.schema import Manifest

MODULES: Final = {
    "foundations": "Foundations",
    "practice": "Practical skills",
    "case": "Case analysis",
}


def syllabus(manifests: Sequence[Manifest]) -> str:
    """Return the page, in Markdown."""
    lines = [
        "# The labs",
        "",
        "Made from the labs' manifests by `make generate`. Every lab is in English and Chinese.",
        "",
        *_map(manifests),
    ]
    for module, title in MODULES.items():
        lines += ["", f"## {title}"]
        for manifest in (m for m in manifests if m.module == module):
            lines += _lab(manifest)
    return "\n".join([*lines, "", *_missing(manifests)]) + "\n"


def _map(manifests: Sequence[Manifest]) -> list[str]:
    """Return how modules, labs and skills hang together, as a Mermaid graph."""
    lines = ["```mermaid", "graph LR"]
    for module, title in MODULES.items():
        lines.append(f"  {module}([{title}])")
    for manifest in manifests:
        lines.append(f'  {manifest.module} --> {manifest.id}["{manifest.title.en}"]')
        lines += [f"  {needed} -.-> {manifest.id}" for needed in manifest.prerequisites]
        lines.append(f'  {manifest.id} --- {manifest.id}_skills["{", ".join(manifest.skills)}"]')
    return [*lines, "```"]


def _lab(manifest: Manifest) -> list[str]:
    claims = "; ".join(f"{m.name} {m.claim} {m.baseline}" for m in manifest.task.metrics)
    sources = ", ".join(f"{use.name} ({use.data_language})" for use in manifest.data) or "own text"
    proven = sorted({e.requirement for e in manifest.evidence}, key=lambda name: int(name[1:]))
    return [
        "",
        f"### {manifest.title.en} · {manifest.title.zh}",
        "",
        f"`{manifest.id}` {manifest.version} · {manifest.minutes} minutes"
        f" · {len(manifest.steps)} steps with a check",
        "",
        manifest.summary.en,
        "",
        manifest.summary.zh,
        "",
        f"- Task: {manifest.task.goal.en} (`{manifest.task.input}` to `{manifest.task.output}`)",
        f"- Claims before the run: {claims}",
        f"- Data: {sources}",
        f"- Proves: {' '.join(proven)}",
    ]


def _missing(manifests: Sequence[Manifest]) -> list[str]:
    """Return what no lab shows yet: a list that is said rather than filled in."""
    lines = ["## Not there yet", "", "| requirement | asks for | seen by |", "|---|---|---|"]
    return lines + [
        f"| {item.id} | {item.capability} | {item.verify} |" for item in coverage(manifests).missing
    ]
