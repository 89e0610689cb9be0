"""Gathers all that the plan for a Sandbox depends on."""

from datetime import datetime

from practicum_api.sandbox import DesiredState, Phase, Sandbox, Stage
from practicum_operator.cache import Key
from practicum_operator.context import Context, Memory
from practicum_operator.failures import fails_before_it_runs
from practicum_operator.hours import spent_classes
from practicum_operator.plan import Observed, is_holding


def observe_sandbox(context: Context, key: Key, sandbox: Sandbox) -> Observed:
    """Gather all that the plan for a Sandbox depends on."""
    cache, meta, status = context.cache, sandbox.metadata, sandbox.status
    now = context.now()
    memory = context.memory(meta.uid)
    pods = tuple(cache.pods.find("owner", (meta.namespace, meta.name)))
    pod = next((item for item in pods if item.attempt == status.attempt), None)
    if pod is not None:
        memory.pod_seen = status.attempt
    if pod is None or not fails_before_it_runs(pod):
        memory.failing_since = None
    elif memory.failing_since is None:
        memory.failing_since = now
    lab = cache.labs.get(sandbox.spec.lab)
    wanted = lab.spec.accelerator if lab else None
    return Observed(
        sandbox=sandbox,
        now=now,
        asked_at=_asked_at(sandbox, memory, now),
        cohort=cache.cohort_of(meta.namespace),
        lab=lab,
        accelerator=cache.accelerators.get(wanted.class_name) if wanted else None,
        pods=pods,
        node=cache.nodes.get(pod.node) if pod and pod.node else None,
        duplicate_of=_older_twin(context, sandbox),
        shares_workspace=_shares_workspace(context, sandbox),
        decision=context.desk.decision(key),
        hub=context.registrar.view(key),
        hub_away=context.registrar.away,
        activity=memory.activity,
        pod_seen=memory.pod_seen == status.attempt,
        failing_since=memory.failing_since,
        refusal=memory.refusal,
        hours_spent=_hours_spent(context, sandbox),
    )


def _asked_at(sandbox: Sandbox, memory: Memory, now: datetime) -> datetime:
    """Return since when this start is asked for; a place in the queue outlives a restart."""
    status = sandbox.status
    if is_holding(status.phase):
        # Who asks for another attempt of one that had come up asks now.
        memory.asked_at = None
        return now if status.ready_at else status.started_at or now
    if status.phase is Phase.QUEUED and status.stages:
        first = status.stages[0]
        if first.stage is Stage.QUEUED:
            return first.began
    if status.attempt == 0 and sandbox.metadata.creation_timestamp is not None:
        return sandbox.metadata.creation_timestamp
    given_up = status.phase is Phase.STALLED and not sandbox.asks_anew
    if given_up or sandbox.spec.desired_state is not DesiredState.RUNNING:
        memory.asked_at = None
    elif memory.asked_at is None:
        memory.asked_at = now
    return memory.asked_at or now


def _older_twin(context: Context, sandbox: Sandbox) -> str:
    """Return the name of an older Sandbox of the same owner and server, if there is one."""
    twins = context.cache.sandboxes.find("server", (sandbox.spec.owner, sandbox.server))
    # One outside of any Cohort never starts, so it must not keep others from it.
    rivals = [item for item in twins if context.cache.cohort_of(item.metadata.namespace)]
    first = min(rivals, key=_claim, default=sandbox)
    if first.metadata.uid == sandbox.metadata.uid:
        return ""
    return f"{first.metadata.namespace}/{first.metadata.name}"


def _shares_workspace(context: Context, sandbox: Sandbox) -> bool:
    meta = sandbox.metadata
    return any(
        twin.metadata.namespace == meta.namespace and twin.metadata.uid != meta.uid
        for twin in context.cache.sandboxes.find("server", (sandbox.spec.owner, sandbox.server))
    )


def _claim(sandbox: Sandbox) -> tuple[bool, str, str]:
    """Rank claims to a server: who runs keeps it, then who is older.

    Times are whole seconds, so of two made in one second neither is older; their uids decide, and
    must not take the server from the one that has it.
    """
    meta = sandbox.metadata
    return (
        not is_holding(sandbox.status.phase),
        str(meta.creation_timestamp or ""),
        meta.uid,
    )


def _hours_spent(context: Context, sandbox: Sandbox) -> bool:
    blueprint = sandbox.status.blueprint
    cohort = context.cache.cohort_of(sandbox.metadata.namespace)
    if cohort is None or blueprint is None or blueprint.accelerator is None:
        return False
    return blueprint.accelerator.class_name in spent_classes(context, cohort)
