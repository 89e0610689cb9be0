"""What to say of Labs and AcceleratorClasses: whether references resolve, and who uses them."""

from datetime import datetime
from typing import Literal

from practicum_api.accelerator import AcceleratorClass, AcceleratorClassStatus
from practicum_api.base import Condition, merge_conditions
from practicum_api.lab import Lab, LabStatus
from practicum_api.reasons import Reason
from practicum_operator.builders.policies import egress_trouble


def plan_lab(lab: Lab, accelerator: AcceleratorClass | None, used: int, now: datetime) -> LabStatus:
    """Return the status of a Lab that ``used`` sandboxes use."""
    wanted = lab.spec.accelerator
    reason, message = Reason.READY, ""
    if wanted is not None and accelerator is None:
        reason = Reason.UNKNOWN_ACCELERATOR
        message = (
            f"AcceleratorClass {wanted.class_name} does not exist; make it, or correct the Lab."
        )
    elif trouble := egress_trouble(lab.spec.egress):
        reason, message = Reason.LAB_NOT_READY, f"{trouble} Correct the Lab."
    conditions = _conditions(reason, message, lab.metadata.generation)
    return lab.status.model_copy(
        update={
            "observed_generation": lab.metadata.generation,
            "sandboxes": used,
            "conditions": merge_conditions(lab.status.conditions, conditions, now),
        }
    )


def plan_accelerator(
    item: AcceleratorClass, *, total: int, in_use: int, queued: int, now: datetime
) -> AcceleratorClassStatus:
    """Return the status of a class of which the nodes offer ``total``."""
    reason, message = Reason.READY, f"{total} on ready nodes."
    if total == 0 and item.spec.capacity.mode == "Fixed":
        reason = Reason.UNSCHEDULABLE
        message = f"No ready node that matches offers {item.spec.resource_name}."
    elif total == 0:
        message = "None at the moment; a node autoscaler adds them on demand."
    conditions = _conditions(reason, message, item.metadata.generation)
    return item.status.model_copy(
        update={
            "observed_generation": item.metadata.generation,
            "total": total,
            "in_use": in_use,
            "queued": queued,
            "conditions": merge_conditions(item.status.conditions, conditions, now),
        }
    )


def _conditions(reason: Reason, message: str, generation: int) -> tuple[Condition, ...]:
    status: Literal["True", "False"] = "True" if reason is Reason.READY else "False"
    ready = Condition(
        type="Ready",
        status=status,
        reason=reason.value,
        message=message or reason.text,
        observed_generation=generation,
    )
    if reason is Reason.READY:
        return (ready,)
    return (ready, ready.model_copy(update={"type": "Stalled", "status": "True"}))
