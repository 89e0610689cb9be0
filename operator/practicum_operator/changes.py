"""Who else has to look when something has changed."""

from typing import Any

from practicum_api import names
from practicum_api.accelerator import AcceleratorClass
from practicum_api.cohort import Cohort
from practicum_api.lab import Lab
from practicum_api.sandbox import Phase, Sandbox
from practicum_operator.cache import Key, sandbox_key
from practicum_operator.context import Context
from practicum_operator.phases import HOLDING
from practicum_operator.views import NamespaceView, NodeView, PodView


def spread(context: Context, kind: str, before: Any, after: Any) -> None:
    """Queue whatever depends on an object of ``kind`` that went from ``before`` to ``after``."""
    match kind:
        case "Sandbox":
            _sandbox_changed(context, before, after)
        case "Pod":
            _pod_changed(context, before, after)
        case "Node":
            _node_changed(context, before, after)
        case "Lab":
            _lab_changed(context, before, after)
        case "AcceleratorClass":
            _class_changed(context, before, after)
        case "Cohort":
            _cohort_changed(context, before, after)
        case "Namespace":
            _namespace_changed(context, before or after)


def _sandbox_changed(context: Context, before: Sandbox | None, after: Sandbox | None) -> None:
    sandbox = after or before
    if sandbox is None:
        return
    old = before.status if before else None
    new = after.status if after else None
    if before and old and old.usage.since and not (new and new.usage.since):
        context.meter.count(before, context.now())
    held = old is not None and old.phase in HOLDING
    holds = new is not None and new.phase in HOLDING
    ready = new is not None and new.phase is Phase.RUNNING
    if held and (not holds or ready):
        context.desk.poke()
    if before is None or after is None or (old and new and old.phase is not new.phase):
        _count_later(context, sandbox)
    if before is None or after is None:
        for twin in context.cache.sandboxes.find("server", (sandbox.spec.owner, sandbox.server)):
            if twin.metadata.uid != sandbox.metadata.uid:
                context.queue.add(sandbox_key(twin))
    if after is None:
        cohort = context.cache.cohort_of(sandbox.metadata.namespace)
        if cohort is not None and cohort.metadata.deletion_timestamp is not None:
            context.queue.add(Key("Cohort", "", cohort.metadata.name))
        context.memories.pop(sandbox.metadata.uid, None)


def _count_later(context: Context, sandbox: Sandbox) -> None:
    """Have the counts in other objects' status brought up to date, but not for each change."""
    delay = context.settings.count_delay
    cohort = context.cache.cohort_of(sandbox.metadata.namespace)
    if cohort is not None:
        context.queue.add_after(Key("Cohort", "", cohort.metadata.name), delay)
    context.queue.add_after(Key("Lab", "", sandbox.spec.lab), delay)
    _count_class_later(context, sandbox)


def _count_class_later(context: Context, sandbox: Sandbox) -> None:
    blueprint = sandbox.status.blueprint
    if blueprint is not None and blueprint.accelerator is not None:
        key = Key("AcceleratorClass", "", blueprint.accelerator.class_name)
        context.queue.add_after(key, context.settings.count_delay)


def _pod_changed(context: Context, before: PodView | None, after: PodView | None) -> None:
    pod = after or before
    if pod is None:
        return
    if pod.component == "proxy":
        if after is not None and after.ready and not (before and before.ready):
            context.routes_due.set()
        return
    if pod.owner:
        context.queue.add(Key("Sandbox", pod.namespace, pod.owner))
    if after is None or after.ended or after.ready or after.scheduling_message:
        context.desk.poke()
    if after is None and (sandbox := context.cache.sandboxes.get(pod.owner, pod.namespace)):
        _count_class_later(context, sandbox)


def _node_changed(context: Context, before: NodeView | None, after: NodeView | None) -> None:
    if before == after:
        return
    for item in context.cache.accelerators:
        context.queue.add_after(Key("AcceleratorClass", "", item.metadata.name), 1.0)
    context.desk.poke()
    node = after or before
    if node is None or (before is not None and after is not None and before.ready == after.ready):
        return
    for pod in context.cache.pods.find("node", node.name):
        if pod.owner:
            context.queue.add(Key("Sandbox", pod.namespace, pod.owner))


def _lab_changed(context: Context, before: Lab | None, after: Lab | None) -> None:
    lab = after or before
    if lab is None:
        return
    context.queue.add(Key("Lab", "", lab.metadata.name))
    if before is None or after is None or before.spec != after.spec:
        _queue_users(context, lab.metadata.name)


def _queue_users(context: Context, name: str) -> None:
    """Queue the Cohorts and the Sandboxes of a Lab."""
    for cohort in context.cache.cohorts:
        if name in cohort.spec.labs:
            context.queue.add(Key("Cohort", "", cohort.metadata.name))
    for sandbox in context.cache.sandboxes.find("lab", name):
        context.queue.add(sandbox_key(sandbox), later=True)


def _class_changed(
    context: Context, before: AcceleratorClass | None, after: AcceleratorClass | None
) -> None:
    item = after or before
    if item is None:
        return
    context.queue.add(Key("AcceleratorClass", "", item.metadata.name))
    if before is not None and after is not None and before.spec == after.spec:
        return
    context.desk.poke()
    for lab in context.cache.labs:
        wanted = lab.spec.accelerator
        if wanted is not None and wanted.class_name == item.metadata.name:
            context.queue.add(Key("Lab", "", lab.metadata.name))
            _queue_users(context, lab.metadata.name)
    for cohort in context.cache.cohorts:
        if cohort.spec.quota.accelerators:
            context.queue.add(Key("Cohort", "", cohort.metadata.name))


def _cohort_changed(context: Context, before: Cohort | None, after: Cohort | None) -> None:
    cohort = after or before
    if cohort is None:
        return
    context.queue.add(Key("Cohort", "", cohort.metadata.name))
    if before is not None and after is not None:
        same_status = before.status.conditions == after.status.conditions
        same_end = before.metadata.deletion_timestamp == after.metadata.deletion_timestamp
        if before.spec == after.spec and same_status and same_end:
            return
    context.desk.poke()
    namespace = names.cohort_namespace(cohort.metadata.name)
    for sandbox in context.cache.sandboxes.find("namespace", namespace):
        context.queue.add(sandbox_key(sandbox), later=True)


def _namespace_changed(context: Context, namespace: NamespaceView) -> None:
    cohort = context.cache.cohort_of(namespace.name)
    if cohort is not None:
        context.queue.add(Key("Cohort", "", cohort.metadata.name))
