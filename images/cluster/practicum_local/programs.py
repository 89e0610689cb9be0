"""Programs built from Go modules, each once for each content of its sources.

A program lies at `bin/NAME-KEY`, and `bin/NAME` is a link to the newest. The key is a hash
of what goes in, so that building again is a look at the disk, and a build that was killed
leaves nothing that looks finished.
"""

import hashlib
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from practicum_local import progress, toolchain
from practicum_local.locking import exclusive
from practicum_local.paths import GO_SOURCES, Paths

KUBERNETES = re.compile(r"k8s\.io/kubernetes v1\.(\d+)\.\d+")
ERROR_LINES = 20


class BuildError(RuntimeError):
    """The Go compiler refused; the message ends with what it said."""


@dataclass(frozen=True)
class Program:
    """One program: a Go module of ours, or one that the Go proxy has at a version."""

    name: str
    source: Path | None = None
    package: str = "."
    remote: str | None = None
    needs: str = "a minute"

    def key(self) -> str:
        """Twelve hex digits that change when anything that goes into the program does."""
        digest = hashlib.sha256(repr((self.name, self.package, self.remote, self.flags())).encode())
        for path in self._files():
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()[:12]

    def flags(self) -> list[str]:
        """Flags of `go build` and `go install`: static, stripped, no path of this machine."""
        return ["-trimpath", f"-ldflags=-s -w{self._version_flags()}"]

    def _version_flags(self) -> str:
        # Kubernetes learns its version from the linker, and clients ask for it.
        found = KUBERNETES.search((self.source / "go.mod").read_text()) if self.source else None
        if not found:
            return ""
        version = found.group().split()[1]
        symbols = {"gitVersion": version, "gitMajor": "1", "gitMinor": found.group(1)}
        return "".join(f" -X k8s.io/component-base/version.{k}={v}" for k, v in symbols.items())

    def _files(self) -> Iterator[Path]:
        if self.source:
            for path in sorted(self.source.rglob("*")):
                code = path.suffix == ".go" and not path.name.endswith("_test.go")
                if code or path.name in {"go.mod", "go.sum"}:
                    yield path


KUBE = Program("kube", source=GO_SOURCES / "kube", needs="4 to 6 minutes the first time")
PROGRAMS = {
    program.name: program
    for program in (
        KUBE,
        Program("coredns", source=GO_SOURCES / "coredns"),
        Program("netpol", source=GO_SOURCES / "netpol"),
        Program("volumes", source=GO_SOURCES / "volumes"),
        Program("helm", remote="helm.sh/helm/v3/cmd/helm@v3.22.0"),
        Program("kwok", remote="sigs.k8s.io/kwok/cmd/kwok@v0.8.0"),
    )
}


def ensure(program: Program, paths: Paths) -> Path:
    """The built program; builds it if its sources are new."""
    target = paths.bin / f"{program.name}-{program.key()}"
    with exclusive(paths.bin / f".{program.name}.lock"):
        if not target.exists():
            go = toolchain.go(paths)
            with progress.step(f"Building {program.name} ({program.needs})"):
                _build(program, go, target, paths)
        _point(paths.bin / program.name, target)
    return target


def _build(program: Program, go: Path, target: Path, paths: Paths) -> None:
    scratch = target.parent / f".{target.name}"
    scratch.mkdir(exist_ok=True)
    environment = go_environment(go, scratch, paths)
    if program.source:
        command = ["build", *program.flags(), f"-o={scratch / program.name}", program.package]
    else:
        command = ["install", *program.flags(), str(program.remote)]
    result = subprocess.run(  # noqa: S603 - the command is ours
        ["nice", str(go), *command],  # noqa: S607 - coreutils
        cwd=program.source or scratch,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode:
        said = "\n".join(result.stdout.splitlines()[-ERROR_LINES:])
        raise BuildError(f"building {program.name} failed:\n{said}")
    (scratch / program.name).replace(target)
    scratch.rmdir()


def go_environment(
    go: Path, bin_folder: Path, paths: Paths, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The environment of a build: no C compiler, no other toolchain, all its files below ours."""
    return {
        **environ,
        "PATH": f"{go.parent}:{environ.get('PATH', '')}",
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-buildvcs=false -modcacherw",
        "GOBIN": str(bin_folder),
        "GOCACHE": str(paths.root / "go/build"),
        "GOMODCACHE": str(paths.root / "go/mod"),
    }


def _point(link: Path, target: Path) -> None:
    """Make `link` lead to `target`, and keep one former program: a node may run it yet."""
    if not (link.is_symlink() and link.readlink() == Path(target.name)):
        fresh = link.with_name(f".{link.name}.link")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(target.name)
        fresh.replace(link)
    built = link.parent.glob(f"{link.name}-????????????")
    former = sorted((p for p in built if p != target), key=lambda p: p.stat().st_mtime)
    for program in former[:-1]:
        program.unlink()
