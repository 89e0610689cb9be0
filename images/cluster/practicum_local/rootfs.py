"""A Debian root file system from Debian's own packages, as the image all others stand on."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from practicum_local import progress
from practicum_local.buildah import GENTLY, WHOLE, Buildah, ImageError, run_logged
from practicum_local.recipes import TAG_LENGTH
from practicum_local.toolchain import find

SUITE = "trixie"
LEFT_OUT = ("/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*", "/usr/share/doc/*")
KEPT = ("/usr/share/doc/*/copyright",)
DOCKERFILE = 'FROM scratch\nADD rootfs.tar /\nCMD ["/bin/bash"]\n'


def ensure(folder: Path, buildah: Buildah, *, fresh: bool = False) -> str:
    """The reference of the root file system's image, made first if it isn't there.

    Its tag is the content's digest, so a fresh one rebuilds what stands on it. `fresh` takes
    Debian's packages of today.
    """
    archive = folder / "rootfs.tar"
    if fresh or not archive.exists():
        _bootstrap(archive, folder / "log" / "rootfs.log")
    known = folder / "rootfs.sha256"
    if fresh or not known.exists() or known.stat().st_mtime < archive.stat().st_mtime:
        with archive.open("rb") as stream:
            known.write_text(hashlib.file_digest(stream, "sha256").hexdigest())
    reference = f"localhost/practicum/debian:{known.read_text()[:TAG_LENGTH]}"
    if not buildah.exists(reference):
        _import(archive, reference, folder, buildah)
    return reference


def _bootstrap(archive: Path, log: Path) -> None:
    program = find("mmdebstrap")
    if program is None:
        raise ImageError("mmdebstrap is missing: python -m practicum_local toolchain install")
    unfinished = archive.with_name(f".{archive.name}.new")
    unfinished.unlink(missing_ok=True)
    # Not below the cache: Debian's download user has to reach it, and a home may be closed.
    scratch = Path(tempfile.gettempdir(), f"practicum-rootfs-{os.getuid()}")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o755)
    options = [f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT]
    options += [f"--dpkgopt=path-include={path}" for path in KEPT]
    command = [str(program), "--variant=minbase", "--format=tar", *options, SUITE, str(unfinished)]
    # The same packages give the same archive, to the byte.
    environment = {"SOURCE_DATE_EPOCH": "0", "TMPDIR": str(scratch)}
    failure = "Debian's root file system could not be made"
    try:
        with progress.step(f"Making a Debian {SUITE} root file system"):
            run_logged([*WHOLE, *GENTLY, *command], log, failure, environment)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    unfinished.replace(archive)


def _import(archive: Path, reference: str, folder: Path, buildah: Buildah) -> None:
    context = folder / "rootfs-context"
    context.mkdir(exist_ok=True)
    (context / "Dockerfile").write_text(DOCKERFILE)
    linked = context / archive.name
    linked.unlink(missing_ok=True)
    linked.hardlink_to(archive)
    with progress.step("Importing the root file system"):
        buildah.build(
            reference,
            dockerfile=context / "Dockerfile",
            context=context,
            arguments={},
            lent={},
            log=folder / "log" / "import.log",
            cache=False,
        )
