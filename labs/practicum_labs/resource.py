"""The `Lab` custom resource of a lab, from its `lab.yaml`."""

from typing import Any

from practicum_labs.schema import Manifest, Resources, Text

CONTENT_ROOT = "/opt/practicum/labs"


def lab_resource(manifest: Manifest, *, image: str, tier: str = "cpu") -> dict[str, Any]:
    """Return the resource: ``image`` is a reference, ``tier`` is `cpu`, or `gpu` as another Lab.

    It names no notebook: the image opens the one in the trainee's language.
    """
    sizes = manifest.tiers.gpu if tier == "gpu" else manifest.tiers.cpu
    spec: dict[str, Any] = {
        "title": _text(_title(manifest, tier)),
        "summary": _text(manifest.summary),
        "module": manifest.module,
        "skills": list(manifest.skills),
        "minutes": manifest.minutes,
        "image": {"reference": image},
        "resources": _resources(sizes),
        "workspace": {
            "size": sizes.workspace,
            "content": f"{CONTENT_ROOT}/{manifest.id}/workspace",
        },
        "runs": {"metrics": list(manifest.run_metrics)},
    }
    if sizes.accelerator:
        spec["accelerator"] = {"className": sizes.accelerator}
    return {
        "apiVersion": "practicum.dev/v1alpha1",
        "kind": "Lab",
        "metadata": {"name": f"{manifest.id}-gpu" if tier == "gpu" else manifest.id},
        "spec": spec,
    }


def _title(manifest: Manifest, tier: str) -> Text:
    """Return the title, which tells the tiers of a lab apart where both are offered."""
    title = manifest.title
    return Text(en=f"{title.en} · GPU", zh=f"{title.zh} · GPU") if tier == "gpu" else title


def _resources(sizes: Resources) -> dict[str, str]:
    return {
        "cpu": sizes.cpu,
        "cpuLimit": sizes.cpu_limit,
        "memory": sizes.memory,
        "ephemeralStorage": sizes.ephemeral_storage,
        "sharedMemory": sizes.shared_memory,
    }


def _text(text: Text) -> dict[str, str]:
    return {"en": text.en, "zh-CN": text.zh}
