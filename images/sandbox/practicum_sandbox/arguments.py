"""How JupyterLab is set up in a sandbox: pure functions from settings to arguments."""

from collections.abc import Mapping
from urllib.parse import quote

from practicum_sandbox.settings import SandboxSettings
from practicum_sandbox.workspace import first_notebook

UNUSED_EXTENSIONS = ("jupyter_lsp", "notebook_shim")
"""No language server is in the image, and no configuration of the old notebook."""
THREAD_POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")


def environment(settings: SandboxSettings, *, processors: int, writable: bool) -> dict[str, str]:
    """Variables the server and its kernels need, unless the Pod has set them."""
    kept = settings.state if writable else settings.home / ".jupyter"
    return {
        # The Hub only shows it; the operator asks us, on a port of its own.
        "JUPYTERHUB_ACTIVITY_INTERVAL": "600",
        # In the workspace, so that theme and language outlive the Pod. The layout is not: an open
        # page writes it every ten seconds.
        "JUPYTERLAB_SETTINGS_DIR": str(kept / "jupyterlab"),
        **{name: str(processors) for name in THREAD_POOLS},
    }


def server_arguments(settings: SandboxSettings, environ: Mapping[str, str]) -> list[str]:
    """The command line of the single-user server."""
    values: dict[str, str] = {
        "ServerApp.root_dir": str(_root(settings)),
        # Proxies drop websockets that are silent for a minute.
        "ServerApp.websocket_ping_interval": "30",
        "ServerApp.terminals_enabled": "True",
        "LabApp.extension_manager": "readonly",
        "LabApp.news_url": "None",
        "LabApp.check_for_updates_class": "practicum_sandbox.notice.WorkspaceNotice",
    }
    if "JUPYTERHUB_DEFAULT_URL" not in environ:
        values["ServerApp.default_url"] = default_url(settings)
    arguments = [f"--{name}={value}" for name, value in values.items()]
    off = [f"--ServerApp.jpserver_extensions={name}=False" for name in UNUSED_EXTENSIONS]
    return [*arguments, *off]


def default_url(settings: SandboxSettings) -> str:
    """The page that opens: the lab's notebook where it lies in the workspace."""
    notebook = first_notebook(settings)
    if notebook is None or not (settings.workspace / notebook).exists():
        return "/lab"
    return f"/lab/tree/{quote(notebook)}"


def _root(settings: SandboxSettings) -> object:
    return settings.workspace if settings.workspace.is_dir() else settings.home
