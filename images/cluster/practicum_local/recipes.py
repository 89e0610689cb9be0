"""The platform's images: what each is built from, and the digest of that.

A Dockerfile names its own inputs: what it copies from the repository is what is hashed, and
all that a build gets to see. So the same Dockerfiles build with Docker from the repository's
root, and a file that no image copies rebuilds nothing.
"""

import hashlib
import shlex
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

TAG_LENGTH = 16
SKIPPED = frozenset({"__pycache__", "node_modules", ".ipynb_checkpoints"})
SKIPPED_SUFFIXES = (".pyc", ".egg-info")


@dataclass(frozen=True)
class Recipe:
    """One image: its Dockerfile, and the image it stands on (none: the root file system)."""

    name: str
    dockerfile: str
    parent: str | None = "base"
    arguments: Mapping[str, str] = field(default_factory=dict)
    on_request: bool = False
    """Built only when named: of no use on the one machine, or large."""


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("base", "images/base/Dockerfile", parent=None),
        Recipe("control", "images/control/Dockerfile"),
        Recipe("prometheus", "images/control/prometheus/Dockerfile"),
        Recipe("hub", "images/hub/Dockerfile"),
        Recipe("proxy", "images/hub/proxy/Dockerfile"),
        Recipe("sandbox", "images/sandbox/Dockerfile"),
        Recipe(
            "sandbox-gpu",
            "images/sandbox/Dockerfile",
            arguments={"PROFILE": "gpu"},
            on_request=True,
        ),
        Recipe("grader", "images/grader/Dockerfile"),
    )
}
USUAL = tuple(name for name, recipe in RECIPES.items() if not recipe.on_request)
"""The images that are built when none is named."""


@dataclass(frozen=True)
class ImageRef:
    """A built image in our own storage."""

    name: str
    tag: str

    def __str__(self) -> str:
        return f"{versions_of(self.name)}{self.tag}"


def versions_of(name: str) -> str:
    """How the references of all versions of an image begin."""
    return f"localhost/practicum/{name}:"


def reference(recipe: Recipe, checkout: Path, parent: str) -> ImageRef:
    """The name the image has when it is built from these inputs upon `parent`."""
    sums = hashlib.sha256()
    for part in (parent, *(f"{key}={value}" for key, value in sorted(recipe.arguments.items()))):
        sums.update(f"{part}\0".encode())
    for path in (checkout / recipe.dockerfile, *input_files(recipe, checkout)):
        executable = path.stat().st_mode & 0o100
        sums.update(f"{path.relative_to(checkout)}\0{executable}\0".encode())
        sums.update(hashlib.sha256(path.read_bytes()).digest())
    return ImageRef(recipe.name, sums.hexdigest()[:TAG_LENGTH])


def input_files(recipe: Recipe, checkout: Path) -> list[Path]:
    """Every file that the image's Dockerfile copies from the repository, sorted."""
    sources = copied((checkout / recipe.dockerfile).read_text())
    return sorted({path for source in sources for path in _files(checkout / source)})


def stage(recipe: Recipe, checkout: Path, context: Path) -> None:
    """Lay the image's inputs, and nothing else, into the folder `context`."""
    for path in input_files(recipe, checkout):
        target = context / path.relative_to(checkout)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        # As in the digest: what a checkout's umask did to the rest is no difference.
        target.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    for source in copied((checkout / recipe.dockerfile).read_text()):
        if (checkout / source).is_dir():
            (context / source).mkdir(parents=True, exist_ok=True)


def copied(dockerfile: str) -> list[str]:
    """Paths that COPY takes from the context: not those from another stage."""
    sources: list[str] = []
    for words in _instructions(dockerfile):
        if words[0].upper() != "COPY":
            continue
        options = [word for word in words[1:] if word.startswith("--")]
        if not any(option.startswith("--from=") for option in options):
            sources += [str(PurePosixPath(word)) for word in words[1 + len(options) : -1]]
    return sources


def _instructions(dockerfile: str) -> Iterator[list[str]]:
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip().upper().startswith("COPY "):
            yield shlex.split(line)


def _files(source: Path) -> Iterator[Path]:
    if source.is_file():
        yield source
        return
    for path in source.iterdir():
        if path.name not in SKIPPED and not path.name.endswith(SKIPPED_SUFFIXES):
            yield from _files(path)
