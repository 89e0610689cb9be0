"""The sandbox image's command: lay the lab's files, then serve JupyterLab for the Hub."""

import os
import sys
from datetime import UTC, datetime

from practicum_sandbox import lean
from practicum_sandbox.arguments import environment, server_arguments
from practicum_sandbox.problems import NOTICE, notice
from practicum_sandbox.settings import SandboxSettings
from practicum_sandbox.workspace import prepare


def main() -> None:
    """Prepare the workspace and become the server; a bad workspace is told, not fatal."""
    settings = SandboxSettings.from_environment(os.environ)
    outcome = prepare(settings, datetime.now(UTC))
    for line in outcome.done:
        sys.stderr.write(f"practicum: {line}\n")
    if outcome.problem:
        text = notice(outcome.problem, settings.language)
        sys.stderr.write(f"practicum: {text}\n")
        os.environ[NOTICE] = text
    for name, value in environment(settings).items():
        os.environ.setdefault(name, value)
    lean.apply()
    from practicum_sandbox.server import SandboxServer

    SandboxServer.launch_instance([*server_arguments(settings, os.environ), *sys.argv[1:]])


if __name__ == "__main__":
    main()
