"""Builds the platform's images from package registries, saves them, pushes them.

    build(names)        -> {name: ImageRef}; what is built already costs a hash of its inputs
    save(ref)           -> an OCI archive that containerd imports under the image's own name
    push(ref, registry) -> for a cluster that pulls

A tag is the digest of everything the image is made from. Every step can be stopped at any
moment and run again: an image, archive or root file system is there whole or not at all.
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from practicum_local import archive, progress, registries, rootfs
from practicum_local.buildah import Buildah, ImageError
from practicum_local.locking import exclusive
from practicum_local.paths import CHECKOUT, Paths
from practicum_local.recipes import RECIPES, USUAL, ImageRef, reference, stage, versions_of

VERSIONS_KEPT = 3
LAYERS_KEPT = 150
"""Unnamed images, one for each instruction of a Dockerfile, that builds may find again."""

__all__ = ["RECIPES", "USUAL", "ImageError", "ImageRef", "Images"]


@dataclass(frozen=True)
class Images:
    """The images of one checkout in one cache."""

    paths: Paths
    checkout: Path = CHECKOUT

    @property
    def folder(self) -> Path:
        """Logs, archives and the root file system."""
        return self.paths.root / "images"

    @property
    def buildah(self) -> Buildah:
        """The storage of layers and images."""
        return Buildah(self.paths.root / "buildah")

    def build(
        self, names: Iterable[str] = USUAL, *, base: str | None = None, fresh: bool = False
    ) -> dict[str, ImageRef]:
        """Build what is missing of the named images, in order, and return all their names.

        `base` is an image to stand on instead of a root file system made here; `fresh` takes
        today's packages of Debian.
        """
        wanted = list(names)
        unknown = sorted(set(wanted) - set(RECIPES))
        if unknown:
            raise ImageError(f"no such image: {', '.join(unknown)}; there are {', '.join(RECIPES)}")
        with self._alone():
            self.buildah.remove_abandoned()
            bottom = base or rootfs.ensure(self.folder, self.buildah, fresh=fresh)
            built: dict[str, ImageRef] = {}
            for name in wanted:
                self._build(name, bottom, built)
        return {name: built[name] for name in wanted}

    def save(self, ref: ImageRef, *, have: frozenset[str] = frozenset()) -> Path:
        """An OCI archive of a built image; `have` names blobs that its reader already holds.

        The archive is `images/archive/<name>-<tag>.tar` below the cache directory. A whole one
        is kept for the next call, one with gaps is the caller's to remove.
        """
        suffix = "-delta" if have else ""
        target = self.folder / "archive" / f"{ref.name}-{ref.tag}{suffix}.tar"
        with self._alone():
            if have or not target.exists():
                with progress.step(f"Saving {ref.name}"):
                    layout = self._layout(ref)
                    archive.write(layout, str(ref), target, have=have)
        return target

    def blobs(self, references: Iterable[str]) -> frozenset[str]:
        """What `save` may leave out for someone who has these images: digests of all their parts.

        A name that was never saved from here counts for nothing.
        """
        found = (archive.blobs(self.folder / "layout", reference) for reference in references)
        return frozenset().union(*found)

    def push(self, ref: ImageRef, registry: str, *, tag: str | None = None) -> str:
        """Push a built image to `registry/practicum/<name>` and return its reference there."""
        destination = f"{registry.rstrip('/')}/practicum/{ref.name}:{tag or ref.tag}"
        with self._alone(), progress.step(f"Pushing {destination}"):
            log = self.folder / "log" / f"push-{ref.name}.log"
            self.buildah.push(str(ref), destination, log)
        return destination

    def _build(self, name: str, bottom: str, built: dict[str, ImageRef]) -> ImageRef:
        if name in built:
            return built[name]
        recipe = RECIPES[name]
        parent = str(self._build(recipe.parent, bottom, built)) if recipe.parent else bottom
        ref = reference(recipe, self.checkout, parent)
        if not self.buildah.exists(str(ref)):
            with progress.step(f"Building {name}"), tempfile.TemporaryDirectory() as scratch:
                context, lent = Path(scratch, "context"), Path(scratch, "lent")
                context.mkdir()
                lent.mkdir()
                stage(recipe, self.checkout, context)
                self.buildah.build(
                    str(ref),
                    dockerfile=self.checkout / recipe.dockerfile,
                    context=context,
                    arguments={"BASE": parent, **recipe.arguments},
                    lent=registries.secrets(lent),
                    log=self.folder / "log" / f"{name}.log",
                )
            progress.note(f"{ref} {self.buildah.size(str(ref))}")
            self._forget_former(name)
        built[name] = ref
        return ref

    def release(self) -> None:
        """Unmount what a build that was killed left mounted."""
        with self._alone():
            self.buildah.remove_abandoned()

    def _forget_former(self, name: str) -> None:
        """Keep the newest versions of an image: other checkouts and a way back may want them."""
        stored = self.buildah.images()
        of_name = [
            image for image in stored if any(n.startswith(versions_of(name)) for n in image.names)
        ]
        of_name.sort(key=lambda image: image.created, reverse=True)
        former = {n for image in of_name[VERSIONS_KEPT:] for n in image.names}
        self.buildah.forget(sorted(former))
        kept = {n for image in stored for n in image.names} - former
        archive.keep(self.folder / "layout", kept)
        if sum(not image.names for image in stored) > LAYERS_KEPT:
            self.buildah.prune()

    def _layout(self, ref: ImageRef) -> Path:
        # One layout for all images and their versions: only blobs that are new are written.
        layout = self.folder / "layout"
        if not archive.names(layout, str(ref)):
            log = self.folder / "log" / f"save-{ref.name}.log"
            self.buildah.export(str(ref), layout, log)
        return layout

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with exclusive(self.folder / ".lock"):
            try:
                yield
            finally:
                self.buildah.release()
