"""What to do for a Sandbox that is being suspended or deleted."""

from practicum_api import labels, names
from practicum_api.reasons import Reason
from practicum_api.sandbox import DesiredState, Phase
from practicum_operator.plan import (
    REGISTERED,
    Draft,
    HubState,
    HubWish,
    Observed,
    Plan,
    Policy,
    Target,
    close_registration,
    is_holding,
    settle_registration,
    suspended_by,
)
from practicum_operator.plan_loss import ending_usage, final_usage, gone_by, still_here
from practicum_operator.resources import CLAIMS


def plan_suspending(seen: Observed, policy: Policy) -> Plan:
    """Plan for a sandbox whose Pod is being stopped."""
    draft = Draft(seen)
    settle_registration(draft)
    reason = suspended_by(seen.sandbox)
    here = still_here(seen, policy)
    if here:
        draft.remove_pods(here)
        draft.set(phase=Phase.SUSPENDING)
        draft.not_ready(Reason.SUSPENDING)
        draft.wake(gone_by(here, policy))
        return draft.plan()
    draft.set(
        phase=Phase.SUSPENDED,
        usage=final_usage(seen),
        pod_name="",
        failures=0,
        retry_at=None,
        queue=None,
        deadline=None,
    )
    if seen.sandbox.spec.desired_state == DesiredState.RUNNING:
        reason = Reason.SUSPENDED
    draft.not_ready(reason, moving=False)
    return draft.plan()


def plan_deletion(seen: Observed, policy: Policy) -> Plan:
    """Plan for a sandbox that is deleted: Hub, Pod, usage, workspace, then let it go."""
    sandbox = seen.sandbox
    if labels.FINALIZER not in sandbox.metadata.finalizers:
        return Plan(status=sandbox.status)
    draft = Draft(seen)
    status = draft.status
    if status.phase is not Phase.TERMINATING and is_holding(status.phase):
        close_registration(draft)
        draft.set(phase=Phase.TERMINATING, url="", queue=None, usage=ending_usage(seen))
        draft.not_ready(Reason.TERMINATING)
        draft.remove_attempt(pods=tuple(pod for pod in seen.pods if seen.owns(pod)))
        return draft.plan()
    since = sandbox.metadata.deletion_timestamp or seen.now
    overdue = seen.now >= since + policy.release_timeout
    if not overdue:
        draft.wake(since + policy.release_timeout)
    here = still_here(seen, policy)
    told = status.attempt == 0 or (
        seen.hub.state is HubState.FORGOTTEN and seen.hub.attempt == status.attempt
    )
    if here:
        draft.remove_pods(here)
    if not told and not overdue:
        draft.do(hub=HubWish.FORGET)
    draft.keep(REGISTERED)
    draft.keep("Ready")
    draft.keep("Reconciling")
    if (here or not told) and not overdue:
        return draft.plan()
    return _plan_release(draft)


def _plan_release(draft: Draft) -> Plan:
    """Plan the last steps, each of which is durable before the next: usage, files, finalizer."""
    seen, status = draft.seen, draft.status
    usage = final_usage(seen)
    if usage != status.usage:
        draft.set(usage=usage)
        return draft.plan()
    cohort, meta = seen.cohort, seen.sandbox.metadata
    if cohort is not None and usage.running_seconds and meta.uid not in cohort.status.released:
        draft.do(settle=True)
        return draft.plan()
    targets = []
    spec, claim = seen.sandbox.spec, status.claim_name
    if not claim and not seen.shares_workspace:
        # One that never started would have found the files of a former Sandbox.
        claim = names.claim_name(spec.owner, spec.server)
    if spec.workspace.deletion_policy == "Delete" and claim:
        targets.append(Target(CLAIMS, meta.namespace, claim, owner=spec.owner))
    draft.do(remove=tuple(targets), finalizer=False)
    return draft.plan()
