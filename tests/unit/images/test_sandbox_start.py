"""How the sandbox's server is set up."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from practicum_sandbox import home
from practicum_sandbox.arguments import default_url, environment, server_arguments
from practicum_sandbox.problems import notice
from practicum_sandbox.processors import limit
from practicum_sandbox.settings import SandboxSettings
from practicum_sandbox.workspace import Problem


def test_settings_have_defaults():
    settings = SandboxSettings.from_environment({})
    assert settings.workspace == Path("/home/jovyan/work")
    assert (settings.content, settings.activity_port) == (None, 8889)


def test_settings_read_the_environment():
    settings = SandboxSettings.from_environment(
        {
            "HOME": "/h",
            "PRACTICUM_WORKSPACE": "/w",
            "PRACTICUM_LAB_CONTENT": "/opt/practicum/labs/lora/workspace",
            "PRACTICUM_RESET": "7",
            "PRACTICUM_LANGUAGE": "zh",
            "PRACTICUM_ACTIVITY_PORT": "9000",
            "PRACTICUM_HEARTBEATS": "/beats",
            "PRACTICUM_SKELETON": "/skeleton",
        }
    )
    assert settings == SandboxSettings(
        home=Path("/h"),
        workspace=Path("/w"),
        content=Path("/opt/practicum/labs/lora/workspace"),
        reset="7",
        language="zh",
        activity_port=9000,
        heartbeats=Path("/beats"),
        skeleton=Path("/skeleton"),
    )


def test_the_labs_notebook_opens_once_it_lies_there(settings: SandboxSettings):
    assert default_url(settings) == "/lab"
    (settings.workspace / "lora.en.ipynb").touch()
    assert default_url(settings) == "/lab/tree/lora.en.ipynb"


def test_the_pods_own_default_url_wins(settings: SandboxSettings):
    ours = server_arguments(settings, {})
    assert "--ServerApp.default_url=/lab" in ours
    theirs = server_arguments(settings, {"JUPYTERHUB_DEFAULT_URL": "/lab/tree/x"})
    assert not any(a.startswith("--ServerApp.default_url") for a in theirs)


def test_without_a_workspace_the_home_is_served(settings: SandboxSettings):
    settings.workspace.rmdir()
    assert f"--ServerApp.root_dir={settings.home}" in server_arguments(settings, {})


def test_jupyterlabs_settings_follow_the_workspace_if_they_can(settings: SandboxSettings):
    kept = environment(settings, processors=2, writable=True)
    assert Path(kept["JUPYTERLAB_SETTINGS_DIR"]).is_relative_to(settings.workspace)
    assert kept["OMP_NUM_THREADS"] == "2"
    lost = environment(settings, processors=2, writable=False)
    assert not Path(lost["JUPYTERLAB_SETTINGS_DIR"]).is_relative_to(settings.workspace)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "max 100000"}, 8),
        ({"cpu.max": "200000 100000"}, 2),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "6400000 100000"}, 8),
        ({"cpu/cpu.cfs_quota_us": "150000", "cpu/cpu.cfs_period_us": "100000"}, 2),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 8),
        ({}, 8),
    ],
)
def test_thread_pools_fit_the_limit(tmp_path: Path, files: dict[str, str], expected: int):
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content + "\n")
    assert limit(tmp_path, cores=8) == expected


def test_a_home_is_laid_once_and_the_language_chosen_once(
    settings: SandboxSettings, tmp_path: Path
):
    skeleton = tmp_path / "skeleton"
    (skeleton / ".cache").mkdir(parents=True)
    (skeleton / ".cache" / "fonts").write_text("ready")
    chinese = replace(settings, language="zh", skeleton=skeleton)
    lab = tmp_path / "lab"
    home.lay(chinese, lab)
    assert (settings.home / ".cache" / "fonts").read_text() == "ready"
    chosen = lab / home.LANGUAGE_SETTING
    assert json.loads(chosen.read_text()) == {"locale": "zh_CN"}
    chosen.write_text('{"locale": "en"}')
    home.lay(chinese, lab)
    assert json.loads(chosen.read_text()) == {"locale": "en"}


def test_english_is_jupyterlabs_own_default(settings: SandboxSettings, tmp_path: Path):
    home.lay(replace(settings, language="en", skeleton=tmp_path / "none"), tmp_path / "lab")
    assert not (tmp_path / "lab").exists()


@pytest.mark.parametrize("problem", Problem)
def test_a_notice_in_each_language(problem: Problem):
    english, chinese = notice(problem, "en"), notice(problem, "zh-CN")
    assert english.isascii()
    assert not chinese.isascii()
    both = notice(problem, "")
    assert english in both
    assert chinese in both


LEAN = """
import gc, sys
from practicum_sandbox import lean
lean.apply()
import jupyterhub.singleuser
heavy = {"alembic", "lark", "sqlalchemy.orm", "jupyterhub.handlers.base"} & set(sys.modules)
assert not heavy, heavy
from jupyterhub import scopes
have = scopes._intersect_expanded_scopes({"access:servers!user=a"}, {"access:servers"})
assert have == {"access:servers!user=a"}, have
from jupyterhub import orm
assert orm.Base.metadata.tables  # what was put off works when it is used after all
from jsonschema import Draft202012Validator
Draft202012Validator({"format": "date"}).validate("2026-11-24")
lean.settle()
assert gc.isenabled()
"""


def test_what_is_left_out_at_the_start_is_not_needed_and_not_lost():
    # In a process of its own: imports can't be taken back.
    result = subprocess.run(
        [sys.executable, "-c", LEAN],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert result.returncode == 0, result.stderr
