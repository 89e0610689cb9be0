"""Tells a trainee in JupyterLab what is wrong with the workspace, in English or Chinese.

JupyterLab asks its server for "updates" when a page opens and shows the answer as a
notification. That hook, meant for sites to replace, carries our notice: it works even
when not one byte can be written.
"""

import os

from jupyterlab.handlers.announcements import CheckForUpdateABC

from practicum_sandbox.problems import NOTICE


class WorkspaceNotice(CheckForUpdateABC):  # type: ignore[misc]
    """Answers JupyterLab's question for updates with the notice of this start, if any."""

    async def __call__(self) -> str | None:
        """The notice, or None when all is well."""
        return os.environ.get(NOTICE) or None
