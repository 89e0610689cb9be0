import io
import json
import tarfile

import pytest

from practicum_local import addons, oci
from practicum_local.oci import Image


@pytest.fixture
def image(tmp_path):
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF")
    return Image(
        "shell", files={"bin/sh": program}, entrypoint=["/bin/sh"], links={"bin/ls": "sh"},
        folders=["tmp"],
    )  # fmt: skip


def test_archive_is_consistent(image, tmp_path):
    archive = tmp_path / "image.tar"
    oci.write_archive(image, archive, "x86_64")
    with tarfile.open(archive) as tar:
        blobs = {m.name: tar.extractfile(m).read() for m in tar.getmembers()}
    (named,) = json.loads(blobs["index.json"])["manifests"]
    assert named["annotations"]["io.containerd.image.name"] == image.reference

    def blob(descriptor):
        content = blobs[f"blobs/sha256/{descriptor['digest'].removeprefix('sha256:')}"]
        assert oci.digest(content) == descriptor["digest"]
        assert len(content) == descriptor["size"]
        return content

    manifest = json.loads(blob(named))
    config = json.loads(blob(manifest["config"]))
    layer = blob(manifest["layers"][0])
    assert config["architecture"] == "amd64"
    assert config["config"]["Entrypoint"] == ["/bin/sh"]
    assert config["rootfs"]["diff_ids"] == [oci.digest(layer)]
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        assert tar.getmember("bin/sh").mode == 0o755
        assert tar.getmember("bin/ls").linkname == "sh"
        assert tar.getmember("tmp").mode == 0o1777


def test_archive_is_the_same_every_time(image, tmp_path):
    for name in ("one", "two"):
        oci.write_archive(image, tmp_path / name, "aarch64")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_reference_changes_with_the_image(image, tmp_path):
    before = image.reference
    (tmp_path / "program").write_bytes(b"\x7fELF, longer")
    assert image.reference != before
    assert before.startswith("localhost/practicum/shell:")


def test_manifests_name_the_images_as_they_are_tagged(tmp_path):
    for name in ("busybox", "coredns"):
        (tmp_path / name).write_text(name)
    own = addons.images(busybox=tmp_path / "busybox", coredns=tmp_path / "coredns")
    objects = addons.manifests(own)
    text = json.dumps(objects)
    for image in own[1:]:
        assert f"{image.name}:local" not in text
        assert image.reference in text
    deployments = [o["metadata"] for o in objects if o["kind"] == "Deployment"]
    assert [(d["namespace"], d["name"]) for d in deployments] == [(addons.NAMESPACE, addons.DNS)]


def test_pods_are_replaced_when_their_configuration_changes():
    text = """
kind: ConfigMap
data: {key: VALUE}
---
kind: Deployment
spec: {template: {metadata: {labels: {a: b}}}}
"""
    first, second = (addons.render(text.replace("VALUE", v), {})[1] for v in ("one", "two"))
    assert first != second
    assert addons.render(text, {}) == addons.render(text, {})
