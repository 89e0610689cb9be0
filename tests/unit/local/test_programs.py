import pytest

from practicum_local import programs
from practicum_local.paths import Paths
from practicum_local.programs import BuildError, Program

MODULE = "module example.test/hello\n\ngo 1.21\n"
MAIN = 'package main\n\nfunc main() { println("hello") }\n'


@pytest.fixture
def program(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "go.mod").write_text(MODULE)
    (source / "main.go").write_text(MAIN)
    return Program("hello", source=source)


@pytest.fixture
def paths(tmp_path):
    return Paths(tmp_path / "cache")


def test_it_is_built_once(program, paths):
    target = programs.ensure(program, paths)
    before = target.stat().st_mtime_ns
    assert programs.ensure(program, paths) == target
    assert target.stat().st_mtime_ns == before
    link = paths.bin / "hello"
    assert link.resolve() == target
    assert {p.name for p in paths.bin.iterdir()} == {".hello.lock", "hello", target.name}


def test_a_change_builds_anew_and_one_former_is_kept(program, paths):
    built = []
    for word in ("hello", "good morning", "good bye"):
        (program.source / "main.go").write_text(MAIN.replace("hello", word))
        built.append(programs.ensure(program, paths))
    first, second, third = built
    assert not first.exists()
    assert second.exists()
    assert (paths.bin / "hello").resolve() == third


def test_tests_do_not_count(program):
    before = program.key()
    (program.source / "main_test.go").write_text("package main\n")
    assert program.key() == before


def test_what_the_compiler_says_is_passed_on(program, paths):
    (program.source / "main.go").write_text("package main\n\nfunc main() { nonsense() }\n")
    with pytest.raises(BuildError, match="undefined: nonsense"):
        programs.ensure(program, paths)
    assert not list(paths.bin.glob("hello*"))


def test_kubernetes_is_told_its_version():
    flags = " ".join(programs.KUBE.flags())
    assert "-X k8s.io/component-base/version.gitVersion=v1.36." in flags
    assert "-X k8s.io/component-base/version.gitMinor=36" in flags


def test_a_version_is_part_of_the_key():
    one, two = (Program("helm", remote=f"helm.sh/helm/v3/cmd/helm@v3.{n}") for n in (1, 2))
    assert one.key() != two.key()


def test_environment_is_static_and_stays_with_its_compiler(tmp_path):
    found = programs.go_environment(
        tmp_path / "go/bin/go", tmp_path / "out", Paths(tmp_path), {"PATH": "/bin"}
    )
    assert found["PATH"] == f"{tmp_path}/go/bin:/bin"
    assert (found["CGO_ENABLED"], found["GOTOOLCHAIN"]) == ("0", "local")
    assert found["GOBIN"] == str(tmp_path / "out")
    assert found["GOCACHE"] == str(tmp_path / "go/build")
    assert found["GOMODCACHE"] == str(tmp_path / "go/mod")
