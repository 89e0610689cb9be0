"""Kubernetes Events about a sandbox."""

from datetime import datetime

from practicum_api.base import find_condition
from practicum_api.names import API_VERSION, digest, slug
from practicum_api.sandbox import Phase, Sandbox
from practicum_operator.builders.meta import Manifest

_CONTROLLER = "practicum.dev/operator"


def build_event(sandbox: Sandbox, now: datetime) -> Manifest:
    """Return the Event that says what phase a sandbox has come to, and why."""
    meta, status = sandbox.metadata, sandbox.status
    ready = find_condition(status.conditions, "Ready")
    moment = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {
            "name": f"{slug(meta.name, 40)}-{digest(meta.uid + moment, 12)}",
            "namespace": meta.namespace,
        },
        "eventTime": moment,
        "type": "Normal" if status.phase is Phase.RUNNING else "Warning",
        "action": "Start",
        "reason": ready.reason if ready else str(status.phase),
        "note": ready.message if ready else "",
        "reportingController": _CONTROLLER,
        "reportingInstance": "operator",
        "regarding": {
            "apiVersion": API_VERSION,
            "kind": "Sandbox",
            "name": meta.name,
            "namespace": meta.namespace,
            "uid": meta.uid,
        },
    }
