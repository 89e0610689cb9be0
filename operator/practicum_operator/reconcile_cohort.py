"""Carries out what is planned for a Cohort."""

import asyncio
import logging
from datetime import timedelta

from practicum_api import labels, names
from practicum_api.base import ObjectMeta
from practicum_api.cohort import Cohort, CohortStatus
from practicum_api.lab import Lab
from practicum_api.sandbox import Sandbox
from practicum_operator.builders.meta import Manifest
from practicum_operator.builders.namespace import build_namespace
from practicum_operator.cache import Key, sandbox_key
from practicum_operator.context import CohortMemory, Context
from practicum_operator.drift import drifted
from practicum_operator.hours import watch_hours
from practicum_operator.kubernetes import (
    AlreadyExistsError,
    Body,
    ForbiddenError,
    InvalidError,
    NotFoundError,
)
from practicum_operator.plan_cohort import (
    CohortPlan,
    CohortSeen,
    build_room,
    is_ours,
    plan_cohort,
)
from practicum_operator.resources import (
    BY_KIND,
    CLAIMS,
    COHORTS,
    LIMIT_RANGES,
    NAMESPACES,
    NETWORK_POLICIES,
    RESOURCE_QUOTAS,
    ROLE_BINDINGS,
    SANDBOXES,
    SERVICE_ACCOUNTS,
)
from practicum_operator.views import namespace_view
from practicum_operator.writes import status_patch

_LOG = logging.getLogger(__name__)
_ROOM_KINDS = (
    ROLE_BINDINGS,
    NETWORK_POLICIES,
    SERVICE_ACCOUNTS,
    LIMIT_RANGES,
    RESOURCE_QUOTAS,
)
_SHUT = frozenset({NETWORK_POLICIES.kind, RESOURCE_QUOTAS.kind})
_MAX_STEPS = 6
_HELD_RECHECK = 30.0


async def reconcile_cohort(context: Context, key: Key) -> None:
    """Bring one Cohort nearer to what it should be, step by step until nothing is left to do."""
    await _ask_again(context, key)
    for _ in range(_MAX_STEPS):
        cohort = context.cache.cohorts.get(key.name)
        if cohort is None:
            return
        memory = context.cohort_memory(cohort.metadata.uid)
        seen = await _observe(context, cohort, memory)
        if not await _carry_out(context, key, seen, plan_cohort(seen), memory):
            break
    cohort = context.cache.cohorts.get(key.name)
    if cohort is not None:
        watch_hours(context, cohort)


async def _ask_again(context: Context, key: Key) -> None:
    """See whether a namespace that was not ours is still there.

    One without our label is not watched, so nothing else tells that it has gone.
    """
    cohort = context.cache.cohorts.get(key.name)
    if cohort is None or cohort.metadata.deletion_timestamp is not None:
        return
    memory = context.cohort_memory(cohort.metadata.uid)
    if memory.foreign and context.cache.namespaces.get(names.cohort_namespace(key.name)) is None:
        await _make_namespace(context, cohort, memory)


async def _observe(context: Context, cohort: Cohort, memory: CohortMemory) -> CohortSeen:
    """Gather all that the plan depends on, and see to what belongs into the namespace."""
    name = names.cohort_namespace(cohort.metadata.name)
    namespace = context.cache.namespaces.get(name)
    if namespace is not None:
        memory.foreign = not is_ours(namespace, cohort)
    leaving = cohort.metadata.deletion_timestamp is not None
    usable = namespace is not None and not memory.foreign and not namespace.terminating
    complete, claims = False, None
    if usable and not leaving:
        complete = await _furnish(context, cohort, memory)
    if usable and leaving:
        claims = [item["metadata"]["name"] for item in await _claims(context, cohort, name)]
    return CohortSeen(
        cohort=cohort,
        now=context.now(),
        namespace=namespace,
        foreign=memory.foreign,
        complete=complete,
        sandboxes=context.cache.sandboxes.find("namespace", name),
        claims=claims,
        finished=dict(memory.finished),
        problem=memory.problem,
        missing_labs=[n for n in cohort.spec.labs if context.cache.labs.get(n) is None],
        missing_classes=[n for n in _classes(cohort) if context.cache.accelerators.get(n) is None],
    )


def _classes(cohort: Cohort) -> list[str]:
    return [item.class_name for item in cohort.spec.quota.accelerators]


async def _claims(context: Context, cohort: Cohort, namespace: str) -> list[Body]:
    selector = f"{labels.COHORT}={cohort.metadata.name}"
    listing = await context.kubernetes.list(CLAIMS, namespace=namespace, selector=selector)
    return listing.items


async def _carry_out(
    context: Context, key: Key, seen: CohortSeen, plan: CohortPlan, memory: CohortMemory
) -> bool:
    """Do what a plan says; return whether to plan again at once."""
    cohort = seen.cohort
    if plan.finalizer is True:
        body = {
            "metadata": {
                "resourceVersion": cohort.metadata.resource_version,
                "finalizers": [*cohort.metadata.finalizers, labels.FINALIZER],
            }
        }
        answer = await context.kubernetes.merge_patch(COHORTS, key.name, body)
        _remember(context, cohort, cohort.status, answer)
        return True
    await _write_status(context, key, seen, plan.status, memory)
    if plan.make_namespace:
        await _make_namespace(context, cohort, memory)
        return True
    for sandbox in plan.remove_sandboxes:
        await _delete_sandbox(context, sandbox)
    namespace = names.cohort_namespace(key.name)
    for claim in plan.remove_claims:
        await context.kubernetes.delete(CLAIMS, claim, namespace=namespace)
    if plan.remove_namespace:
        await context.kubernetes.delete(NAMESPACES, namespace)
    if plan.finalizer is False:
        await _drop_finalizer(context, cohort)
        return False
    if cohort.metadata.deletion_timestamp is not None or seen.foreign or not seen.complete:
        context.queue.add_after(key, _HELD_RECHECK)
    return False


async def _delete_sandbox(context: Context, sandbox: Sandbox) -> None:
    meta = sandbox.metadata
    try:
        await context.kubernetes.delete(
            SANDBOXES, meta.name, namespace=meta.namespace, uid=meta.uid
        )
    except NotFoundError:
        return


async def _drop_finalizer(context: Context, cohort: Cohort) -> None:
    left = [item for item in cohort.metadata.finalizers if item != labels.FINALIZER]
    body = {"metadata": {"resourceVersion": cohort.metadata.resource_version, "finalizers": left}}
    try:
        await context.kubernetes.merge_patch(COHORTS, cohort.metadata.name, body)
    except NotFoundError:
        return
    finally:
        context.cohorts.pop(cohort.metadata.uid, None)


async def _make_namespace(context: Context, cohort: Cohort, memory: CohortMemory) -> None:
    """Create the namespace; one that is there already is taken only if it bears our mark."""
    body = build_namespace(cohort)
    try:
        answer = await context.kubernetes.create(NAMESPACES, body)
    except AlreadyExistsError:
        answer = await context.kubernetes.get(NAMESPACES, body["metadata"]["name"])
    view = namespace_view(answer)
    memory.foreign = not is_ours(view, cohort)
    if not memory.foreign:
        version = answer["metadata"]["resourceVersion"]
        context.cache.namespaces.put(view, version, ("", view.name))


async def _furnish(context: Context, cohort: Cohort, memory: CohortMemory) -> bool:
    """Make or mend what belongs into the namespace; return whether all of it is there.

    It is compared with the cluster once in a process's life, whenever what is wanted changes, and
    at every resync; comparing only reads.
    """
    classes = {item.metadata.name: item for item in context.cache.accelerators}
    wanted = [
        build_namespace(cohort),
        *build_room(cohort, _labs(context, cohort), classes, context.site),
    ]
    digest = names.digest(repr(wanted), 16)
    fresh = timedelta(seconds=context.settings.resync)
    now = context.now()
    verified = memory.verified_at is not None and now - memory.verified_at < fresh
    if memory.applied == digest and verified:
        return True
    memory.problem = ""
    try:
        await _mend(context, cohort, wanted)
    except (ForbiddenError, InvalidError) as error:
        memory.problem = f"The cluster refuses what the Cohort needs: {error}"[:900]
        _LOG.warning("cohort %s: %s", cohort.metadata.name, error)
        context.queue.retry(Key("Cohort", "", cohort.metadata.name))
        return False
    memory.applied, memory.verified_at = digest, now
    return True


def _labs(context: Context, cohort: Cohort) -> list[Lab]:
    found = (context.cache.labs.get(name) for name in cohort.spec.labs)
    return [lab for lab in found if lab is not None]


async def _mend(context: Context, cohort: Cohort, wanted: list[Manifest]) -> None:
    namespace = names.cohort_namespace(cohort.metadata.name)
    present = await _present(context, cohort, namespace)
    kept = set()
    for body in wanted:
        place = (body["kind"], body["metadata"]["name"])
        kept.add(place)
        actual = present.get(place)
        if actual is not None and not drifted(actual, body):
            continue
        applied = await context.kubernetes.apply(BY_KIND[body["kind"]], body)
        if body["kind"] in _SHUT and drifted(applied, body):
            # Applying leaves alone what others have added; a policy that someone opened has to
            # be shut again.
            await context.kubernetes.replace(BY_KIND[body["kind"]], body)
    for kind, name in present.keys() - kept:
        if kind == NETWORK_POLICIES.kind:
            await context.kubernetes.delete(NETWORK_POLICIES, name, namespace=namespace)


async def _present(context: Context, cohort: Cohort, namespace: str) -> dict[tuple[str, str], Body]:
    """Return what is in the namespace of what we make, by kind and name."""
    selector = f"{labels.COHORT}={cohort.metadata.name}"
    own = await context.kubernetes.get(NAMESPACES, namespace)
    rooms = await asyncio.gather(
        *(
            context.kubernetes.list(resource, namespace=namespace, selector=selector)
            for resource in _ROOM_KINDS
        )
    )
    found = {
        (resource.kind, item["metadata"]["name"]): item
        for resource, listing in zip(_ROOM_KINDS, rooms, strict=True)
        for item in listing.items
    }
    return found | {(NAMESPACES.kind, namespace): own}


async def _write_status(
    context: Context, key: Key, seen: CohortSeen, status: CohortStatus, memory: CohortMemory
) -> None:
    """Write the status if it has changed; counts alone may wait a while."""
    cohort = seen.cohort
    if status == cohort.status:
        memory.changed_since = None
        return
    only_counts = status.model_copy(update={"sandboxes": cohort.status.sandboxes}) == cohort.status
    now = context.monotonic()
    if memory.changed_since is None:
        memory.changed_since = now
    left = memory.changed_since + context.settings.count_delay - now
    if only_counts and left > 0:
        context.queue.add_after(key, left)
        return
    memory.changed_since = None
    patch = status_patch(cohort.status, status, cohort.metadata.uid)
    # Usage is added up here, so this must not be done on top of something we have not seen.
    patch["metadata"]["resourceVersion"] = cohort.metadata.resource_version
    answer = await context.kubernetes.merge_patch(COHORTS, key.name, patch, subresource="status")
    _remember(context, cohort, status, answer)
    for sandbox in seen.sandboxes:
        if sandbox.metadata.uid in seen.finished:
            context.queue.add(sandbox_key(sandbox))


def _remember(context: Context, cohort: Cohort, status: CohortStatus, answer: Body) -> None:
    meta = ObjectMeta.model_validate(answer["metadata"])
    after = cohort.model_copy(update={"metadata": meta, "status": status})
    if context.cache.cohorts.put(after, meta.resource_version, ("", meta.name)):
        context.changed("Cohort", cohort, after)
