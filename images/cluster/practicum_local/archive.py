"""OCI archives: one image out of a layout folder, as a tar that containerd imports by name."""

import io
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from practicum_local import files

NAME = "org.opencontainers.image.ref.name"
CONTAINERD_NAME = "io.containerd.image.name"


def names(layout: Path, reference: str) -> bool:
    """Whether the layout holds an image of that name, with all its blobs."""
    entry = _entry(layout, reference)
    return entry is not None and all(_blob(layout, d).exists() for d in _digests(layout, entry))


def blobs(layout: Path, reference: str) -> frozenset[str]:
    """Digests of the image's manifest, configuration and layers."""
    entry = _entry(layout, reference)
    return frozenset(_digests(layout, entry)) if entry else frozenset()


def keep(layout: Path, references: Iterable[str]) -> None:
    """Forget all images but those named, with the blobs that only they had."""
    index_file = layout / "index.json"
    if not index_file.exists():
        return
    index = json.loads(index_file.read_text())
    wanted = set(references)
    index["manifests"] = [
        entry for entry in index["manifests"] if entry.get("annotations", {}).get(NAME) in wanted
    ]
    files.write(index_file, json.dumps(index))
    needed = {_blob(layout, d) for entry in index["manifests"] for d in _digests(layout, entry)}
    for blob in (layout / "blobs").glob("*/*"):
        if blob not in needed:
            blob.unlink()


def write(
    layout: Path, reference: str, target: Path, *, have: frozenset[str] = frozenset()
) -> None:
    """Write the archive `target` of one image, without the blobs in `have`."""
    entry = _entry(layout, reference)
    if entry is None:
        raise KeyError(reference)
    named = {**entry, "annotations": {NAME: reference, CONTAINERD_NAME: reference}}
    index = {"schemaVersion": 2, "manifests": [named]}
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f".{target.name}.new")
    with tarfile.open(scratch, "w") as tar:
        _add(tar, "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}))
        _add(tar, "index.json", json.dumps(index))
        for digest in _digests(layout, entry):
            if digest not in have:
                blob = _blob(layout, digest)
                tar.add(blob, f"blobs/{digest.replace(':', '/')}", recursive=False)
    scratch.replace(target)


def _entry(layout: Path, reference: str) -> dict[str, Any] | None:
    try:
        index = json.loads((layout / "index.json").read_text())
    except FileNotFoundError:
        return None
    entries: list[dict[str, Any]] = index["manifests"]
    return next((e for e in entries if e.get("annotations", {}).get(NAME) == reference), None)


def _digests(layout: Path, entry: dict[str, Any]) -> list[str]:
    manifest_blob = _blob(layout, entry["digest"])
    if not manifest_blob.exists():
        return [entry["digest"]]
    manifest = json.loads(manifest_blob.read_text())
    layers = [str(layer["digest"]) for layer in manifest["layers"]]
    return list(dict.fromkeys([entry["digest"], manifest["config"]["digest"], *layers]))


def _blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / digest.replace(":", "/")


def _add(tar: tarfile.TarFile, name: str, text: str) -> None:
    data = text.encode()
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))
