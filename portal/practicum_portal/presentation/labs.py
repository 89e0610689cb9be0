"""How a Lab is shown."""

from practicum_api.lab import Lab
from practicum_portal.cluster import Cluster
from practicum_portal.presentation.texts import accelerator_text, local_text, ready_state
from practicum_portal.views.labs import LabView


def lab_view(lab: Lab, *, cluster: Cluster) -> LabView:
    """Return a Lab as people see it."""
    spec = lab.spec
    return LabView(
        name=lab.metadata.name,
        title=local_text(spec.title),
        summary=local_text(spec.summary) if spec.summary else None,
        module=spec.module,
        skills=spec.skills,
        minutes=spec.minutes,
        image=spec.image.reference,
        cpu=spec.resources.cpu_limit,
        memory=spec.resources.memory,
        workspace=spec.workspace.size,
        accelerator=accelerator_text(spec.accelerator, cluster),
        notebook=spec.workspace.notebook,
        max_duration=spec.lifetime.max,
        idle_duration=spec.lifetime.idle,
        extension=spec.lifetime.extension,
        metrics=spec.runs.metrics,
        state=ready_state(lab.status.conditions),
    )
