"""Command lines of the cluster's components, as pure functions of where things are."""

from dataclasses import dataclass
from pathlib import Path

from practicum_local.pki import Identity

SERVICE_RANGE = "10.96.0.0/16"
API_SERVICE = "10.96.0.1"
FRONT_PROXY = Identity("front-proxy", "front-proxy")
ADMIN = Identity("admin", "admin", organization="system:masters")
CONTROLLER_MANAGER = Identity("kube-controller-manager", "system:kube-controller-manager")
SCHEDULER = Identity("kube-scheduler", "system:kube-scheduler")
KUBELET_CLIENT = Identity("apiserver-kubelet", "kube-apiserver", organization="system:masters")


def api_server_identity(address: str) -> Identity:
    """The API server's certificate: valid on the machine and inside the cluster."""
    in_cluster = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"]
    names = ("localhost", *in_cluster, "kubernetes.default.svc.cluster.local")
    addresses = tuple(dict.fromkeys(("127.0.0.1", API_SERVICE, address)))
    return Identity("kube-apiserver", "kube-apiserver", names=names, addresses=addresses)


@dataclass(frozen=True)
class Plane:
    """Where one control plane keeps its things and listens."""

    kube: Path
    """The binary of `images/cluster/kube`."""
    folder: Path
    etcd_port: int
    etcd_peer_port: int
    api_port: int
    controller_manager_port: int
    scheduler_port: int
    address: str = "127.0.0.1"
    """Where the API server tells the cluster to find it."""
    bind: str = "127.0.0.1"

    @property
    def pki(self) -> Path:
        """Certificates and keys."""
        return self.folder / "pki"

    @property
    def server(self) -> str:
        """The API server's URL on its own machine."""
        return f"https://127.0.0.1:{self.api_port}"

    def kubeconfig(self, identity: Identity) -> Path:
        """Where the kubeconfig of `identity` is."""
        return self.folder / f"{identity.name}.kubeconfig"

    def etcd(self) -> list[str]:
        """Etcd for a cluster that may be thrown away: it doesn't wait for the disk."""
        client = f"http://127.0.0.1:{self.etcd_port}"
        peer = f"http://127.0.0.1:{self.etcd_peer_port}"
        return [
            str(self.kube),
            "etcd",
            "--name=practicum",
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=practicum={peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
            "--auto-compaction-mode=periodic",
            "--auto-compaction-retention=30m",
        ]

    def api_server(self) -> list[str]:
        """kube-apiserver."""
        pki = self.pki
        return [
            str(self.kube),
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self.etcd_port}",
            f"--bind-address={self.bind}",
            f"--advertise-address={self.address}",
            f"--secure-port={self.api_port}",
            f"--tls-cert-file={pki / 'kube-apiserver.crt'}",
            f"--tls-private-key-file={pki / 'kube-apiserver.key'}",
            f"--client-ca-file={pki / 'ca.crt'}",
            f"--kubelet-client-certificate={pki / 'apiserver-kubelet.crt'}",
            f"--kubelet-client-key={pki / 'apiserver-kubelet.key'}",
            f"--kubelet-certificate-authority={pki / 'ca.crt'}",
            "--kubelet-preferred-address-types=InternalIP,Hostname",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={pki / 'sa.pub'}",
            f"--service-account-signing-key-file={pki / 'sa.key'}",
            f"--service-cluster-ip-range={SERVICE_RANGE}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            f"--requestheader-client-ca-file={pki / 'ca.crt'}",
            "--requestheader-allowed-names=front-proxy",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--proxy-client-cert-file={pki / 'front-proxy.crt'}",
            f"--proxy-client-key-file={pki / 'front-proxy.key'}",
            "--shutdown-delay-duration=0s",
        ]

    def controller_manager(self) -> list[str]:
        """kube-controller-manager, without a leader election: there is one."""
        kubeconfig = self.kubeconfig(CONTROLLER_MANAGER)
        return [
            str(self.kube),
            "kube-controller-manager",
            f"--kubeconfig={kubeconfig}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.controller_manager_port}",
            "--leader-elect=false",
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={self.pki / 'sa.key'}",
            f"--root-ca-file={self.pki / 'ca.crt'}",
            f"--cluster-signing-cert-file={self.pki / 'ca.crt'}",
            f"--cluster-signing-key-file={self.pki / 'ca.key'}",
            # A claim whose volume appears while it is looked at waits for the next round.
            "--pvclaimbinder-sync-period=1s",
        ]

    def scheduler(self) -> list[str]:
        """kube-scheduler."""
        kubeconfig = self.kubeconfig(SCHEDULER)
        return [
            str(self.kube),
            "kube-scheduler",
            f"--kubeconfig={kubeconfig}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.scheduler_port}",
            "--leader-elect=false",
        ]
