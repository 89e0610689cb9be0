import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from practicum_local import cgroups, preflight
from practicum_local.preflight import PreflightError


def test_this_machine_is_good(tmp_path):
    assert list(preflight.problems(tmp_path)) == []
    preflight.check(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_not_root(tmp_path, monkeypatch):
    monkeypatch.setattr(preflight.os, "geteuid", lambda: 1000)
    with pytest.raises(PreflightError, match="run this as root, or use a cluster"):
        preflight.check(tmp_path)


def test_a_small_disk(tmp_path, monkeypatch):
    usage = SimpleNamespace(free=14 << 30)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(PreflightError, match="14 GiB free and 15 are needed"):
        preflight.check(tmp_path)


def test_no_cgroups(tmp_path, monkeypatch):
    monkeypatch.setattr(cgroups, "hierarchies", list)
    with pytest.raises(PreflightError, match="no cgroup controller for cpu, memory, pids"):
        preflight.check(tmp_path)


def test_a_cache_that_the_node_could_not_see(monkeypatch, tmp_path):
    hidden = tmp_path / "run"
    monkeypatch.setattr(preflight, "HIDDEN", (hidden,))
    found = list(preflight.problems(tmp_path))
    assert found == []
    (hidden / "cache").mkdir(parents=True)
    (found,) = preflight.problems(hidden / "cache")
    assert "set PRACTICUM_CACHE" in found


def test_no_overlay(tmp_path, monkeypatch):
    def refuse(source, *_: object, **__: object) -> None:
        if source == "overlay":
            raise OSError(22, "no")

    monkeypatch.setattr(preflight.kernel, "mount", refuse)
    with pytest.raises(PreflightError, match="overlayfs can't be used"):
        preflight.check(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_namespaces(tmp_path, monkeypatch):
    def refuse(_: object) -> None:
        raise PermissionError(1, "no")

    monkeypatch.setattr(preflight.kernel, "unshare", refuse)
    with pytest.raises(PreflightError, match="--privileged"):
        preflight.check(tmp_path)


def test_this_kernel_is_good():
    preflight.check_network()
    assert "trial0" not in {path.name for path in Path("/sys/class/net").iterdir()}


def test_a_kernel_without_what_pods_need(monkeypatch):
    lacking = (*preflight.NETWORK_TRIALS[:2], (("false",), "nftables (CONFIG_NF_TABLES)"))
    monkeypatch.setattr(preflight, "NETWORK_TRIALS", lacking)
    with pytest.raises(PreflightError, match=r"kernel lacks nftables \(CONFIG_NF_TABLES\)"):
        preflight.check_network()


def test_free_ports_are_opened():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    opened = preflight.listen({"hub": port})
    assert opened["hub"].getsockname() == ("127.0.0.1", port)
    opened["hub"].close()


def test_taken_ports_are_named_with_who_has_them_and_nothing_stays_open():
    serve = "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); "
    serve += "print(s.getsockname()[1], flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", serve]
    with socket.create_server(("127.0.0.1", 0)) as other:
        free = other.getsockname()[1]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout
        port = int(owner.stdout.readline())
        with pytest.raises(PreflightError) as refused:
            preflight.listen({"hub": free, "portal": port})
        owner.kill()
    assert f"port {port} of 127.0.0.1 is taken (process {owner.pid}:" in str(refused.value)
    assert "PRACTICUM_PORTAL_PORT" in str(refused.value)
    socket.create_server(("127.0.0.1", free)).close()


def test_another_installation_is_called_by_its_name():
    command = [
        "sh",
        "-c",
        "sleep 100",
        "practicum_local.supervisor",
        "/home/b/cache/node/frame.json",
    ]
    with subprocess.Popen(command) as other:
        process = Path(f"/proc/{other.pid}")
        while b"frame.json" not in (process / "cmdline").read_bytes():
            os.sched_yield()
        said = preflight._describe(process)
        other.kill()
    assert said == "another Practicum, with its cache in /home/b/cache"
