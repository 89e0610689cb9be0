"""What a plan for a Sandbox is made from and what it says: plain values, no I/O."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from functools import cached_property
from typing import Any, Literal

from practicum_api import labels, names
from practicum_api.accelerator import AcceleratorClass
from practicum_api.base import Condition, find_condition
from practicum_api.cohort import Cohort
from practicum_api.lab import Lab
from practicum_api.reasons import Reason
from practicum_api.sandbox import Phase, Sandbox, SandboxStatus
from practicum_operator import phases
from practicum_operator.admission import Decision
from practicum_operator.builders.meta import Manifest
from practicum_operator.environment import Addresses
from practicum_operator.failures import Limits
from practicum_operator.resources import PODS, SECRETS, Resource
from practicum_operator.views import NodeView, PodView

READY, REGISTERED = "Ready", "Registered"
_REASONS = {item.value: item for item in Reason}


class HubState(Enum):
    """What the Hub last said of a sandbox's server, in this process's life."""

    UNKNOWN = "not asked yet"
    SERVING = "its server is ready"
    ABSENT = "its server does not run"
    FORGOTTEN = "it knows no such server"
    AWAY = "the Hub does not answer"
    OWNER_UNKNOWN = "the Hub knows no such user"
    REFUSED = "the Hub refuses"
    LOST = "its server or route has gone"


class HubWish(Enum):
    """What the Hub should be brought to."""

    LEAVE = "as it is"
    SERVE = "serving this attempt"
    STOP = "serving no attempt"
    FORGET = "not knowing the server at all"


@dataclass(frozen=True, slots=True)
class HubView:
    """The Hub's last answer, and the wish it was an answer to."""

    state: HubState = HubState.UNKNOWN
    attempt: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class ActivityView:
    """What a sandbox answered when it was asked; ``busy`` is None when it gave no answer."""

    asked_at: datetime
    busy: bool | None
    last_activity: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the API server would not have an attempt, and how many times in a row."""

    message: str
    at: datetime
    quota: bool = False
    times: int = 1


@dataclass(frozen=True, kw_only=True)
class Observed:
    """All that a plan depends on."""

    sandbox: Sandbox
    now: datetime
    asked_at: datetime
    """When this start was asked for."""
    cohort: Cohort | None = None
    lab: Lab | None = None
    accelerator: AcceleratorClass | None = None
    pods: tuple[PodView, ...] = ()
    node: NodeView | None = None
    duplicate_of: str = ""
    shares_workspace: bool = False
    """Whether another Sandbox here has the same owner and server."""
    decision: Decision | None = None
    hub: HubView = field(default_factory=HubView)
    hub_away: bool = False
    """Whether the Hub answers nobody at the moment."""
    activity: ActivityView | None = None
    pod_seen: bool = False
    """Whether this attempt's Pod was there before."""
    failing_since: datetime | None = None
    """When this attempt's container was first seen to fail before it ran; None while it doesn't."""
    refusal: Refusal | None = None
    """What the API server said when it would not have this attempt."""
    hours_spent: bool = False
    """Whether the cohort's hours of the accelerator that it holds are used up."""

    @cached_property
    def pod(self) -> PodView | None:
        """The Pod of the current attempt."""
        attempt = self.sandbox.status.attempt
        return next((pod for pod in self.pods if pod.attempt == attempt and self.owns(pod)), None)

    def owns(self, pod: PodView) -> bool:
        """Whether a Pod belongs to this Sandbox, and not to a former one of the same name."""
        return pod.owner_uid == self.sandbox.metadata.uid


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The part of the settings that plans follow."""

    addresses: Addresses
    limits: Limits
    termination_grace: int
    max_attempts: int
    retry_delay: timedelta
    stable_after: timedelta
    release_timeout: timedelta
    idle_recheck: timedelta


@dataclass(frozen=True, slots=True)
class Target:
    """One object to delete."""

    resource: Resource
    namespace: str
    name: str
    uid: str = ""
    owner: str = ""
    """Delete it only if it is not marked as another person's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done for one Sandbox, in this order; all of it may be done again."""

    status: SandboxStatus
    finalizer: bool | None = None
    """True adds ours, False removes it."""
    suspend: Reason | None = None
    """Set desiredState to Suspended, for this reason."""
    remove: tuple[Target, ...] = ()
    create: tuple[tuple[Resource, Manifest], ...] = ()
    """Created once; what exists already is left alone. Secrets come without their token."""
    hub: HubWish = HubWish.LEAVE
    ask_activity: bool = False
    wants_admission: bool = False
    settle: bool = False
    """Its usage is final and has to be counted into the Cohort's."""
    wake_at: datetime | None = None


@dataclass(slots=True)
class Draft:
    """A plan in the making: changes to the status and the conditions that hold."""

    seen: Observed
    changes: dict[str, Any] = field(default_factory=dict)
    conditions: list[Condition] = field(default_factory=list)
    """What holds; one that has not changed is the very object of the old status."""
    parts: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> SandboxStatus:
        """The status as it is now."""
        return self.seen.sandbox.status

    def set(self, **changes: Any) -> None:
        """Change fields of the status."""
        self.changes |= changes

    def do(self, **parts: Any) -> None:
        """Set parts of the plan."""
        self.parts |= parts

    def wake(self, moment: datetime | None) -> None:
        """Look again at ``moment`` at the latest."""
        before = self.parts.get("wake_at")
        if moment is not None and (before is None or moment < before):
            self.parts["wake_at"] = moment

    def say(
        self,
        kind: str,
        status: Literal["True", "False", "Unknown"],
        reason: Reason,
        message: str = "",
    ) -> None:
        """Add a condition; the time is that of its last change of status."""
        seen = self.seen
        text = (message or reason.text)[:1000]
        generation = seen.sandbox.metadata.generation
        before = find_condition(self.status.conditions, kind)
        moment = seen.now.replace(microsecond=0)
        if before is not None and before.status == status:
            same = (before.reason, before.message) == (reason.value, text)
            if same and before.observed_generation == generation:
                self.conditions.append(before)
                return
            moment = before.last_transition_time or moment
        self.conditions.append(
            Condition(
                type=kind,
                status=status,
                reason=reason.value,
                message=text,
                observed_generation=generation,
                last_transition_time=moment,
            )
        )

    def not_ready(self, reason: Reason, message: str = "", *, moving: bool = True) -> None:
        """Say that it is not ready, and whether the operator is at work on it."""
        self.say(READY, "False", reason, message)
        if moving:
            self.say("Reconciling", "True", reason, message)

    def keep(self, kind: str) -> Condition | None:
        """Keep a condition as it is; return it."""
        found = find_condition(self.status.conditions, kind)
        if found is not None:
            self.conditions.append(found)
        return found

    def remove_attempt(self, *, pods: tuple[PodView, ...]) -> None:
        """Delete these Pods and their Secrets, and the Secret of the current attempt."""
        meta, attempt = self.seen.sandbox.metadata, self.status.attempt
        own = names.attempt_name(meta.name, attempt) if attempt else ""
        self.remove_pods(pods, secrets={own} if own else set())

    def remove_pods(self, pods: tuple[PodView, ...], secrets: Iterable[str] = ()) -> None:
        """Delete these Pods, unless they are being deleted, and their Secrets."""
        namespace = self.seen.sandbox.metadata.namespace
        alive = [pod for pod in pods if pod.deleted_at is None]
        found = {*secrets, *(pod.name for pod in alive)}
        self.do(
            remove=(
                *(Target(PODS, namespace, pod.name, pod.uid) for pod in alive),
                *(Target(SECRETS, namespace, name) for name in sorted(found)),
            )
        )

    def plan(self) -> Plan:
        """Return the finished plan."""
        changes = {
            "observed_generation": self.seen.sandbox.metadata.generation,
            "conditions": tuple(self.conditions),
            **self.changes,
        }
        status = self.status.model_copy(update=changes)
        phases.check(self.status.phase, status.phase)
        return Plan(status=status, **self.parts)


def owes_stop(status: SandboxStatus) -> bool:
    """Whether the Hub has still to be told that an attempt is over.

    The condition is Unknown from the end of an attempt until the Hub has confirmed it: so a Hub
    that is away, or an operator that is killed in between, forgets nothing.
    """
    registered = find_condition(status.conditions, REGISTERED)
    return registered is not None and registered.status == "Unknown"


def close_registration(draft: Draft) -> None:
    """Take the address back and remember that the Hub has to be told.

    The Hub takes a stop while the address is set for a person's wish, so the address goes first.
    """
    status = draft.status
    if status.pod_ip or owes_stop(status):
        draft.set(pod_ip="", url="")
        draft.say(REGISTERED, "Unknown", Reason.SUSPENDING, "JupyterHub is being told.")


def settle_registration(draft: Draft) -> bool:
    """Tell the Hub what it has to be told; return whether nothing is owed any more."""
    if not owes_stop(draft.status):
        return True
    hub = draft.seen.hub
    gone = hub.state in {HubState.ABSENT, HubState.FORGOTTEN}
    if gone and hub.attempt == draft.status.attempt:
        return True
    draft.keep(REGISTERED)
    draft.do(hub=HubWish.STOP)
    return False


def suspended_by(sandbox: Sandbox) -> Reason:
    """Return why a sandbox is suspended: the operator's own reason, or a person's wish."""
    word, _, attempt = sandbox.metadata.annotations.get(labels.SUSPENDED_BY, "").partition("@")
    if attempt == str(sandbox.status.attempt):
        return _REASONS.get(word, Reason.SUSPENDED)
    return Reason.SUSPENDED


def is_holding(phase: Phase | None) -> bool:
    """Whether a sandbox in this phase holds what it was admitted for."""
    return phase in phases.HOLDING
