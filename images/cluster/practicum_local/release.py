"""The Helm release on the local node: the chart an admin would install, with local values."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from practicum_local import programs, progress, toolchain
from practicum_local.paths import CHECKOUT, Paths

NAMESPACE = "practicum"
RELEASE_IMAGES = ("control", "hub", "proxy", "prometheus")
CHART = CHECKOUT / "charts/practicum"
DEMO_VALUES = CHART / "values-demo.yaml"
ERROR_LINES = 20


class ReleaseError(RuntimeError):
    """Helm or kubectl refused; the message says what they said and where to look."""


@dataclass(frozen=True)
class ApiServer:
    """Where Pods find the API server once Services are resolved."""

    addresses: Sequence[str]
    ports: Sequence[int]


@dataclass(frozen=True)
class Site:
    """What differs from one installation to the next."""

    hub_url: str
    portal_url: str
    images: Mapping[str, str]
    """Image reference by component: control, hub, proxy, prometheus."""
    api_server: ApiServer
    nodes: Sequence[str] = ()
    """Addresses of the nodes; the chart's default lets private networks be."""
    pull_policy: str = "IfNotPresent"

    def values(self) -> dict[str, Any]:
        """The chart's values for this site, on top of the demo's."""
        server = self.api_server
        network: dict[str, Any] = {
            "apiServer": {"cidrs": _cidrs(server.addresses), "ports": list(server.ports)}
        }
        if self.nodes:
            network["nodeCidrs"] = _cidrs(self.nodes)
        return {
            "images": {**self.images, "pullPolicy": self.pull_policy},
            "hub": {"publicUrl": self.hub_url},
            "portal": {"publicUrl": self.portal_url},
            "network": network,
        }


@dataclass(frozen=True)
class Cluster:
    """A cluster as `kubectl` and `helm` reach it."""

    paths: Paths
    kubeconfig: Path | None
    """None uses what the environment names, as kubectl does."""

    def kubectl(self, *arguments: str, body: str = "") -> str:
        """Run kubectl; return what it printed, raise ReleaseError with what it said."""
        return self._run([str(toolchain.kubectl(self.paths)), *arguments], body)

    def get(self, *arguments: str) -> dict[str, Any]:
        """Return what `kubectl get` finds, parsed."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "--output=json"))
        return found

    def apply(self, *documents: Mapping[str, Any]) -> None:
        """Apply manifests, as an admin would with `kubectl apply`."""
        self.kubectl("apply", "--filename=-", body=yaml.safe_dump_all(documents))

    def helm(self, *arguments: str, body: str = "") -> str:
        """Run helm; return what it printed, raise ReleaseError with what it said."""
        return self._run(
            [str(programs.ensure(programs.PROGRAMS["helm"], self.paths)), *arguments], body
        )

    def _run(self, command: Sequence[str], body: str) -> str:
        environment = dict(os.environ)
        if self.kubeconfig:
            environment["KUBECONFIG"] = str(self.kubeconfig)
        # Their caches belong below ours, not into the person's home.
        folder = self.paths.root / "clients"
        environment |= {
            "HELM_CACHE_HOME": str(folder / "helm/cache"),
            "HELM_CONFIG_HOME": str(folder / "helm/config"),
            "HELM_DATA_HOME": str(folder / "helm/data"),
            "KUBECACHEDIR": str(folder / "kube"),
        }
        result = subprocess.run(  # noqa: S603 - the commands are ours
            command, input=body, env=environment, capture_output=True, text=True, check=False
        )
        if result.returncode:
            said = "\n".join(result.stderr.splitlines()[-ERROR_LINES:])
            raise ReleaseError(f"{Path(command[0]).name} {command[1]} failed:\n{said}")
        return result.stdout


def api_server(cluster: Cluster) -> ApiServer:
    """Return where the cluster itself says that its API server is."""
    slices = cluster.get(
        "endpointslices", "--namespace=default", "--selector=kubernetes.io/service-name=kubernetes"
    )["items"]
    addresses = {a for one in slices for end in one["endpoints"] for a in end["addresses"]}
    ports = {port["port"] for one in slices for port in one["ports"]}
    if not addresses or not ports:
        raise ReleaseError("the Service default/kubernetes has no endpoints: is this a cluster?")
    return ApiServer(sorted(addresses), sorted(ports))


def install(cluster: Cluster, site: Site) -> None:
    """Install or upgrade the release, and wait until all of it is ready."""
    with progress.step("Installing charts/practicum with Helm"):
        cluster.apply(
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {
                    "name": NAMESPACE,
                    "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
                },
            }
        )
        refuse_others(cluster)
        _clear_pending(cluster)
        try:
            cluster.helm(
                "upgrade",
                "practicum",
                str(CHART),
                "--install",
                f"--namespace={NAMESPACE}",
                f"--values={DEMO_VALUES}",
                "--values=-",
                "--wait",
                "--timeout=5m",
                "--history-max=3",
                body=yaml.safe_dump(site.values()),
            )
        except ReleaseError as error:
            raise ReleaseError(f"{error}\n{_unready(cluster)}") from error


def refuse_others(cluster: Cluster) -> None:
    """Raise ReleaseError when what is installed there is not a demo, which nobody would miss."""
    here = f"--namespace={NAMESPACE}"
    if not json.loads(cluster.helm("list", here, "--all", "--filter=^practicum$", "--output=json")):
        return
    values = json.loads(cluster.helm("get", "values", "practicum", here, "--output=json")) or {}
    kind = values.get("auth", {}).get("kind")
    if kind != "demo":
        raise ReleaseError(
            f"Practicum is installed there already, with auth.kind={kind}; the demo would replace "
            "its sign-in by public passwords. Upgrade it with helm, or choose another cluster."
        )


def _clear_pending(cluster: Cluster) -> None:
    """Undo a release that was killed half way: Helm refuses to touch one that is pending."""
    releases = json.loads(
        cluster.helm("list", f"--namespace={NAMESPACE}", "--pending", "--output=json")
    )
    for release in releases:
        name, revision = release["name"], release["revision"]
        cluster.kubectl(
            "delete", "secret", f"sh.helm.release.v1.{name}.v{revision}", f"--namespace={NAMESPACE}"
        )


def _unready(cluster: Cluster) -> str:
    """Say which Pods are not ready and why, so that a failed install explains itself."""
    lines = []
    for pod in cluster.get("pods", f"--namespace={NAMESPACE}")["items"]:
        name, status = pod["metadata"]["name"], pod.get("status", {})
        for container in status.get("containerStatuses", []):
            if container["ready"]:
                continue
            state: dict[str, str] = next(iter(container["state"].values()), {})
            why = state.get("message") or state.get("reason") or "not ready"
            lines.append(f"{name}: {why}")
            if "waiting" in container["state"] and not container["restartCount"]:
                continue  # it has not run, and asking for its log would hide why
            with suppress(ReleaseError):
                log = cluster.kubectl("logs", name, f"--namespace={NAMESPACE}", "--tail=8")
                lines += log.splitlines()
    return "\n".join(lines)


def _cidrs(addresses: Sequence[str]) -> list[str]:
    return [f"{address}/{128 if ':' in address else 32}" for address in addresses]
