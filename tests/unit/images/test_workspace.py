"""Laying a lab's files: nothing of the trainee's is ever lost."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from practicum_sandbox import files, workspace
from practicum_sandbox.files import digests
from practicum_sandbox.settings import SandboxSettings
from practicum_sandbox.workspace import Problem, Step, first_notebook, plan, prepare

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
ASIDE = "before-reset-2026-11-24-093000"


def work(settings: SandboxSettings) -> dict[str, str]:
    """The workspace's files by path, without the platform's own."""
    folder = settings.workspace
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and ".practicum" not in path.parts
    }


@pytest.mark.parametrize(
    ("laid", "present", "expected"),
    [
        (None, None, Step.LAY),
        ("old", "old", Step.UPDATE),
        ("new", "new", Step.ADOPT),
        (None, "new", Step.ADOPT),
        ("old", "new", Step.ADOPT),
        ("old", "theirs", Step.LEAVE),
        (None, "theirs", Step.LEAVE),
        ("old", None, Step.LEAVE),
        ("new", None, Step.LEAVE),
        (None, files.NOT_A_FILE, Step.LEAVE),
    ],
)
def test_plan(laid: str | None, present: str | None, expected: Step) -> None:
    steps = plan(
        content={"a": "new"},
        laid={"a": laid} if laid else {},
        present={"a": present} if present else {},
    )
    assert steps == {"a": expected}


digest = st.sampled_from(["1", "2", "3"])
listing = st.dictionaries(st.sampled_from("abc"), digest)


@given(content=listing, laid=listing, present=listing)
def test_only_a_file_that_we_laid_is_ever_replaced(
    content: dict[str, str], laid: dict[str, str], present: dict[str, str]
) -> None:
    for path, step in plan(content=content, laid=laid, present=present).items():
        if step is Step.UPDATE:
            assert present[path] == laid[path] != content[path]
        if step is Step.LAY:
            assert path not in present


def test_a_new_workspace_gets_the_lab_and_the_second_start_changes_nothing(
    settings: SandboxSettings,
) -> None:
    assert prepare(settings, NOW).problem is None
    before = work(settings)
    assert before.keys() == {"lora.en.ipynb", "lora.zh.ipynb", "figures/rank.svg"}
    assert prepare(settings, NOW).done == []
    assert work(settings) == before


def test_a_corrected_lab_reaches_files_nobody_touched(settings: SandboxSettings) -> None:
    prepare(settings, NOW)
    (settings.workspace / "lora.en.ipynb").write_text("answers")
    (settings.workspace / "figures" / "rank.svg").unlink()
    assert settings.content
    for name in ("lora.en.ipynb", "lora.zh.ipynb", "figures/rank.svg", "hint.md"):
        (settings.content / name).write_text("corrected")
    prepare(settings, NOW)
    assert work(settings) == {
        "lora.en.ipynb": "answers",
        "lora.zh.ipynb": "corrected",
        "hint.md": "corrected",
    }


def test_a_reset_moves_the_labs_files_aside_once(settings: SandboxSettings) -> None:
    prepare(settings, NOW)
    (settings.workspace / "lora.en.ipynb").write_text("answers")
    (settings.workspace / "notes.md").write_text("mine")
    asked = replace(settings, reset="first")
    prepare(asked, NOW)
    found = work(settings)
    assert found[f"{ASIDE}/lora.en.ipynb"] == "answers"
    assert found[f"{ASIDE}/figures/rank.svg"] == "<svg/>"
    assert found["lora.en.ipynb"] == "english"
    assert found["notes.md"] == "mine"
    (settings.workspace / "lora.en.ipynb").write_text("more answers")
    prepare(asked, NOW)
    assert work(settings) == {**found, "lora.en.ipynb": "more answers"}
    prepare(replace(settings, reset="second"), NOW)
    assert work(settings)[f"{ASIDE}-2/lora.en.ipynb"] == "more answers"
    prepare(asked, NOW)
    assert work(settings)["lora.en.ipynb"] == "english"
    assert not (settings.workspace / f"{ASIDE}-3").exists()


def test_a_reset_that_dies_anywhere_loses_nothing(
    settings: SandboxSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(settings, NOW)
    texts = {"lora.en.ipynb": "one", "lora.zh.ipynb": "two", "figures/rank.svg": "three"}
    for path, text in texts.items():
        (settings.workspace / path).write_text(text)
    asked = replace(settings, reset="once")
    left = 0

    def dies(real):  # type: ignore[no-untyped-def]
        def call(*args):  # type: ignore[no-untyped-def]
            nonlocal left
            if left == 0:
                raise KeyboardInterrupt
            left -= 1
            return real(*args)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", dies(Path.rename))
        patch.setattr(workspace, "copy_atomically", dies(workspace.copy_atomically))
        for left in range(7):  # noqa: B007 - read by `dies`: each start gets one step further
            try:
                prepare(asked, NOW)
            except KeyboardInterrupt:
                continue
    prepare(asked, NOW)
    found = work(settings)
    assert {path: found[f"{ASIDE}/{path}"] for path in texts} == texts
    assert found["lora.en.ipynb"] == "english"
    assert not (settings.workspace / f"{ASIDE}-2").exists()


def test_a_reset_of_an_empty_workspace_leaves_no_folder(settings: SandboxSettings) -> None:
    prepare(replace(settings, reset="early"), NOW)
    assert not (settings.workspace / ASIDE).exists()
    assert "lora.en.ipynb" in work(settings)


def test_links_and_folders_of_the_trainee_stay(settings: SandboxSettings, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("keep")
    (settings.workspace / "lora.en.ipynb").symlink_to(elsewhere)
    (settings.workspace / "lora.zh.ipynb").mkdir()
    prepare(settings, NOW)
    prepare(replace(settings, reset="now"), NOW)
    assert elsewhere.read_text() == "keep"
    assert (settings.workspace / ASIDE / "lora.en.ipynb").is_symlink()
    assert (settings.workspace / ASIDE / "lora.zh.ipynb").is_dir()


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"laid": {}}', '{"laid": 3, "pending": null}'])
def test_a_damaged_record_makes_every_file_the_trainees(
    settings: SandboxSettings, damage: str
) -> None:
    prepare(settings, NOW)
    (settings.workspace / "lora.en.ipynb").write_text("answers")
    (settings.state / "workspace.json").write_text(damage)
    assert prepare(settings, NOW).problem is None
    assert work(settings)["lora.en.ipynb"] == "answers"


def test_a_lost_record_does_not_repeat_an_old_reset(settings: SandboxSettings) -> None:
    asked = replace(settings, reset="7")
    prepare(asked, NOW)
    (settings.workspace / "lora.en.ipynb").write_text("answers")
    (settings.state / "workspace.json").unlink()
    prepare(asked, NOW)
    assert work(settings)["lora.en.ipynb"] == "answers"
    prepare(replace(settings, reset="8"), NOW)
    assert work(settings)["lora.en.ipynb"] != "answers"


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        ("ENOSPC", Problem.FULL),
        ("EDQUOT", Problem.FULL),
        ("EROFS", Problem.READ_ONLY),
        ("EACCES", Problem.READ_ONLY),
        ("EIO", Problem.OTHER),
    ],
)
def test_what_the_workspace_refuses_is_told(
    settings: SandboxSettings, monkeypatch: pytest.MonkeyPatch, error: str, problem: Problem
) -> None:
    import errno

    def refuse(*_: object) -> None:
        raise OSError(getattr(errno, error), error)

    monkeypatch.setattr(workspace, "copy_atomically", refuse)
    outcome = prepare(settings, NOW)
    assert outcome.problem is problem
    assert not outcome.writable


def test_an_image_without_the_lab_is_told(settings: SandboxSettings, tmp_path: Path) -> None:
    outcome = prepare(replace(settings, content=tmp_path / "nothing"), NOW)
    assert outcome.problem is Problem.NO_CONTENT
    assert outcome.writable


def test_a_failed_copy_leaves_no_piece(
    settings: SandboxSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(source: Path, target: Path) -> None:
        target.write_text("ha")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.shutil, "copyfile", half)
    assert prepare(settings, NOW).problem is Problem.FULL
    assert work(settings) == {}


def test_digests_name_regular_files_only(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert list(digests(tmp_path)) == ["a"]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("", "lora.en.ipynb"),
        ("en", "lora.en.ipynb"),
        ("zh-CN", "lora.zh.ipynb"),
        ("fr", "lora.en.ipynb"),
    ],
)
def test_the_notebook_in_the_wanted_language(
    settings: SandboxSettings, language: str, expected: str
) -> None:
    assert first_notebook(replace(settings, language=language)) == expected


def test_a_lab_without_languages_opens_its_first_notebook(settings: SandboxSettings) -> None:
    assert settings.content
    for path in settings.content.glob("*.ipynb"):
        path.unlink()
    assert first_notebook(settings) is None
    (settings.content / "b.ipynb").touch()
    (settings.content / "a.ipynb").touch()
    assert first_notebook(settings) == "a.ipynb"
