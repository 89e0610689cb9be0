"""The Go modules of `images/cluster`: formatted, vetted, and their own tests pass."""

import subprocess
from pathlib import Path

import pytest

from practicum_local import programs, toolchain
from practicum_local.paths import GO_SOURCES, Paths

MODULES = sorted(path.parent.name for path in GO_SOURCES.glob("*/go.mod"))
TESTED = ("netpol", "volumes")
TOO_LARGE_TO_VET = ("coredns", "kube")
"""Vetting loads all that they are made from: minutes, for one file that was compiled."""


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory):
    paths = Paths.from_environment()
    compiler = toolchain.go(paths)
    environment = programs.go_environment(compiler, tmp_path_factory.mktemp("bin"), paths)

    def run(module: str, *command: str) -> None:
        result = subprocess.run(
            [compiler, *command], cwd=GO_SOURCES / module, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        assert result.returncode == 0, result.stdout

    return run


def test_every_module_is_known():
    assert {"coredns", "kube", "netpol", "probe", "volumes"} == set(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_formatted(module):
    compiler = toolchain.go(Paths.from_environment())
    sources = [str(path) for path in (GO_SOURCES / module).rglob("*.go")]
    gofmt = Path(subprocess.check_output([compiler, "env", "GOROOT"], text=True).strip())
    listed = subprocess.check_output([gofmt / "bin/gofmt", "-l", *sources], text=True)
    assert not listed


@pytest.mark.parametrize("module", [m for m in MODULES if m not in TOO_LARGE_TO_VET])
def test_vetted(module, go):
    go(module, "vet", "-trimpath", "./...")


@pytest.mark.parametrize("module", TESTED)
def test_tests_pass(module, go):
    go(module, "test", "-trimpath", "./...")
