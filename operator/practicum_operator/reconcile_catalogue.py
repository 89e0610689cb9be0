"""Carries out what there is to say of Labs and AcceleratorClasses, and decides who may start."""

from practicum_api.accelerator import AcceleratorClass, AcceleratorClassStatus
from practicum_api.base import ApiModel, ObjectMeta, whole_quantity
from practicum_api.cohort import Cohort
from practicum_api.lab import Lab, LabStatus
from practicum_operator.admission import MILLI, CohortRoom, Room
from practicum_operator.cache import Key
from practicum_operator.capacity import class_rooms, offered, starts_at_once
from practicum_operator.context import Context
from practicum_operator.desk import holds
from practicum_operator.hours import spent_classes
from practicum_operator.plan_catalogue import plan_accelerator, plan_lab
from practicum_operator.resources import ACCELERATOR_CLASSES, LABS, Resource
from practicum_operator.writes import status_patch


async def reconcile_lab(context: Context, key: Key) -> None:
    """Write the status of a Lab when it has changed."""
    lab = context.cache.labs.get(key.name)
    if lab is None or lab.metadata.deletion_timestamp is not None:
        return
    wanted = lab.spec.accelerator
    found = context.cache.accelerators.get(wanted.class_name) if wanted else None
    used = len(context.cache.sandboxes.find("lab", key.name))
    status = plan_lab(lab, found, used, context.now().replace(microsecond=0))
    await _write(context, LABS, lab, status)


async def reconcile_accelerator(context: Context, key: Key) -> None:
    """Write the status of an AcceleratorClass when it has changed."""
    item = context.cache.accelerators.get(key.name)
    if item is None or item.metadata.deletion_timestamp is not None:
        return
    in_use = 0
    for sandbox in context.cache.sandboxes:
        held = sandbox.status.blueprint.accelerator if sandbox.status.blueprint else None
        if held and held.class_name == key.name and holds(context.cache, sandbox):
            in_use += held.count
    queued = sum(
        request.demand.count
        for request in context.desk.waiting.values()
        if request.demand.class_name == key.name
    )
    status = plan_accelerator(
        item,
        total=offered(item, context.cache.nodes),
        in_use=in_use,
        queued=queued,
        now=context.now().replace(microsecond=0),
    )
    await _write(context, ACCELERATOR_CLASSES, item, status)


async def reconcile_admission(context: Context, key: Key) -> None:
    """Decide on everyone who asks to start."""
    del key
    for decision in context.desk.decide(room_of(context)):
        request = context.desk.waiting.get(decision.key)
        if request is not None and request.demand.class_name:
            name = request.demand.class_name
            delay = context.settings.count_delay
            context.queue.add_after(Key("AcceleratorClass", "", name), delay)


def room_of(context: Context) -> Room:
    """Return all there is to share at the moment."""
    nodes = list(context.cache.nodes)
    settings = context.settings
    return Room(
        cohorts={item.metadata.name: cohort_room(context, item) for item in context.cache.cohorts},
        classes=class_rooms(context.cache.accelerators, nodes),
        pace=starts_at_once(nodes, per_cpu=settings.starts_per_cpu, fixed=settings.max_starting),
    )


def cohort_room(context: Context, cohort: Cohort) -> CohortRoom:
    """Return what a cohort may use together."""
    quota = cohort.spec.quota
    counts = {item.class_name: item.count for item in quota.accelerators}
    return CohortRoom(
        sandboxes=quota.sandboxes,
        cpu=None if quota.cpu is None else whole_quantity(quota.cpu, parts=MILLI),
        memory=None if quota.memory is None else whole_quantity(quota.memory),
        accelerators=counts or None,
        spent=spent_classes(context, cohort),
    )


async def _write(
    context: Context,
    resource: Resource,
    item: Lab | AcceleratorClass,
    status: LabStatus | AcceleratorClassStatus,
) -> None:
    if status == item.status:
        return
    old: ApiModel = item.status
    answer = await context.kubernetes.merge_patch(
        resource,
        item.metadata.name,
        status_patch(old, status, item.metadata.uid),
        subresource="status",
    )
    meta = ObjectMeta.model_validate(answer["metadata"])
    after = item.model_copy(update={"metadata": meta, "status": status})
    store = context.cache.store(resource.kind)
    if store.put(after, meta.resource_version, ("", meta.name)):
        context.changed(resource.kind, item, after)
