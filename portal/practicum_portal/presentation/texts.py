"""Small things that several views show alike."""

from practicum_api.base import Condition, find_condition
from practicum_api.lab import AcceleratorRequest, Lab, Text
from practicum_api.reasons import Reason
from practicum_portal.cluster import Cluster
from practicum_portal.views.base import LocalText, State


def local_text(text: Text) -> LocalText:
    """Return a text of a resource as views carry it."""
    return LocalText(en=text.en, zh=text.zh_cn)


def lab_title(lab: Lab | None, name: str) -> LocalText:
    """Return the title of a lab, or its name when the lab is gone."""
    return local_text(lab.spec.title) if lab is not None else LocalText(en=name)


def accelerator_text(request: AcceleratorRequest | None, cluster: Cluster) -> str | None:
    """Return accelerators for people, as `2 x A100`; None for none."""
    if request is None:
        return None
    return share_text(request.class_name, request.count, cluster)


def share_text(class_name: str, count: int, cluster: Cluster) -> str:
    """Return ``count`` accelerators of a class for people."""
    found = cluster.accelerator(class_name)
    return f"{count} x {(found and found.spec.display_name) or class_name}"


def ready_state(conditions: tuple[Condition, ...]) -> State:
    """Return what the `Ready` condition says; not ready, still without a reason, before it."""
    ready = find_condition(conditions, "Ready")
    if ready is None:
        return State(ready=False, reason="", message="")
    if ready.status == "True":
        return State(ready=True)
    return State(ready=False, reason=ready.reason, message=ready.message or meaning(ready.reason))


def meaning(reason: str) -> str:
    """Return what a reason word means for a person; empty for a word that is not on the list."""
    return next((member.text for member in Reason if member.value == reason), "")
