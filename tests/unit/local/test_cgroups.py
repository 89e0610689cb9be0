import pytest

from practicum_local import cgroups
from practicum_local.cgroups import Hierarchy

V1 = """\
30 23 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:5 - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/a\\040b rw - cgroup cgroup rw,memory
33 30 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
"""


def unified(path, controllers):
    path.mkdir()
    (path / "cgroup.controllers").write_text(controllers)
    (path / "cgroup.subtree_control").write_text("")
    return f"40 23 0:30 / {path} rw - cgroup2 cgroup2 rw,nsdelegate\n"


def test_old_hierarchies():
    found = {str(h.mount): h.controllers for h in cgroups.hierarchies(V1)}
    assert found == {
        "/sys/fs/cgroup/cpu,cpuacct": {"cpu", "cpuacct"},
        "/sys/fs/cgroup/a b": {"memory"},
        "/sys/fs/cgroup/systemd": {"name=systemd"},
    }
    assert cgroups.missing_controllers(cgroups.hierarchies(V1)) == {"pids"}


def test_the_unified_hierarchy(tmp_path):
    (found,) = cgroups.hierarchies(unified(tmp_path / "cg", "cpu memory pids rdma\n"))
    assert found == Hierarchy(tmp_path / "cg", frozenset({"cpu", "memory", "pids", "rdma"}), True)
    assert not cgroups.missing_controllers([found])


def test_a_unified_hierarchy_beside_the_old_ones_has_nothing(tmp_path):
    (found,) = cgroups.hierarchies(unified(tmp_path / "cg", ""))
    assert not found.controllers
    cgroups.create("node", [found])
    assert not (tmp_path / "cg" / "node").exists()


def test_unified_controllers_are_handed_down(tmp_path):
    found = cgroups.hierarchies(unified(tmp_path / "cg", "cpu memory rdma\n"))
    cgroups.create("node", found)
    for folder in (tmp_path / "cg", tmp_path / "cg" / "node"):
        assert (folder / "cgroup.subtree_control").read_text() == "+cpu +memory"


def test_a_cpuset_of_the_old_kind_is_told_what_it_may_use(tmp_path):
    (tmp_path / "cpuset.cpus").write_text("0-1\n")
    (tmp_path / "cpuset.mems").write_text("0\n")
    cgroups.create("node", [Hierarchy(tmp_path, frozenset({"cpuset"}), False)])
    assert (tmp_path / "node" / "cpuset.cpus").read_text() == "0-1\n"


def test_removed_from_the_inside_out(tmp_path):
    hierarchy = Hierarchy(tmp_path, frozenset({"memory"}), False)
    (tmp_path / "node" / "kubepods" / "pod").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    cgroups.remove("node", [hierarchy])
    assert [p.name for p in tmp_path.iterdir()] == ["other"]
    cgroups.remove("node", [hierarchy])


def test_one_that_is_still_used_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(cgroups, "REMOVE_SECONDS", 0.0)
    (tmp_path / "node").mkdir()
    (tmp_path / "node" / "busy").write_text("")  # rmdir refuses, as the kernel would
    with pytest.raises(OSError, match="not empty"):
        cgroups.remove("node", [Hierarchy(tmp_path, frozenset({"memory"}), False)])
