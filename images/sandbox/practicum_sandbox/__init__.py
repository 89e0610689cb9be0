"""What runs in a trainee's sandbox: it lays the lab's files, then serves JupyterLab.

Jupyter Server also loads this package as its one extension of ours: the Hub's sign-in and
the activity endpoint.
"""

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from practicum_sandbox.server import SandboxServer

    return [{"module": "practicum_sandbox.server", "app": SandboxServer}]
