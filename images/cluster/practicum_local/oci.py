"""OCI image archives made by hand from a few files, for the node's own small images."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""Go's names, which images use, for the kernel's."""


@dataclass(frozen=True)
class Image:
    """An image of one layer: files by their path in it, links, and how it starts."""

    name: str
    files: Mapping[str, Path]
    entrypoint: Sequence[str]
    links: Mapping[str, str] = field(default_factory=dict)
    folders: Sequence[str] = ()
    user: str = "65532:65532"

    @property
    def reference(self) -> str:
        """The image's name, with a tag that changes when the image does."""
        # Cheap, because the files that we built have a key of their content in their names.
        stats = {k: (str(p.resolve()), p.stat().st_size) for k, p in self.files.items()}
        described = (stats, self.entrypoint, self.links, self.folders, self.user)
        key = hashlib.sha256(repr(described).encode()).hexdigest()[:12]
        return f"localhost/practicum/{self.name}:{key}"


def write_archive(image: Image, target: Path, machine: str) -> None:
    """Write the image as an OCI archive that `ctr images import` takes."""
    layer = _layer(image)
    config = {
        "architecture": ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "config": {"Entrypoint": list(image.entrypoint), "User": image.user, "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
    }
    config_blob = json.dumps(config).encode()
    manifest_blob = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _descriptor(CONFIG, config_blob),
            "layers": [_descriptor(LAYER, layer)],
        }
    ).encode()
    named = _descriptor(MANIFEST, manifest_blob)
    named["annotations"] = {"io.containerd.image.name": image.reference}
    with tarfile.open(target, "w") as archive:
        _add(archive, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        index = {"schemaVersion": 2, "manifests": [named]}
        _add(archive, "index.json", json.dumps(index).encode())
        for blob in (layer, config_blob, manifest_blob):
            _add(archive, f"blobs/sha256/{digest(blob).removeprefix('sha256:')}", blob)


def digest(content: bytes) -> str:
    """The OCI digest of a blob."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _descriptor(media_type: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest(blob), "size": len(blob)}


def _layer(image: Image) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as layer:
        for folder in image.folders:
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
            layer.addfile(entry)
        for path, source in image.files.items():
            _add(layer, path, source.read_bytes(), mode=0o755)
        for path, target in image.links.items():
            entry = tarfile.TarInfo(path)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            layer.addfile(entry)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))
