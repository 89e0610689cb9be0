"""What is wrong with a Pod, in a word of the documented list and a sentence to act on."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from practicum_api.reasons import Reason
from practicum_operator.views import NodeView, PodView

_NEVER_PULLED = frozenset({"InvalidImageName", "ErrImageNeverPull"})
_PULLING_FAILED = frozenset({"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable"})
_BAD_CONTAINER = frozenset(
    {
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "PreCreateHookError",
    }
)
_EVICTED = frozenset({"Evicted", "Preempted", "Preempting"})


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a trouble may last before the attempt is given up."""

    image: timedelta
    start: timedelta
    node: timedelta
    restarts: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with an attempt, and whether it is lost or may still come right."""

    reason: Reason
    message: str
    lost: bool


def diagnose(
    pod: PodView,
    node: NodeView | None,
    *,
    image: str,
    memory: str,
    now: datetime,
    limits: Limits,
    failing_since: datetime | None = None,
) -> Trouble | None:
    """Return what is wrong with ``pod``, or None while nothing is.

    ``failing_since`` is when its container was first seen to fail before it ran.
    """
    too_long = failing_since is not None and now - failing_since > limits.image
    return (
        _node_trouble(pod, node, now, limits)
        or _deleted(pod)
        or _ended(pod, memory)
        or _image_trouble(pod, image, lost=too_long)
        or _creation_trouble(pod, lost=too_long)
        or _container_trouble(pod, memory, limits)
        or _scheduling_trouble(pod)
    )


def _node_trouble(
    pod: PodView, node: NodeView | None, now: datetime, limits: Limits
) -> Trouble | None:
    if not pod.node or node is None or node.ready or node.ready_changed_at is None:
        return None
    silent = now - node.ready_changed_at
    if silent < limits.node and pod.deleted_at is None:
        return Trouble(Reason.NODE_LOST, f"Node {pod.node} has stopped answering.", lost=False)
    message = f"Node {pod.node} stopped answering; it starts again on another one."
    return Trouble(Reason.NODE_LOST, message, lost=True)


def _deleted(pod: PodView) -> Trouble | None:
    if pod.deleted_at is None:
        return None
    return Trouble(Reason.POD_DELETED, "Its Pod was deleted from outside.", lost=True)


def _ended(pod: PodView, memory: str) -> Trouble | None:
    if not pod.ended:
        return None
    if pod.phase == "Succeeded":
        return Trouble(Reason.SHUT_DOWN, Reason.SHUT_DOWN.text, lost=True)
    if pod.reason in _EVICTED:
        said = pod.message or "the node was short of memory or disk"
        return Trouble(Reason.EVICTED, f"The node stopped it: {said}", lost=True)
    if _out_of_memory(pod):
        return Trouble(Reason.OUT_OF_MEMORY, _memory_message(memory), lost=True)
    if pod.container.state == "terminated":
        code = pod.container.exit_code
        return Trouble(Reason.CRASHED, f"The server process ended with code {code}.", lost=True)
    said = pod.message or pod.reason or "the node gave no reason"
    return Trouble(Reason.REJECTED, f"The node refused to run it: {said}", lost=True)


def fails_before_it_runs(pod: PodView) -> bool:
    """Whether the image can't be pulled or the container can't be made, which may pass."""
    failing = pod.container.reason in _PULLING_FAILED | _BAD_CONTAINER
    return pod.container.state == "waiting" and failing


def _image_trouble(pod: PodView, image: str, *, lost: bool) -> Trouble | None:
    reason = pod.container.reason
    if pod.container.state != "waiting":
        return None
    if reason == "InvalidImageName":
        message = f"{image!r} is not a valid image name; correct the Lab."
        return Trouble(Reason.INVALID_IMAGE, message, lost=True)
    if reason in _NEVER_PULLED:
        message = f"The node does not have {image} and the Lab forbids to pull it."
        return Trouble(Reason.IMAGE_UNAVAILABLE, message, lost=True)
    if reason in _PULLING_FAILED:
        said = pod.container.message or "the registry gave no reason"
        message = f"{image} can't be pulled: {said}"
        return Trouble(Reason.IMAGE_UNAVAILABLE, message[:900], lost=lost)
    return None


def _creation_trouble(pod: PodView, *, lost: bool) -> Trouble | None:
    if pod.container.state != "waiting" or pod.container.reason not in _BAD_CONTAINER:
        return None
    said = pod.container.message or pod.container.reason
    message = f"The container can't be made: {said}"
    return Trouble(Reason.REJECTED, message[:900], lost=lost)


def _container_trouble(pod: PodView, memory: str, limits: Limits) -> Trouble | None:
    if pod.container.restarts == 0 or pod.ready or _fell_silent(pod):
        return None
    lost = pod.container.state == "waiting" and pod.container.restarts >= limits.restarts
    if _out_of_memory(pod):
        return Trouble(Reason.OUT_OF_MEMORY, _memory_message(memory), lost=lost)
    code = pod.container.last_exit_code
    message = f"The server process ended with code {code} and is started again."
    return Trouble(Reason.CRASHED, message, lost=lost)


def _fell_silent(pod: PodView) -> bool:
    """Whether the server that runs was ready once, and so is busy or stuck: it has not crashed.

    The restart may be hours ago. `ready_at` is when it ceased to be ready.
    """
    if pod.container.state != "running" or pod.container.started_at is None:
        return False
    return pod.ready_at is not None and pod.container.started_at < pod.ready_at


def _scheduling_trouble(pod: PodView) -> Trouble | None:
    if not pod.scheduling_message:
        return None
    said = pod.scheduling_message
    if "persistentvolumeclaim" in said.lower():
        return Trouble(Reason.VOLUME_FAILED, f"Its workspace is not there yet: {said}"[:900], False)
    return Trouble(Reason.UNSCHEDULABLE, f"No node has room for it: {said}"[:900], lost=False)


def _out_of_memory(pod: PodView) -> bool:
    return "OOMKilled" in {pod.container.reason, pod.container.last_reason}


def _memory_message(memory: str) -> str:
    return (
        f"It used more than its {memory} of memory and was stopped."
        " Use smaller batches or a smaller model, or ask for a Lab with more memory."
    )
