"""Configuration files of the node's parts, as pure functions of where things are."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from practicum_local.components import Plane
from practicum_local.pki import Identity
from practicum_local.supervisor import Process

NODE_NAME = "practicum"
NODE_ADDRESS = "10.250.0.1"
NODE_PREFIX = 24
POD_RANGE = "10.244.0.0/24"
DNS_ADDRESS = "10.96.0.10"
MAX_PODS = 200
CONTAINERD_SOCKET = Path("/run/containerd/containerd.sock")
NETPOL_SOCKET = Path("/run/practicum-netpol.sock")
VOLUMES_FOLDER = Path("/var/lib/practicum/volumes")

KUBELET = Identity("kubelet", f"system:node:{NODE_NAME}", organization="system:nodes")
KUBELET_SERVER = Identity(
    "kubelet-server", NODE_NAME, names=(NODE_NAME,), addresses=(NODE_ADDRESS,)
)
KUBE_PROXY = Identity("kube-proxy", "system:kube-proxy")
NETPOL = Identity("netpol", "practicum:netpol")
VOLUMES = Identity("volumes", "practicum:volumes")


@dataclass(frozen=True)
class Machine:
    """Where the programs and folders of the node are."""

    plane: Plane
    folder: Path
    containerd: Path
    runc: Path
    cni_plugins: Path
    """The folder of Debian's plugins."""
    netpol: Path
    volumes: Path
    python: Path
    cgroup: str
    pause_image: str

    @property
    def cni_bin(self) -> Path:
        """Links to the CNI plugins: containerd looks in one folder only."""
        return self.folder / "cni" / "bin"

    @property
    def cni_config(self) -> Path:
        """The network's configuration."""
        return self.folder / "cni" / "net.d"


def containerd_toml(machine: Machine) -> str:
    """containerd, for a machine that may lack CAP_SYS_RESOURCE, AppArmor or hugetlb."""
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    unused = ["aufs", "btrfs", "devmapper", "zfs"]
    disabled = [f"io.containerd.snapshotter.v1.{name}" for name in unused]
    return f"""version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = {json.dumps([*disabled, "io.containerd.internal.v1.tracing"])}

[grpc]
address = "{CONTAINERD_SOCKET}"

[{cri}]
sandbox_image = "{machine.pause_image}"
restrict_oom_score_adj = true
disable_apparmor = true
disable_hugetlb_controller = true
stream_server_address = "127.0.0.1"

[{cri}.containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"

[{cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[{cri}.containerd.runtimes.runc.options]
SystemdCgroup = false
BinaryName = "{machine.runc}"

[{cri}.cni]
bin_dir = "{machine.cni_bin}"
conf_dir = "{machine.cni_config}"

[plugins."io.containerd.internal.v1.opt"]
path = "/var/lib/containerd-opt"
"""


def kubelet_yaml(machine: Machine) -> str:
    """The kubelet: fails on nothing that a container or a small machine lacks."""
    pki = machine.plane.pki
    socket = f"unix://{CONTAINERD_SOCKET}"
    config: dict[str, Any] = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_ADDRESS,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(pki / "kubelet-server.crt"),
        "tlsPrivateKeyFile": str(pki / "kubelet-server.key"),
        "containerRuntimeEndpoint": socket,
        "imageServiceEndpoint": socket,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{machine.cgroup}",
        "enforceNodeAllocatable": [],
        "systemReserved": {"memory": "1Gi"},
        "failSwapOn": False,
        "failCgroupV1": False,
        # It then goes on where it may not write: sysctls, oom_score_adj.
        "featureGates": {"KubeletInUserNamespace": True},
        "oomScoreAdj": 0,
        "clusterDNS": [DNS_ADDRESS],
        "clusterDomain": "cluster.local",
        "resolvConf": str(machine.folder / "resolv.conf"),
        "maxPods": MAX_PODS,
        "serializeImagePulls": False,
        # Images come from no registry, so none may be thrown away.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
        },
        "nodeStatusUpdateFrequency": "5s",
    }
    return yaml.safe_dump(config, sort_keys=False)


def cni_conflist() -> str:
    """Each Pod on a wire of its own to the node, so that its firewall sees all traffic."""
    return json.dumps(
        {
            "cniVersion": "0.4.0",
            "name": "practicum",
            "plugins": [
                {
                    "type": "ptp",
                    "ipMasq": False,
                    "ipam": {
                        "type": "host-local",
                        # Forgotten with the node's namespaces, as the Pods' interfaces are.
                        "dataDir": "/run/cni",
                        "routes": [{"dst": "0.0.0.0/0"}],
                        "ranges": [[{"subnet": POD_RANGE}]],
                    },
                },
                {"type": "practicum-netpol", "socket": str(NETPOL_SOCKET)},
            ],
        },
        indent=1,
    )


def processes(machine: Machine, *, versions: dict[str, str]) -> list[Process]:
    """Everything the supervisor runs; `versions` says when a changed file means a restart."""
    plane = machine.plane

    def process(name: str, argv: list[str], waits_for: Path | None = None) -> Process:
        waits = str(waits_for) if waits_for else None
        return Process(name, tuple(argv), waits, version=versions.get(name, ""))

    return [
        process("etcd", plane.etcd()),
        process("kube-apiserver", plane.api_server()),
        process("kube-controller-manager", plane.controller_manager()),
        process("kube-scheduler", plane.scheduler()),
        process("netpol", netpol(machine)),
        process("volumes", volumes(machine)),
        process("containerd", containerd(machine)),
        process("kubelet", kubelet(machine), waits_for=CONTAINERD_SOCKET),
        process("kube-proxy", kube_proxy(machine)),
        relay(machine),
    ]


def containerd(machine: Machine) -> list[str]:
    """Containerd with our configuration."""
    return [str(machine.containerd), f"--config={machine.folder / 'containerd.toml'}"]


def kubelet(machine: Machine) -> list[str]:
    """The kubelet; with containerd's socket named, cAdvisor knows containers by name."""
    return [
        str(machine.plane.kube),
        "kubelet",
        f"--config={machine.folder / 'kubelet.yaml'}",
        f"--kubeconfig={machine.plane.kubeconfig(KUBELET)}",
        f"--hostname-override={NODE_NAME}",
        f"--node-ip={NODE_ADDRESS}",
        f"--containerd={CONTAINERD_SOCKET}",
    ]


def kube_proxy(machine: Machine) -> list[str]:
    """kube-proxy on nftables; it leaves the machine's connection tracking as it is."""
    return [
        str(machine.plane.kube),
        "kube-proxy",
        f"--kubeconfig={machine.plane.kubeconfig(KUBE_PROXY)}",
        "--proxy-mode=nftables",
        f"--cluster-cidr={POD_RANGE}",
        f"--hostname-override={NODE_NAME}",
        f"--bind-address={NODE_ADDRESS}",
        "--oom-score-adj=0",
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0",
        "--conntrack-tcp-timeout-close-wait=0",
    ]


def netpol(machine: Machine) -> list[str]:
    """The enforcer of NetworkPolicies."""
    return [
        str(machine.netpol),
        f"--kubeconfig={machine.plane.kubeconfig(NETPOL)}",
        f"--pod-range={POD_RANGE}",
        f"--socket={NETPOL_SOCKET}",
    ]


def volumes(machine: Machine) -> list[str]:
    """The provisioner of PersistentVolumes."""
    return [
        str(machine.volumes),
        f"--kubeconfig={machine.plane.kubeconfig(VOLUMES)}",
        f"--root={VOLUMES_FOLDER}",
        f"--node={NODE_NAME}",
    ]


def relay(machine: Machine) -> Process:
    """From 127.0.0.1 of the machine to the platform's Services and the API server."""
    argv = (
        str(machine.python),
        "-m",
        "practicum_local.relay",
        "hub=proxy.practicum.svc.cluster.local:8000",
        "portal=portal.practicum.svc.cluster.local:8080",
        f"api={NODE_ADDRESS}:{machine.plane.api_port}",
    )
    return Process("relay", argv, listens=True)
