"""The `images` rows of the command line."""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from practicum_local import constraints, files, progress, toolchain
from practicum_local.buildah import ImageError
from practicum_local.chroot import Mount, mounted
from practicum_local.images import RECIPES, USUAL, ImageRef, Images
from practicum_local.labs import lab_resources
from practicum_local.paths import CHECKOUT, Paths
from practicum_local.release import RELEASE_IMAGES


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `images build|save|push|run|lock` to the table of subcommands."""
    images = commands.add_parser("images", help="the platform's images")
    actions = images.add_subparsers(required=True, metavar="ACTION")
    build = _action(actions, "build", "build what changed and print the references")
    build.set_defaults(command=_build)
    save = _action(actions, "save", "build, then write OCI archives and print their paths")
    save.set_defaults(command=_save)
    push = _action(actions, "push", "build, then push to a registry")
    push.add_argument("--registry", required=True, help="such as registry.example.org/team")
    push.add_argument("--tag", help="instead of the digest of the inputs")
    push.set_defaults(command=_push)
    run = actions.add_parser("run", help="run a command in an image as a Pod would, without one")
    run.add_argument("--mount", action="append", default=[], metavar="FOLDER:PATH")
    run.add_argument("name", metavar="IMAGE", choices=RECIPES)
    run.add_argument("words", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="else its own")
    run.set_defaults(command=_run)
    locked = actions.add_parser("lock", help="resolve the images' packages anew")
    locked.add_argument("name", nargs="*", metavar="LOCK", help=", ".join(constraints.LOCKS))
    locked.set_defaults(command=_lock)


def _action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str
) -> argparse.ArgumentParser:
    action = actions.add_parser(name, help=text)
    action.add_argument("name", nargs="*", metavar="IMAGE", help=", ".join(RECIPES))
    action.add_argument("--base", help="an image to stand on, such as debian:trixie-slim")
    action.add_argument("--fresh", action="store_true", help="take Debian's packages of today")
    return action


def _build(arguments: argparse.Namespace, paths: Paths) -> int:
    for ref in _built(arguments, Images(paths)).values():
        print(ref)  # noqa: T201 - the command's answer
    return 0


def _save(arguments: argparse.Namespace, paths: Paths) -> int:
    images = Images(paths)
    for ref in _built(arguments, images).values():
        print(images.save(ref))  # noqa: T201 - the command's answer
    return 0


def _push(arguments: argparse.Namespace, paths: Paths) -> int:
    images = Images(paths)
    pushed = {
        name: images.push(ref, arguments.registry, tag=arguments.tag)
        for name, ref in _built(arguments, images).items()
    }
    for reference in pushed.values():
        print(reference)  # noqa: T201 - the command's answer
    for path in _describe(pushed):
        progress.note(f"written: {path.relative_to(CHECKOUT)}")
    return 0


def _describe(pushed: Mapping[str, str]) -> Iterator[Path]:
    """Write what an installation needs to know: the chart's values, and the Labs."""
    folder = CHECKOUT / "build"
    if names := {name: pushed[name] for name in RELEASE_IMAGES if name in pushed}:
        files.write(folder / "images.yaml", yaml.safe_dump({"images": names}))
        yield folder / "images.yaml"
    if "sandbox" in pushed:
        resources = lab_resources(pushed["sandbox"], pushed.get("sandbox-gpu"))
        files.write(folder / "labs.yaml", yaml.safe_dump_all(resources, allow_unicode=True))
        yield folder / "labs.yaml"


def _run(arguments: argparse.Namespace, paths: Paths) -> int:
    toolchain.install(["images"], paths)
    images = Images(paths)
    ref = images.build([arguments.name])[arguments.name]
    mounts = [Mount(Path(source).resolve(), target) for source, target in _pairs(arguments.mount)]
    command = arguments.words[1:] if arguments.words[:1] == ["--"] else arguments.words
    with mounted(images.buildah, str(ref)) as image:
        return image.start(command or None, mounts=mounts, output=None).wait()


def _pairs(mounts: list[str]) -> list[tuple[str, str]]:
    pairs = [tuple(mount.split(":")) for mount in mounts]
    for mount, pair in zip(mounts, pairs, strict=True):
        if len(pair) != 2:  # noqa: PLR2004
            raise ImageError(f"--mount {mount}: write it as FOLDER:PATH")
    return [(source, target) for source, target in pairs]


def _lock(arguments: argparse.Namespace, paths: Paths) -> int:
    toolchain.install(["images"], paths)
    for path in constraints.update(Images(paths), arguments.name or constraints.LOCKS):
        print(path)  # noqa: T201 - the command's answer
    return 0


def _built(arguments: argparse.Namespace, images: Images) -> dict[str, ImageRef]:
    toolchain.install(["images"], images.paths)
    return images.build(arguments.name or USUAL, base=arguments.base, fresh=arguments.fresh)
