"""What is needed to repeat a run: versions, seed, data, image, lock."""

import hashlib
import os
import platform
import sys
from collections.abc import Mapping
from importlib import metadata
from typing import Any, Final

from practicum_labs.settings import LabSettings

WATCHED: Final = (
    "accelerate",
    "datasets",
    "numpy",
    "peft",
    "practicum",
    "safetensors",
    "scikit-learn",
    "tensorflow-cpu",
    "tokenizers",
    "torch",
    "transformers",
)


def environment(
    settings: LabSettings, *, seed: int | None, data: Mapping[str, str]
) -> dict[str, Any]:
    """Return the environment of a run that starts now; ``data`` maps names to sha256."""
    installed = {
        name.lower(): distribution.version
        for distribution in metadata.distributions()
        if (name := distribution.metadata["Name"])
    }
    return {
        "image": settings.image or None,
        "python": platform.python_version(),
        "packages": {name: installed[name] for name in WATCHED if name in installed},
        "seed": seed,
        "data": dict(data),
        "lock": _lock(settings, installed),
        "platform": f"{platform.system().lower()}-{platform.machine()}",
        "cpus": len(os.sched_getaffinity(0)),
        "accelerator": _accelerator(),
    }


def _lock(settings: LabSettings, installed: Mapping[str, str]) -> str:
    """Return the hash of the image's lock file, or of what is installed where there is none."""
    try:
        content = settings.lock.read_bytes()
    except OSError:
        content = "\n".join(sorted(f"{k}=={v}" for k, v in installed.items())).encode()
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _accelerator() -> str | None:
    """Return the accelerator's name when the run's own code has torch loaded; never load it."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return str(torch.cuda.get_device_name())
