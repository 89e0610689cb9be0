"""Which accelerators' hours a cohort has used up."""

from practicum_api import names
from practicum_api.cohort import Cohort
from practicum_api.sandbox import Sandbox
from practicum_operator.cache import Key, sandbox_key
from practicum_operator.context import Context
from practicum_operator.plan_cohort import hours_left


def spent_classes(context: Context, cohort: Cohort) -> frozenset[str]:
    """Return the classes whose hours were used up at the last look; the first look is now.

    Admission may ask before the Cohort is reconciled: after a restart nobody may be let in on
    hours that are gone.
    """
    memory = context.cohort_memory(cohort.metadata.uid)
    if memory.spent is None:
        left = hours_left(cohort, _sandboxes(context, cohort), context.now())
        memory.spent = _spent(left)
    return memory.spent


def watch_hours(context: Context, cohort: Cohort) -> None:
    """Look which classes' hours are used up, and again when the next ones will be."""
    sandboxes = _sandboxes(context, cohort)
    left = hours_left(cohort, sandboxes, context.now())
    for seconds, held in left.values():
        if seconds > 0 and held:
            context.queue.add_after(Key("Cohort", "", cohort.metadata.name), seconds / held + 1)
    memory, spent = context.cohort_memory(cohort.metadata.uid), _spent(left)
    if spent != memory.spent:
        memory.spent = spent
        context.desk.poke()
        for sandbox in sandboxes:
            context.queue.add(sandbox_key(sandbox))


def _sandboxes(context: Context, cohort: Cohort) -> list[Sandbox]:
    namespace = names.cohort_namespace(cohort.metadata.name)
    return context.cache.sandboxes.find("namespace", namespace)


def _spent(left: dict[str, tuple[float, int]]) -> frozenset[str]:
    return frozenset(name for name, (seconds, _) in left.items() if seconds <= 0)
