"""The one watch of the Hub's process."""

from functools import cache

from practicum_hub.sandboxes import Sandboxes


@cache
def shared_sandboxes() -> Sandboxes:
    """Return the process's Sandboxes, on the cluster that this Pod runs in."""
    from practicum_hub.kube import KubernetesSandboxes

    return Sandboxes(KubernetesSandboxes())
