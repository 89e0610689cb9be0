"""The node itself: what runs on it, what survives, and what is left when it is gone."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from practicum_local.node import Node
from practicum_local.nodeconfig import NODE_NAME
from practicum_local.preflight import PreflightError
from practicum_local.progress import Progress

KILLED = ("etcd", "kube-apiserver", "containerd --config", "kubelet", "practicum_local.relay")
CLAIM = {
    "metadata": {"name": "work"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


@pytest.fixture
def namespace(cluster, wait) -> Iterator[str]:
    name = f"t{time.monotonic_ns()}"
    cluster.core.create_namespace({"metadata": {"name": name}})
    wait("a service account", lambda: cluster.core.list_namespaced_service_account(name).items)
    yield name
    cluster.core.delete_namespace(name)


def phase(cluster, namespace: str, name: str) -> str:
    return str(cluster.core.read_namespaced_pod_status(name, namespace).status.phase)


def test_it_is_the_machine_that_the_chart_expects(cluster):
    (node,) = cluster.core.list_node().items
    assert node.status.allocatable["nvidia.com/gpu"] == "2"
    assert node.status.node_info.kubelet_version.startswith("v1.36.")
    assert "nvidia.com/gpu" in node.status.capacity


def test_a_made_up_gpu_is_given_once(cluster, namespace, wait):
    gpus = {"limits": {"nvidia.com/gpu": "2"}}
    cluster.pod(namespace, "first", args=["serve", "tcp:8080"], resources=gpus)
    wait("the first", lambda: phase(cluster, namespace, "first") == "Running")
    cluster.pod(namespace, "second", args=["serve", "tcp:8080"], resources=gpus)

    def refused() -> bool:
        status = cluster.core.read_namespaced_pod_status("second", namespace).status
        return any("nvidia.com/gpu" in (c.message or "") for c in status.conditions or [])

    wait("the second to be refused for want of GPUs", refused)


def test_a_claim_is_a_folder_that_outlives_its_pods_and_goes_with_it(
    cluster, namespace, settings, wait
):
    cluster.core.create_namespaced_persistent_volume_claim(namespace, CLAIM)
    volume = {"name": "work", "persistentVolumeClaim": {"claimName": "work"}}
    mount = {"name": "work", "mountPath": "/work"}
    user = {"runAsUser": 1000, "runAsNonRoot": True, "fsGroup": 1000}
    for name, held in (("first", "kept\n"), ("second", "kept\nkept\n")):
        cluster.pod(
            namespace, name, args=["write", "/work/file"], volumeMounts=[mount],
            around={"volumes": [volume], "securityContext": user},
        )  # fmt: skip
        wait(name, lambda name=name: phase(cluster, namespace, name) == "Succeeded")
        assert cluster.core.read_namespaced_pod_log(name, namespace) == held
    (folder,) = (settings.paths.node / "var/lib/practicum/volumes").iterdir()
    assert (folder / "file").read_text() == "kept\nkept\n"
    for name in ("first", "second"):
        cluster.core.delete_namespaced_pod(name, namespace)
    cluster.core.delete_namespaced_persistent_volume_claim("work", namespace)
    wait("its folder to go", lambda: not folder.exists())
    wait("its volume to go", lambda: not cluster.core.list_persistent_volume().items)


def test_the_kubelet_measures_containers(cluster, namespace, wait):
    cluster.pod(namespace, "measured", args=["serve", "tcp:8080"])
    sample = f'container_cpu_usage_seconds_total{{container="probe",namespace="{namespace}"'
    wait(
        "the container's CPU seconds",
        lambda: (
            sample in cluster.core.connect_get_node_proxy_with_path(NODE_NAME, "metrics/resource")
        ),
    )


def test_the_relay_carries_to_services_by_name(cluster, settings, wait):
    """What a browser does: to 127.0.0.1, and out of `proxy` in the namespace `practicum`."""
    cluster.core.create_namespace({"metadata": {"name": "practicum"}})
    wait("account", lambda: cluster.core.list_namespaced_service_account("practicum").items)
    try:
        spec = {"selector": {"pod": "proxy"}, "ports": [{"port": 8000}]}
        cluster.core.create_namespaced_service(
            "practicum", {"metadata": {"name": "proxy"}, "spec": spec}
        )
        with socket.create_connection(("127.0.0.1", settings.hub_port)) as early:
            # There is no Pod behind the Service yet; the connection waits for it.
            early.sendall(b"early")
            cluster.pod("practicum", "proxy", args=["serve", "tcp:8000"])
            early.settimeout(60)
            assert early.recv(5) == b"early"
        assert all(echo(settings.hub_port, 200))
    finally:
        cluster.core.delete_namespace("practicum")


def echo(port: int, count: int) -> list[bool]:
    """Hold many connections at once; each sends, says that it has ended, and reads to the end."""
    results = [False] * count
    together = threading.Barrier(count)

    def one(number: int) -> None:
        sent = f"{number}:".encode() * 20_000
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            together.wait()
            sender = threading.Thread(target=send, args=(connection, sent))
            sender.start()
            got = b""
            while data := connection.recv(1 << 16):
                got += data
            sender.join()
        results[number] = got == sent

    def send(connection: socket.socket, data: bytes) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_another_installation_is_told_who_has_the_ports(settings, node, tmp_path):
    other = Node(settings.model_copy(update={"cache": tmp_path}))
    for shared in ("bin", "tools"):
        (tmp_path / shared).symlink_to((settings.cache / shared).resolve())
    with pytest.raises(PreflightError) as refused:
        other.up(Progress())
    assert f"another Practicum, with its cache in {settings.cache}" in str(refused.value)
    assert "PRACTICUM_HUB_PORT" in str(refused.value)
    other.down(Progress(), purge=True)
    assert node.status().ready


@pytest.mark.parametrize("victim", KILLED)
def test_what_is_killed_comes_back(victim, node, node_pids, wait):
    before = node_pids(victim)
    assert before
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait(f"another {victim}", lambda: set(node_pids(victim)) - set(before))
    wait("the node", lambda: node.status().ready)


def test_it_uses_its_own_containerd_down_to_the_shim(node, node_pids):
    shims = node_pids("containerd-shim-runc-v2")
    assert shims
    for pid in shims:
        program = Path(f"/proc/{pid}/exe").readlink()
        assert program.parent == (node.runtime.program.parent).resolve()


def test_up_again_changes_nothing(node, node_pids):
    before = [node_pids(name) for name in KILLED]
    node.up(Progress())
    assert [node_pids(name) for name in KILLED] == before


def test_nothing_shows_outside(node, settings):
    """No process of the machine's sees a mount, an interface or a sysctl of the node."""
    assert str(settings.cache) not in Path("/proc/mounts").read_text()
    interfaces = {path.name for path in Path("/sys/class/net").iterdir()}
    assert "node0" not in interfaces
    assert not any(name.startswith("veth") for name in interfaces)
    assert Path("/proc/sys/kernel/panic").read_text() != "10\n"
    for left in ("/var/lib/kubelet", "/var/log/pods", "/run/netns", "/var/lib/cni"):
        assert not Path(left).exists()


def test_objects_and_volumes_survive_the_supervisor(cluster, namespace, node, settings, wait):
    """The whole node dies as in a power cut; `up` brings all of it back."""
    cluster.core.create_namespaced_config_map(namespace, {"metadata": {"name": "kept"}})
    cluster.pod(namespace, "running", args=["serve", "tcp:8080"])
    wait("the Pod", lambda: phase(cluster, namespace, "running") == "Running")
    pid = node.status().pid
    os.kill(pid, signal.SIGKILL)
    wait("its end", lambda: not node.status().running)
    node.up(Progress())
    assert cluster.core.read_namespaced_config_map("kept", namespace)
    assert node.status().ready


def test_up_that_was_killed_is_finished_by_the_next(node, settings, wait):
    environment = {
        **os.environ,
        "PRACTICUM_CACHE": str(settings.cache),
        "PRACTICUM_HUB_PORT": str(settings.hub_port),
        "PRACTICUM_PORTAL_PORT": str(settings.portal_port),
        "PRACTICUM_API_PORT": str(settings.api_port),
    }
    command = [sys.executable, "-m", "practicum_local", "node", "up"]
    for moment in (0.0, 0.5, 1.0, 1.5, 2.5):
        node.down(Progress())
        started = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        time.sleep(0.5 + moment)
        started.kill()
        started.wait()
    node.up(Progress())
    assert node.status().ready


def started(pid: int) -> str | None:
    """When a process that has not ended was started: with its number, that is who it is."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else fields[19]


def test_down_leaves_nothing(node, settings, node_pids):
    folder = settings.paths.node
    before = {pid: started(pid) for pid in node_pids("")}
    assert len(before) > len(KILLED)
    node.down(Progress(), purge=True)
    assert not [pid for pid, start in before.items() if started(pid) == start]
    assert not list(Path("/sys/fs/cgroup").glob(f"*/{node._cgroup}"))
    assert str(settings.cache) not in Path("/proc/mounts").read_text()
    assert not (folder / "etcd").exists()
    assert not node.status().running
    node.down(Progress())  # once more is no error
    node.up(Progress())
