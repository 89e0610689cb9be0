"""Beginning an attempt: what must resolve first, and what is pinned."""

from practicum_api import names
from practicum_api.base import find_condition
from practicum_api.reasons import Reason
from practicum_api.sandbox import Blueprint, Phase
from practicum_operator import lifetimes
from practicum_operator.builders import blueprint as blueprints
from practicum_operator.builders.meta import Manifest
from practicum_operator.builders.pod import build_pod
from practicum_operator.builders.policies import egress_trouble
from practicum_operator.builders.workspace import build_claim, build_secret
from practicum_operator.plan import READY, Draft, Observed, Plan, Policy
from practicum_operator.resources import CLAIMS, PODS, SECRETS, Resource
from practicum_operator.stages import stage_times


def unresolved_reference(seen: Observed) -> tuple[Reason, str] | None:
    """Return which reference does not resolve, or None when a start may go ahead."""
    if seen.duplicate_of:
        message = f"{seen.duplicate_of} is older and has the same owner and server name."
        return Reason.DUPLICATE, message
    return _cohort_trouble(seen) or _lab_trouble(seen)


def _cohort_trouble(seen: Observed) -> tuple[Reason, str] | None:
    lab, cohort = seen.sandbox.spec.lab, seen.cohort
    if cohort is None:
        message = f"Namespace {seen.sandbox.metadata.namespace} belongs to no Cohort."
        return Reason.UNKNOWN_COHORT, message
    if cohort.metadata.deletion_timestamp is not None:
        return Reason.TERMINATING, f"Cohort {cohort.metadata.name} is being removed."
    ready = find_condition(cohort.status.conditions, READY)
    if ready is None or ready.status != "True":
        return Reason.UNKNOWN_COHORT, f"Cohort {cohort.metadata.name} is not ready yet."
    if lab not in cohort.spec.labs:
        return Reason.LAB_NOT_OFFERED, f"Cohort {cohort.metadata.name} does not list Lab {lab}."
    return None


def _lab_trouble(seen: Observed) -> tuple[Reason, str] | None:
    lab = seen.sandbox.spec.lab
    if seen.lab is None:
        return Reason.UNKNOWN_LAB, f"No Lab is named {lab}."
    wanted = seen.lab.spec.accelerator
    if wanted is not None and seen.accelerator is None:
        message = f"Lab {lab} asks for AcceleratorClass {wanted.class_name}, which does not exist."
        return Reason.LAB_NOT_READY, message
    if trouble := egress_trouble(seen.lab.spec.egress):
        return Reason.LAB_NOT_READY, f"Lab {lab}: {trouble}"
    return None


def begin_attempt(draft: Draft, policy: Policy, *, at_once: bool = True) -> Plan:
    """Plan a new attempt: pin the Lab and take a number, before anything is made.

    What it is made of follows at once, or else when the Pods of earlier ones have gone.

    The number goes into the names of Pod and Secret. It is written first, so that an operator
    that is killed in between makes the same ones again.
    """
    seen, status, spec = draft.seen, draft.status, draft.seen.sandbox.spec
    if seen.lab is None:
        raise ValueError("an attempt needs a Lab")
    blueprint = blueprints.resolve(seen.lab, seen.accelerator)
    now = seen.now.replace(microsecond=0)
    attempt = max([status.attempt, *(pod.attempt for pod in seen.pods)]) + 1
    draft.set(
        phase=Phase.STARTING,
        attempt=attempt,
        failures=0 if seen.sandbox.asks_anew else status.failures,
        retry_at=None,
        blueprint=blueprint,
        image_id="",
        stages=stage_times(None, queued_at=seen.asked_at, started_at=now),
        queue=None,
        url="",
        pod_name=names.attempt_name(seen.sandbox.metadata.name, attempt),
        claim_name=names.claim_name(spec.owner, seen.sandbox.server),
        started_at=now,
        ready_at=None,
        last_activity=None,
        deadline=lifetimes.deadline(blueprint.lifetime, started_at=now, wished=spec.deadline),
        restart=spec.restart,
        reset=spec.reset,
    )
    draft.not_ready(Reason.SCHEDULING)
    if at_once:
        draft.do(create=manifests(seen, policy, blueprint, attempt))
    draft.wake(seen.now + policy.limits.start)
    return draft.plan()


def manifests(
    seen: Observed, policy: Policy, blueprint: Blueprint, attempt: int
) -> tuple[tuple[Resource, Manifest], ...]:
    """Return what an attempt is made of."""
    if seen.cohort is None:
        raise ValueError("an attempt needs a Cohort")
    sandbox, cohort = seen.sandbox, seen.cohort.metadata.name
    pod = build_pod(
        sandbox,
        cohort,
        blueprint,
        attempt,
        policy.addresses,
        termination_grace=policy.termination_grace,
    )
    return (
        (CLAIMS, build_claim(sandbox, cohort, blueprint)),
        (SECRETS, build_secret(sandbox, cohort, attempt)),
        (PODS, pod),
    )
