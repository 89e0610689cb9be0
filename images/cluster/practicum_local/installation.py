"""All of Practicum on one machine: node, images, release, demo; up, down and status."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from practicum_local import demo, progress, release, toolchain, tour
from practicum_local.images import ImageRef, Images
from practicum_local.node import Node
from practicum_local.nodeconfig import NODE_ADDRESS
from practicum_local.progress import Progress
from practicum_local.recipes import versions_of
from practicum_local.release import ApiServer, Cluster, Site
from practicum_local.settings import Settings

IMAGES = (*release.RELEASE_IMAGES, "sandbox")


@dataclass(frozen=True)
class Status:
    """What runs, where, and as whom to sign in."""

    node: str
    portal: str
    hub: str
    kubeconfig: str
    accounts: tuple[str, ...]
    password: str
    pods: Mapping[str, str]

    def lines(self) -> list[str]:
        """The same for a person."""
        if not self.pods:
            return [f"Node        {self.node}", "Next        make up"]
        pods = ", ".join(f"{name} {state}" for name, state in self.pods.items())
        return [
            f"Node        {self.node}",
            f"Pods        {pods}",
            f"Portal      {self.portal}",
            f"JupyterHub  {self.hub}",
            f"Sign in as  {', '.join(self.accounts)} (password: {self.password})",
            f"kubectl     export KUBECONFIG={self.kubeconfig}",
            f"Next        Open {self.portal} and sign in as trainee: Start, then Open JupyterLab.",
            "            As instructor: the cohort's live table. As guide (the same",
            "            password), who walked: its runs with their curves.",
        ]


@dataclass(frozen=True)
class Installation:
    """Practicum in one cache directory, on the node that this makes."""

    settings: Settings

    @property
    def node(self) -> Node:
        """The Kubernetes node."""
        return Node(self.settings)

    @property
    def site(self) -> demo.Addresses:
        """Where browsers reach portal and Hub."""
        return demo.Addresses(
            portal=f"http://practicum.localhost:{self.settings.portal_port}",
            hub=f"http://practicum.localhost:{self.settings.hub_port}",
        )

    @property
    def cluster(self) -> Cluster:
        """The node as kubectl and helm reach it."""
        return Cluster(paths=self.settings.paths, kubeconfig=self.node.kubeconfig)

    def up(self, *, walked: bool = True) -> None:
        """Bring everything up from any state, and walk the main job unless told not to."""
        paths = self.settings.paths
        self.node.check()
        self.settings.keep()
        toolchain.install(["images", "walk"], paths)
        self.node.up(Progress())
        refs = Images(paths).build(IMAGES)
        self._load(refs)
        references = {name: str(refs[name]) for name in release.RELEASE_IMAGES}
        release.install(
            self.cluster,
            Site(
                hub_url=self.site.hub,
                portal_url=self.site.portal,
                images=references,
                api_server=ApiServer([NODE_ADDRESS], [self.settings.api_port]),
                nodes=[NODE_ADDRESS],
                pull_policy="Never",
            ),
        )
        demo.seed(self.cluster, self.site, sandbox_image=str(refs["sandbox"]))
        self._forget_former(refs)
        if walked:
            tour.walk_once(self.cluster, self.site, screenshots=paths.root / "walk")
        self.say()

    def down(self) -> None:
        """Stop everything; only what the cache directory holds is left."""
        self.node.down(Progress(), purge=True)
        if toolchain.find("buildah"):
            Images(self.settings.paths).release()
        self.settings.forget()
        progress.note(f"Nothing runs any more. {self.settings.paths.root} keeps what is slow.")

    def status(self) -> Status:
        """Look at what runs; starts nothing."""
        node = self.node.status()
        words = {(False, False): "not running", (True, False): "starting", (True, True): "ready"}
        pods = {}
        if node.ready:
            for pod in self.cluster.get("pods", f"--namespace={release.NAMESPACE}")["items"]:
                conditions = pod["status"].get("conditions", [])
                ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
                metadata = pod["metadata"]
                component = metadata.get("labels", {}).get("app.kubernetes.io/component")
                pods[component or metadata["name"]] = "ready" if ready else "not ready"
        return Status(
            node=words[node.running, node.ready],
            portal=self.site.portal,
            hub=self.site.hub,
            kubeconfig=str(self.node.kubeconfig),
            accounts=demo.ACCOUNTS,
            password=demo.PASSWORD,
            pods=pods,
        )

    def say(self, *, as_json: bool = False) -> None:
        """Print the status."""
        status = self.status()
        text = json.dumps(asdict(status), indent=2) if as_json else "\n".join(status.lines())
        print(text, flush=True)  # noqa: T201 - the command's answer

    def _load(self, refs: Mapping[str, ImageRef]) -> None:
        """Import the images that the node lacks; of a changed one only the layers that changed."""
        images = Images(self.settings.paths)
        present = set(self.node.images())
        for ref in refs.values():
            if str(ref) not in present:
                archive = images.save(ref, have=images.blobs(present))
                with progress.step(f"Importing {ref}"):
                    self.node.load_image(archive)
                archive.unlink()
                present.add(str(ref))

    def _forget_former(self, refs: Mapping[str, ImageRef]) -> None:
        """Remove the node's images of ours that no Pod uses and nothing will start from."""
        pods = self.cluster.get("pods", "--all-namespaces")["items"]
        used = {c["image"] for pod in pods for c in pod["spec"]["containers"]}
        wanted = used | {str(ref) for ref in refs.values()}
        built = tuple(versions_of(name) for name in IMAGES)
        present = {name for name in self.node.images() if name.startswith(built)}
        if former := sorted(present - wanted):
            self.node.remove_images(former)


def on_cluster(
    settings: Settings, *, registry: str, addresses: demo.Addresses, walked: bool = True
) -> None:
    """Do the same on the cluster that kubectl uses now, with images pushed to `registry`."""
    toolchain.install(["images", "walk"], settings.paths)
    images = Images(settings.paths)
    pushed = {name: images.push(ref, registry) for name, ref in images.build(IMAGES).items()}
    cluster = Cluster(paths=settings.paths, kubeconfig=None)
    references = {name: pushed[name] for name in release.RELEASE_IMAGES}
    server = release.api_server(cluster)
    release.install(cluster, Site(addresses.hub, addresses.portal, references, server))
    demo.seed(cluster, addresses, sandbox_image=pushed["sandbox"])
    if walked:
        tour.walk_once(cluster, addresses, screenshots=settings.paths.root / "walk")
    people = f"{', '.join(demo.ACCOUNTS)} (password: {demo.PASSWORD})"
    progress.note(f"Open {addresses.portal} and sign in as {people}.")
