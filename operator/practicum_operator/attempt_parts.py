"""Creates and removes what an attempt is made of: workspace, Secret, Pod."""

import asyncio
from dataclasses import replace

from practicum_api import labels
from practicum_operator.builders.workspace import with_token
from practicum_operator.context import Context
from practicum_operator.kubernetes import (
    AlreadyExistsError,
    Body,
    ConflictError,
    ForbiddenError,
    InvalidError,
    KubernetesError,
    NotFoundError,
    QuotaError,
)
from practicum_operator.plan import Observed, Plan, Refusal, Target
from practicum_operator.resources import CLAIMS, PODS, SECRETS, Resource
from practicum_operator.views import pod_view


async def remove_all(context: Context, targets: tuple[Target, ...]) -> None:
    """Delete these objects, Pods last: as long as one is there, all that is its is looked for."""
    for last in (False, True):
        due = [target for target in targets if (target.resource is PODS) is last]
        await asyncio.gather(*(_remove(context, target) for target in due))


async def _remove(context: Context, target: Target) -> None:
    """Delete one object, unless it is another person's; that it is gone already is just as good."""
    uid = target.uid
    try:
        if target.owner:
            found = await context.kubernetes.get(target.resource, target.name, target.namespace)
            if _is_anothers(found, target.owner):
                return
            uid = found["metadata"]["uid"]
        answer = await context.kubernetes.delete(
            target.resource, target.name, namespace=target.namespace, uid=uid
        )
    except NotFoundError:
        return
    if target.resource is PODS:
        _note_deletion(context, target, answer)


def _is_anothers(claim: Body, owner: str) -> bool:
    """Whether a workspace says that it is another person's: names are hashed, and may meet."""
    marks = claim["metadata"].get("annotations") or {}
    return bool(marks.get(labels.OWNER, owner) != owner)


def _note_deletion(context: Context, target: Target, answer: Body) -> None:
    """Note that a Pod is on its way out, before its event says so."""
    store = context.cache.pods
    pod = store.get(target.name, target.namespace)
    meta = answer.get("metadata") or {}
    if pod is None or not meta.get("deletionTimestamp"):
        return
    gone = pod_view(answer)
    after = replace(pod, deleted_at=gone.deleted_at)
    store.put(after, meta["resourceVersion"], (target.namespace, target.name))


async def create_all(context: Context, seen: Observed, plan: Plan) -> bool:
    """Create what an attempt is made of; return whether the API server would have it.

    What exists already is left alone; ConflictError when that is a workspace on its way out.

    The Pod comes last, so that whoever sees it knows that the rest is there: an operator that was
    killed in between would otherwise take an attempt for complete that lacks its Secret.
    """
    memory = context.memory(seen.sandbox.metadata.uid)
    first = [item for item in plan.create if item[0] is not PODS]
    last = [item for item in plan.create if item[0] is PODS]
    try:
        await asyncio.gather(*(_create(context, resource, body) for resource, body in first))
        for resource, body in last:
            await _create(context, resource, body)
    except KubernetesError as error:
        if not is_refusal(error):
            raise
        memory.refusals += 1
        memory.refusal = Refusal(
            str(error)[:900],
            at=context.now(),
            quota=isinstance(error, QuotaError),
            times=memory.refusals,
        )
        return False
    memory.refusals = 0
    memory.pod_seen = plan.status.attempt
    return True


def is_refusal(error: BaseException) -> bool:
    """Whether the API server will not have an object as it is: asking again is of no use.

    A 403 that names a user is about rights; those of a new namespace take a moment to be known.
    """
    if isinstance(error, InvalidError | QuotaError):
        return True
    return isinstance(error, ForbiddenError) and "is forbidden: User " not in str(error)


def _namespace(body: Body) -> str:
    return str(body["metadata"]["namespace"])


async def _create(context: Context, resource: Resource, body: Body) -> None:
    if resource is SECRETS:
        body = with_token(body, context.token())
    try:
        answer = await context.kubernetes.create(resource, body)
    except AlreadyExistsError:
        if resource is SECRETS:
            return
        answer = await context.kubernetes.get(resource, body["metadata"]["name"], _namespace(body))
        if resource is CLAIMS and "deletionTimestamp" in answer["metadata"]:
            raise ConflictError("the workspace of this name is being deleted") from None
        owner = (body["metadata"].get("annotations") or {}).get(labels.OWNER, "")
        if resource is CLAIMS and _is_anothers(answer, owner):
            raise InvalidError("the workspace of this name is another person's") from None
    if resource is PODS:
        meta = answer["metadata"]
        name = (meta["namespace"], meta["name"])
        context.cache.pods.put(pod_view(answer), meta["resourceVersion"], name)
