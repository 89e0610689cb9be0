"""Configuration as golden text: a change of it is to be seen, and meant.

After a change on purpose, write the files anew:
`python tests/unit/local/test_nodeconfig.py`
"""

import json
from pathlib import Path

import pytest
import yaml

from practicum_local import components, nodeconfig, supervisor
from practicum_local.nodeconfig import Machine

GOLDEN = Path(__file__).with_name("golden")
PLANE = components.Plane(
    kube=Path("/cache/bin/kube"),
    folder=Path("/cache/node"),
    etcd_port=2379,
    etcd_peer_port=2380,
    api_port=16443,
    controller_manager_port=10257,
    scheduler_port=10259,
    address=nodeconfig.NODE_ADDRESS,
    bind="0.0.0.0",
)
MACHINE = Machine(
    plane=PLANE,
    folder=Path("/cache/node"),
    containerd=Path("/cache/tools/debian/usr/bin/containerd"),
    runc=Path("/cache/tools/debian/usr/sbin/runc"),
    cni_plugins=Path("/cache/tools/debian/usr/lib/cni"),
    netpol=Path("/cache/bin/netpol"),
    volumes=Path("/cache/bin/volumes"),
    python=Path("/venv/bin/python"),
    cgroup="practicum-0",
    pause_image="localhost/practicum/pause:0",
)


def processes() -> str:
    listed = nodeconfig.processes(MACHINE, versions={"kubelet": "1"})
    return "\n\n".join(f"# {p.name}\n" + " \\\n  ".join(p.argv) for p in listed) + "\n"


RENDERED = {
    "containerd.toml": lambda: nodeconfig.containerd_toml(MACHINE),
    "kubelet.yaml": lambda: nodeconfig.kubelet_yaml(MACHINE),
    "network.conflist": lambda: nodeconfig.cni_conflist() + "\n",
    "processes.sh": processes,
}


@pytest.mark.parametrize("name", RENDERED)
def test_golden(name):
    assert RENDERED[name]() == (GOLDEN / name).read_text()


def test_only_the_process_whose_file_changed_is_another():
    one, two = (
        {p.name: p.digest() for p in nodeconfig.processes(MACHINE, versions={"kubelet": v})}
        for v in ("1", "2")
    )
    assert {name for name in one if one[name] != two[name]} == {"kubelet"}


def test_processes_survive_their_file():
    listed = nodeconfig.processes(MACHINE, versions={})
    assert supervisor.load(supervisor.dump(listed)) == listed


def test_what_has_to_agree_agrees():
    kubelet = yaml.safe_load(nodeconfig.kubelet_yaml(MACHINE))
    network = json.loads(nodeconfig.cni_conflist())
    assert kubelet["clusterDNS"] == [nodeconfig.DNS_ADDRESS]
    assert kubelet["cgroupRoot"] == f"/{MACHINE.cgroup}"
    last = network["plugins"][-1]
    assert last["socket"] == str(nodeconfig.NETPOL_SOCKET)
    assert f"--socket={last['socket']}" in nodeconfig.netpol(MACHINE)
    identity = components.api_server_identity(nodeconfig.NODE_ADDRESS)
    assert identity.addresses == ("127.0.0.1", "10.96.0.1", nodeconfig.NODE_ADDRESS)


if __name__ == "__main__":
    for name, render in RENDERED.items():
        (GOLDEN / name).write_text(render())
