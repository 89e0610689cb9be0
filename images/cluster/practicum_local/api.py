"""The local API server as the node's own tooling uses it: get, apply, wait."""

import datetime as dt
import ssl
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

TIMEOUT_SECONDS = 10.0
FIELD_MANAGER = "practicum-local"
PLURALS = {
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "ConfigMap": "configmaps",
    "Deployment": "deployments",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
    "StorageClass": "storageclasses",
}
"""The kinds that our own manifests hold."""

Object = dict[str, Any]


class Api:
    """A client with the admin's certificate; use it as a context manager."""

    def __init__(self, server: str, pki: Path) -> None:
        context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        # Straight to 127.0.0.1, whatever proxy the environment names.
        self._http = httpx.Client(
            base_url=server, verify=context, timeout=TIMEOUT_SECONDS, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.close()

    def answers(self, path: str) -> bool:
        """Whether a GET of `path` succeeds at the moment."""
        try:
            return self._http.get(path).is_success
        except httpx.TransportError:
            return False

    def get(self, path: str) -> Object | None:
        """The object at `path`; None when there is none, or no answer at the moment."""
        try:
            response = self._http.get(path)
        except httpx.TransportError:
            return None
        if response.is_success:
            found: Object = response.json()
            return found
        return None

    def apply(self, manifest: Object) -> None:
        """Make the object as the manifest says (server-side apply)."""
        response = self._http.patch(
            object_path(manifest),
            params={"fieldManager": FIELD_MANAGER, "force": "true"},
            headers={"Content-Type": "application/apply-patch+yaml"},
            json=manifest,
        )
        response.raise_for_status()

    def merge(self, path: str, change: Object) -> None:
        """Merge `change` into the object at `path`."""
        headers = {"Content-Type": "application/merge-patch+json"}
        self._http.patch(path, headers=headers, json=change).raise_for_status()


def object_path(manifest: Object) -> str:
    """The path of the object that a manifest describes."""
    version, metadata = manifest["apiVersion"], manifest["metadata"]
    prefix = f"/apis/{version}" if "/" in version else f"/api/{version}"
    namespace = metadata.get("namespace")
    scope = f"/namespaces/{namespace}" if namespace else ""
    return f"{prefix}{scope}/{PLURALS[manifest['kind']]}/{metadata['name']}"


def is_available(deployment: Object | None) -> bool:
    """Whether all replicas of a Deployment, as last changed, are available."""
    if deployment is None:
        return False
    status = deployment.get("status", {})
    current = status.get("observedGeneration") == deployment["metadata"]["generation"]
    wanted = deployment["spec"].get("replicas", 1)
    # An old replica that still serves would count as available.
    updated = status.get("updatedReplicas", 0) == status.get("replicas", 0) == wanted
    return bool(current and updated and status.get("availableReplicas", 0) == wanted)


def is_ready(node: Object | None, *, since: dt.datetime) -> bool:
    """Whether a Node's kubelet has said after `since` that it is ready."""
    conditions = (node or {}).get("status", {}).get("conditions", [])
    return any(
        c["type"] == "Ready" and c["status"] == "True" and parse(c["lastHeartbeatTime"]) >= since
        for c in conditions
    )


def all_run(pods: Object | None, *, since: dt.datetime) -> bool:
    """Whether there are Pods and every container of them runs, started after `since`.

    After the node was down its Pods' last status is still there, and says they run.
    """
    items = (pods or {}).get("items", [])
    alive = [p for p in items if "deletionTimestamp" not in p["metadata"]]
    return bool(alive) and all(_runs(p, since) for p in alive)


def _runs(pod: Object, since: dt.datetime) -> bool:
    states = pod["status"].get("containerStatuses", [])
    return bool(states) and all(
        s["ready"]
        and "running" in s["state"]
        and parse(s["state"]["running"]["startedAt"]) >= since
        for s in states
    )


def parse(time: str) -> dt.datetime:
    """A time as Kubernetes writes it."""
    return dt.datetime.fromisoformat(time)
