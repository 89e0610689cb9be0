"""What the operator keeps of objects that are not its own: the few fields it decides by."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from practicum_api import labels

Body = dict[str, Any]


def parse_time(text: str | None) -> datetime | None:
    """Return the moment that an RFC 3339 text names, or None for no text."""
    if not text:
        return None
    return datetime.fromisoformat(text).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class ContainerView:
    """State of a Pod's one container."""

    state: str = "waiting"
    reason: str = ""
    message: str = ""
    exit_code: int = 0
    restarts: int = 0
    last_reason: str = ""
    last_exit_code: int = 0
    image_id: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PodView:
    """A Pod, as far as it matters here."""

    namespace: str
    name: str
    uid: str = ""
    owner: str = ""
    owner_uid: str = ""
    component: str = ""
    attempt: int = 0
    node: str = ""
    phase: str = "Pending"
    reason: str = ""
    message: str = ""
    ip: str = ""
    ready: bool = False
    ready_at: datetime | None = None
    scheduled_at: datetime | None = None
    scheduling_message: str = ""
    created_at: datetime | None = None
    deleted_at: datetime | None = None
    container: ContainerView = field(default_factory=ContainerView)

    @property
    def ended(self) -> bool:
        """Whether its container will not run again."""
        return self.phase in {"Succeeded", "Failed"}


def _container(status: Body) -> ContainerView:
    statuses = status.get("containerStatuses") or [{}]
    first: Body = statuses[0]
    state: Body = first.get("state") or {}
    name = next(iter(state), "waiting")
    detail: Body = state.get(name) or {}
    last: Body = (first.get("lastState") or {}).get("terminated") or {}
    return ContainerView(
        state=name,
        reason=detail.get("reason", ""),
        message=detail.get("message", ""),
        exit_code=detail.get("exitCode", 0),
        restarts=first.get("restartCount", 0),
        last_reason=last.get("reason", ""),
        last_exit_code=last.get("exitCode", 0),
        image_id=first.get("imageID", ""),
        started_at=parse_time(detail.get("startedAt")),
        finished_at=parse_time(detail.get("finishedAt")),
    )


def pod_view(body: Body) -> PodView:
    """Return what matters of a Pod, or of its bare metadata just after creation."""
    meta: Body = body["metadata"]
    status: Body = body.get("status") or {}
    marks: dict[str, str] = meta.get("labels") or {}
    owner: Body = next(
        (item for item in meta.get("ownerReferences") or [] if item.get("controller")), {}
    )
    conditions = {item["type"]: item for item in status.get("conditions") or []}
    ready: Body = conditions.get("Ready") or {}
    scheduled: Body = conditions.get("PodScheduled") or {}
    attempt = marks.get(labels.ATTEMPT, "")
    return PodView(
        namespace=meta.get("namespace", ""),
        name=meta["name"],
        uid=meta.get("uid", ""),
        owner=owner.get("name", ""),
        owner_uid=owner.get("uid", ""),
        component=marks.get(labels.COMPONENT, ""),
        attempt=int(attempt) if attempt.isdigit() else 0,
        node=(body.get("spec") or {}).get("nodeName", ""),
        phase=status.get("phase", "Pending"),
        reason=status.get("reason", ""),
        message=status.get("message", ""),
        ip=status.get("podIP", ""),
        ready=ready.get("status") == "True",
        ready_at=parse_time(ready.get("lastTransitionTime")),
        scheduled_at=parse_time(scheduled.get("lastTransitionTime"))
        if scheduled.get("status") == "True"
        else None,
        scheduling_message=scheduled.get("message", "")
        if scheduled.get("status") == "False"
        else "",
        created_at=parse_time(meta.get("creationTimestamp")),
        deleted_at=parse_time(meta.get("deletionTimestamp")),
        container=_container(status),
    )


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node, as far as it matters here."""

    name: str
    ready: bool = False
    ready_changed_at: datetime | None = None
    schedulable: bool = True
    labels: dict[str, str] = field(default_factory=dict)
    taints: tuple[tuple[str, str, str], ...] = ()
    allocatable: dict[str, str] = field(default_factory=dict)


def node_view(body: Body) -> NodeView:
    """Return what matters of a Node."""
    meta: Body = body["metadata"]
    spec: Body = body.get("spec") or {}
    status: Body = body.get("status") or {}
    ready: Body = next(
        (item for item in status.get("conditions") or [] if item["type"] == "Ready"), {}
    )
    return NodeView(
        name=meta["name"],
        ready=ready.get("status") == "True",
        ready_changed_at=parse_time(ready.get("lastTransitionTime")),
        schedulable=not spec.get("unschedulable", False),
        labels=meta.get("labels") or {},
        taints=tuple(
            (item.get("key", ""), item.get("value", ""), item.get("effect", ""))
            for item in spec.get("taints") or []
        ),
        allocatable=status.get("allocatable") or {},
    )


@dataclass(frozen=True, slots=True)
class NamespaceView:
    """A namespace, as far as it matters here."""

    name: str
    cohort: str = ""
    cohort_uid: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    terminating: bool = False


def namespace_view(body: Body) -> NamespaceView:
    """Return what matters of a Namespace."""
    meta: Body = body["metadata"]
    marks: dict[str, str] = meta.get("labels") or {}
    return NamespaceView(
        name=meta["name"],
        cohort=marks.get(labels.COHORT, ""),
        cohort_uid=(meta.get("annotations") or {}).get(labels.COHORT_UID, ""),
        labels=marks,
        terminating=bool(meta.get("deletionTimestamp")),
    )
