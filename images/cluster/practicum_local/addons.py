"""What runs inside the node from the start: its own small images and their manifests."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from practicum_local.oci import Image

FOLDER = Path(__file__).with_name("addons")
CONFIG_ANNOTATION = "practicum.dev/manifest"
NAMESPACE, DNS = "kube-system", "coredns"
"""Where the add-ons are, and the Deployment among them that Pods expect to work."""


def images(*, busybox: Path, coredns: Path) -> list[Image]:
    """The node's own images, from programs on this machine."""
    # The process that holds a Pod's namespaces has nothing to do but to be there.
    sleep = ["/bin/busybox", "sleep", "2147483647"]
    return [
        Image("pause", files={"bin/busybox": busybox}, entrypoint=sleep),
        Image("coredns", files={"coredns": coredns}, entrypoint=["/coredns"], folders=["tmp"]),
    ]


def manifests(own: Iterable[Image]) -> list[dict[str, Any]]:
    """Every object of the add-ons, in the order in which they can be applied."""
    references = {f"localhost/practicum/{i.name}:local": i.reference for i in own}
    objects: list[dict[str, Any]] = []
    for path in sorted(FOLDER.glob("*.yaml")):
        objects += render(path.read_text(), references)
    return objects


def render(text: str, references: Mapping[str, str]) -> list[dict[str, Any]]:
    """The objects of one manifest file, with our images as they are tagged now.

    A Deployment's Pods are replaced when anything in its file changes, so that a new
    ConfigMap is read.
    """
    for general, exact in references.items():
        text = text.replace(general, exact)
    mark = hashlib.sha256(text.encode()).hexdigest()[:12]
    objects: list[dict[str, Any]] = list(yaml.safe_load_all(text))
    for item in objects:
        if item["kind"] == "Deployment":
            metadata = item["spec"]["template"]["metadata"]
            metadata.setdefault("annotations", {})[CONFIG_ANNOTATION] = mark
    return objects
