"""Recipes, archives and locks of the platform's images."""

import json
import os
import re
import tarfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from practicum_local import archive, constraints, registries
from practicum_local.buildah import OURS, abandoned
from practicum_local.images import Images
from practicum_local.paths import CHECKOUT, Paths
from practicum_local.recipes import RECIPES, ImageRef, Recipe, copied, input_files, reference, stage


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    (root / "app" / "__pycache__").mkdir(parents=True)
    (root / "app" / "main.py").write_text("print()")
    (root / "app" / "__pycache__" / "main.pyc").write_text("x")
    (root / "lock.txt").write_text("a==1")
    (root / "other.txt").write_text("not an input")
    (root / "Dockerfile").write_text(
        "FROM x AS build\n# COPY other.txt /\nCOPY --chown=1:1 lock.txt \\\n  app /src/\n"
        "FROM x\nCOPY --from=build other.txt /\n"
    )
    return root


RECIPE = Recipe("app", "Dockerfile")


def test_inputs_are_what_the_dockerfile_copies(checkout: Path):
    assert copied((checkout / "Dockerfile").read_text()) == ["lock.txt", "app"]
    names = [path.relative_to(checkout).as_posix() for path in input_files(RECIPE, checkout)]
    assert names == ["app/main.py", "lock.txt"]


def test_a_build_sees_its_inputs_alone(checkout: Path, tmp_path: Path):
    context = tmp_path / "context"
    stage(RECIPE, checkout, context)
    found = {path.relative_to(context).as_posix() for path in context.rglob("*") if path.is_file()}
    assert found == {"app/main.py", "lock.txt"}


def test_a_checkouts_umask_makes_no_difference(checkout: Path, tmp_path: Path):
    before = reference(RECIPE, checkout, "base:1")
    (checkout / "lock.txt").chmod(0o664)
    assert reference(RECIPE, checkout, "base:1") == before
    stage(RECIPE, checkout, tmp_path / "context")
    assert (tmp_path / "context" / "lock.txt").stat().st_mode & 0o777 == 0o644


def test_an_empty_folder_is_an_input_too(checkout: Path, tmp_path: Path):
    (checkout / "app" / "main.py").unlink()
    stage(RECIPE, checkout, tmp_path / "context")
    assert (tmp_path / "context" / "app").is_dir()


def test_the_tag_changes_with_every_input_and_with_nothing_else(checkout: Path):
    def tag(parent: str = "base:1", **arguments: str) -> str:
        return reference(Recipe("app", "Dockerfile", arguments=arguments), checkout, parent).tag

    first = tag()
    (checkout / "other.txt").write_text("changed")
    (checkout / "app" / "__pycache__" / "main.pyc").write_text("changed")
    assert tag() == first
    seen = {first, tag(parent="base:2"), tag(PROFILE="gpu")}
    (checkout / "app" / "main.py").write_text("print(1)")
    seen.add(tag())
    (checkout / "app" / "main.py").rename(checkout / "app" / "start.py")
    seen.add(tag())
    (checkout / "app" / "start.py").chmod(0o755)
    seen.add(tag())
    (checkout / "Dockerfile").write_text((checkout / "Dockerfile").read_text() + "USER 1\n")
    seen.add(tag())
    assert len(seen) == 7


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_every_recipes_inputs_are_there(recipe: Recipe):
    assert (CHECKOUT / recipe.dockerfile).is_file()
    for source in copied((CHECKOUT / recipe.dockerfile).read_text()):
        assert (CHECKOUT / source).exists(), source


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_no_image_runs_as_root(recipe: Recipe):
    users = re.findall(r"^USER (.*)$", (CHECKOUT / recipe.dockerfile).read_text(), re.MULTILINE)
    assert recipe.name == "base" or users[-1:] == ["1000:1000"]


@pytest.mark.parametrize("name", constraints.LOCKS)
def test_every_lock_satisfies_what_it_locks(name: str):
    lines = (CHECKOUT / constraints.LOCKS[name].path).read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    versions = {canonicalize_name(package): version for package, version in pinned.items()}
    from_debian = {"pyyaml"} if constraints.LOCKS[name].with_debian else set()
    for text in constraints.requirements(constraints.LOCKS[name], CHECKOUT):
        requirement = Requirement(text)
        package = canonicalize_name(requirement.name)
        if package not in from_debian:
            assert requirement.specifier.contains(versions[package]), text


def test_pins_are_sorted_and_exact():
    report = {
        "install": [
            {"metadata": {"name": "zope", "version": "2"}},
            {"metadata": {"name": "Alpha", "version": "1.0"}},
        ]
    }
    assert constraints.pins(report) == ["Alpha==1.0", "zope==2"]


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """An OCI layout with one image of two layers."""
    blobs = tmp_path / "layout" / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    manifest = {
        "config": {"digest": "sha256:c"},
        "layers": [{"digest": "sha256:l1"}, {"digest": "sha256:l2"}],
    }
    for name, content in {"m": json.dumps(manifest), "c": "{}", "l1": "one", "l2": "two"}.items():
        (blobs / name).write_text(content)
    entry = {"digest": "sha256:m", "size": 1, "annotations": {archive.NAME: "localhost/app:1"}}
    (tmp_path / "layout" / "index.json").write_text(json.dumps({"manifests": [entry]}))
    return tmp_path / "layout"


def test_an_archive_is_named_for_containerd(layout: Path, tmp_path: Path):
    target = tmp_path / "app.tar"
    archive.write(layout, "localhost/app:1", target)
    with tarfile.open(target) as tar:
        names = tar.getnames()
        index = json.load(tar.extractfile("index.json"))  # type: ignore[arg-type]
    assert sorted(names) == sorted(
        ["oci-layout", "index.json", *(f"blobs/sha256/{b}" for b in ("m", "c", "l1", "l2"))]
    )
    (named,) = index["manifests"]
    assert named["annotations"][archive.CONTAINERD_NAME] == "localhost/app:1"


def test_an_archive_can_leave_out_what_its_reader_has(layout: Path, tmp_path: Path):
    target = tmp_path / "app.tar"
    archive.write(layout, "localhost/app:1", target, have=frozenset({"sha256:l1"}))
    with tarfile.open(target) as tar:
        assert "blobs/sha256/l1" not in tar.getnames()
        assert "blobs/sha256/l2" in tar.getnames()


def test_an_image_whose_blob_was_lost_is_not_there(layout: Path):
    assert archive.names(layout, "localhost/app:1")
    assert not archive.names(layout, "localhost/app:2")
    (layout / "blobs" / "sha256" / "l2").unlink()
    assert not archive.names(layout, "localhost/app:1")
    assert not archive.names(layout / "nothing", "localhost/app:1")


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ("sandbox-working-container", True),
        ("sandbox-working-container-2", True),
        ("working-container", True),
        ("working-container-1", True),
        pytest.param(f"{OURS}{os.getpid()}-ab12", False, id="ours, at work"),
        (f"{OURS}999999999-ab12", True),
        ("somebodys-own", False),
    ],
)
def test_only_what_nobody_uses_is_abandoned(container: str, expected: bool):
    assert abandoned(container) is expected


def test_reference_text():
    assert str(ImageRef("hub", "abc")) == "localhost/practicum/hub:abc"


def test_a_build_borrows_this_machines_registries():
    text = registries.pip_configuration({"index-url": "https://mirror/simple", "x": "y"}, True)
    assert "index-url = https://mirror/simple" in text
    assert "cert = /run/secrets/ca" in text
    assert "x = y" not in text
    assert "cert" not in registries.pip_configuration({}, False)
    assert registries.npm_configuration("https://mirror", True).splitlines() == [
        "update-notifier=false",
        "registry=https://mirror",
        "cafile=/run/secrets/ca",
    ]
    assert "registry" not in registries.npm_configuration(None, False)


def test_the_named_certificates_come_first(tmp_path: Path):
    mine = tmp_path / "ca.pem"
    mine.touch()
    assert registries.certificates({"PIP_CERT": str(mine)}) == mine
    assert registries.certificates({"PIP_CERT": str(tmp_path / "none")}) != tmp_path / "none"


def test_what_is_known_of_images_that_were_saved(layout: Path, tmp_path: Path):
    cache = tmp_path / "cache" / "images"
    cache.mkdir(parents=True)
    layout.rename(cache / "layout")
    known = Images(Paths(tmp_path / "cache")).blobs(["localhost/app:1", "localhost/other:1"])
    assert known == {"sha256:m", "sha256:c", "sha256:l1", "sha256:l2"}
    assert Images(Paths(tmp_path / "cache")).blobs([]) == frozenset()
