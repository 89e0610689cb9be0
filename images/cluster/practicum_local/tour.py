"""When the main job is walked: once a release, and never over what a person is doing."""

import hashlib
from pathlib import Path

from practicum_local import progress, walk
from practicum_local.demo import Addresses
from practicum_local.release import NAMESPACE, Cluster

ANNOTATION = "practicum.dev/walked"
UNDER_WAY = "under-way"


def walk_once(cluster: Cluster, addresses: Addresses, screenshots: Path) -> None:
    """Walk the main job unless this release was walked, or the demo cohort is in use.

    A walk that was stopped is taken up again: what it left is its own.
    """
    release = fingerprint(cluster)
    namespace = cluster.get("namespace", NAMESPACE)
    walked = namespace["metadata"].get("annotations", {}).get(ANNOTATION)
    if walked == release:
        progress.note("the main job was walked with this release already")
        return
    if walked != UNDER_WAY and (found := walk.left_over(cluster)):
        progress.note(f"not walking the main job: it would end {found[0]}, which someone made")
        return
    _remember(cluster, UNDER_WAY)
    walk.main_job(cluster, addresses, screenshots)
    _remember(cluster, release)


def fingerprint(cluster: Cluster) -> str:
    """Return a digest of all that is installed: the release with its images, and the labs."""
    manifest = cluster.helm("get", "manifest", "practicum", f"--namespace={NAMESPACE}")
    labs = cluster.kubectl("get", "labs", "--output=jsonpath={.items[*].spec}")
    return hashlib.sha256((manifest + labs).encode()).hexdigest()[:16]


def _remember(cluster: Cluster, state: str) -> None:
    cluster.kubectl("annotate", "--overwrite", "namespace", NAMESPACE, f"{ANNOTATION}={state}")
