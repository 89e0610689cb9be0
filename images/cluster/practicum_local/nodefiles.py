"""Writes every file that the node's processes read, and says what they are."""

from pathlib import Path

from practicum_local import files, kubeconfig, nodeconfig
from practicum_local.components import Plane
from practicum_local.controlplane import prepare
from practicum_local.nodeconfig import Machine
from practicum_local.supervisor import Process

PLUGINS = ("host-local", "loopback", "ptp")
"""CNI plugins of Debian's package that we use; loopback is containerd's own need."""


def write(machine: Machine) -> list[Process]:
    """Bring all files up to date; the processes differ from the last when theirs changed."""
    folder = machine.folder
    (folder / "log").mkdir(parents=True, exist_ok=True)
    files.write(folder / "containerd.toml", nodeconfig.containerd_toml(machine))
    files.write(folder / "kubelet.yaml", nodeconfig.kubelet_yaml(machine))
    files.write(machine.cni_config / "10-practicum.conflist", nodeconfig.cni_conflist())
    _link_plugins(machine)
    _certify(machine.plane)
    return nodeconfig.processes(machine, versions=_versions(machine))


def _certify(plane: Plane) -> None:
    authority = prepare(plane)
    authority.ensure(nodeconfig.KUBELET_SERVER)
    for identity in (
        nodeconfig.KUBELET,
        nodeconfig.KUBE_PROXY,
        nodeconfig.NETPOL,
        nodeconfig.VOLUMES,
    ):
        path = plane.kubeconfig(identity)
        kubeconfig.write(path, server=plane.server, authority=authority, identity=identity)


def _link_plugins(machine: Machine) -> None:
    programs = {name: machine.cni_plugins / name for name in PLUGINS}
    programs["practicum-netpol"] = machine.netpol
    machine.cni_bin.mkdir(parents=True, exist_ok=True)
    for name, program in programs.items():
        link = machine.cni_bin / name
        if not link.is_symlink() or link.readlink() != program:
            scratch = link.with_name(f".{name}.new")
            scratch.unlink(missing_ok=True)
            scratch.symlink_to(program)
            scratch.replace(link)


def _versions(machine: Machine) -> dict[str, str]:
    """A fingerprint of the files behind each process: when it changes, so must the process."""
    folder = machine.folder
    secrets = [*folder.glob("*.kubeconfig"), *machine.plane.pki.glob("*.*")]
    read_by: dict[str, list[Path]] = {
        "kube-apiserver": secrets,
        "kube-controller-manager": secrets,
        "kube-scheduler": secrets,
        "kube-proxy": secrets,
        "netpol": secrets,
        "volumes": secrets,
        "kubelet": [*secrets, folder / "kubelet.yaml"],
        "containerd": [folder / "containerd.toml"],
    }
    return {name: files.fingerprint(paths) for name, paths in read_by.items()}
