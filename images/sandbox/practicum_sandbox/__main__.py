"""The sandbox image's command: lay the lab's files, then serve JupyterLab for the Hub."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from practicum_sandbox import home, lean, processors
from practicum_sandbox.arguments import environment, server_arguments
from practicum_sandbox.problems import NOTICE, notice
from practicum_sandbox.settings import SandboxSettings
from practicum_sandbox.workspace import prepare


def main() -> None:
    """Make everything ready and become the server; a bad workspace is told, not fatal."""
    settings = SandboxSettings.from_environment(os.environ)
    for name, value in _ready(settings).items():
        os.environ.setdefault(name, value)
    try:
        home.lay(settings, Path(os.environ["JUPYTERLAB_SETTINGS_DIR"]))
    except OSError as error:
        _say(str(error))
    lean.apply()
    from practicum_sandbox.server import SandboxServer

    SandboxServer.launch_instance([*server_arguments(settings, os.environ), *sys.argv[1:]])


def _ready(settings: SandboxSettings) -> dict[str, str]:
    """Prepare the workspace; returns what the server's environment lacks."""
    outcome = prepare(settings, datetime.now(UTC))
    for line in outcome.done:
        _say(line)
    told = {NOTICE: notice(outcome.problem, settings.language)} if outcome.problem else {}
    for text in told.values():
        _say(text)
    known = environment(settings, processors=processors.limit(), writable=outcome.writable)
    return {**known, **told}


def _say(line: str) -> None:
    sys.stderr.write(f"practicum: {line}\n")


if __name__ == "__main__":
    main()
