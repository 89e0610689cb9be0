"""A Lab resolved into what one attempt is built from."""

from practicum_api.accelerator import AcceleratorClass
from practicum_api.lab import Lab
from practicum_api.sandbox import Blueprint, BlueprintAccelerator


def resolve(lab: Lab, accelerator: AcceleratorClass | None) -> Blueprint:
    """Return the blueprint of ``lab``, whose AcceleratorClass, if it asks for one, is given."""
    wanted = lab.spec.accelerator
    held = None
    if wanted is not None:
        if accelerator is None:
            raise ValueError(
                f"Lab {lab.metadata.name} asks for an AcceleratorClass that is missing"
            )
        held = BlueprintAccelerator(
            class_name=wanted.class_name,
            resource_name=accelerator.spec.resource_name,
            count=wanted.count,
            placement=accelerator.spec.placement,
        )
    return Blueprint(
        lab_generation=lab.metadata.generation,
        image=lab.spec.image,
        resources=lab.spec.resources,
        accelerator=held,
        workspace=lab.spec.workspace,
        env=lab.spec.env,
        lifetime=lab.spec.lifetime,
    )


def differs(pinned: Blueprint, current: Blueprint) -> bool:
    """Whether a restart would build something else than what runs."""
    return pinned.model_copy(update={"lab_generation": 0}) != current.model_copy(
        update={"lab_generation": 0}
    )
