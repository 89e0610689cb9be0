"""Lays what a fresh home needs: a Pod's home is an empty volume at every start."""

import json
from pathlib import Path

from practicum_sandbox.files import copy_atomically, write_atomically
from practicum_sandbox.settings import SandboxSettings

LANGUAGE_SETTING = "@jupyterlab/translation-extension/plugin.jupyterlab-settings"


def lay(settings: SandboxSettings, jupyterlab_settings: Path) -> None:
    """Copy the image's skeleton into the home, and choose JupyterLab's language once.

    Files that exist stay as they are. Raises OSError where nothing can be written.
    """
    skeleton = settings.skeleton
    for source in skeleton.rglob("*"):
        target = settings.home / source.relative_to(skeleton)
        if source.is_file() and not target.exists():
            copy_atomically(source, target)
    chosen = jupyterlab_settings / LANGUAGE_SETTING
    if settings.language.startswith("zh") and not chosen.exists():
        chosen.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(chosen, json.dumps({"locale": "zh_CN"}).encode())
