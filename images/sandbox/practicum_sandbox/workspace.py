"""Lays a lab's files into the trainee's workspace, and never takes anything away.

plan     pure: what to do with each file, from what we laid before and what is there
prepare  does it, as far as the workspace allows, and says what happened
"""

import errno
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from pathlib import Path

from practicum_sandbox import record as records
from practicum_sandbox.files import copy_atomically, digest, digests
from practicum_sandbox.record import PendingReset, Record
from practicum_sandbox.settings import SandboxSettings

ENOUGH_TO_WORK = 1 << 20
"""Free bytes below which a notebook can't be counted on to save."""


class Problem(Enum):
    """Why a workspace could not be made ready."""

    FULL = "full"
    READ_ONLY = "read-only"
    NO_CONTENT = "no-content"
    OTHER = "other"


class Step(Enum):
    """What to do with one of the lab's files."""

    LAY = "lay"
    """It isn't there and we never laid it."""
    UPDATE = "update"
    """It is as we laid it, and the lab has a newer one."""
    ADOPT = "adopt"
    """It is the lab's current one already."""
    LEAVE = "leave"
    """The trainee changed or removed it: theirs."""


@dataclass(frozen=True)
class Outcome:
    """What was done, in words for the log, and what went wrong."""

    done: list[str] = field(default_factory=list)
    problem: Problem | None = None

    @property
    def writable(self) -> bool:
        """Whether the workspace takes files at all."""
        return self.problem in {None, Problem.NO_CONTENT}


def plan(
    *, content: Mapping[str, str], laid: Mapping[str, str], present: Mapping[str, str]
) -> dict[str, Step]:
    """Decide for each file of `content`; all three map relative paths to digests."""
    steps = {}
    for path, wanted in content.items():
        found = present.get(path)
        if found is None:
            steps[path] = Step.LEAVE if path in laid else Step.LAY
        elif found == wanted:
            steps[path] = Step.ADOPT
        else:
            steps[path] = Step.UPDATE if laid.get(path) == found else Step.LEAVE
    return steps


def prepare(settings: SandboxSettings, now: datetime) -> Outcome:
    """Reset if asked for, lay what is missing; errors of the workspace become a Problem."""
    done: list[str] = []
    try:
        _prepare(settings, now, done)
        if not _has_room(settings.workspace):
            return Outcome(done, Problem.FULL)
    except OSError as error:
        done.append(f"the workspace could not be made ready: {error}")
        return Outcome(done, _problem(error))
    missing = settings.content is not None and not settings.content.is_dir()
    if missing:
        done.append(f"this image has no {settings.content}")
    return Outcome(done, Problem.NO_CONTENT if missing else None)


def _prepare(settings: SandboxSettings, now: datetime, done: list[str]) -> None:
    content = digests(settings.content) if settings.content else {}
    record = records.load(settings.state) or _unrecorded(settings, content)
    # Also shows at once whether anything can be written at all.
    records.save(settings.state, record)
    record = _reset(settings, record, content, now, done)
    if settings.content:
        record = _lay(settings, record, content, settings.content, done)
    if record.pending:
        record = record.with_reset_done(record.pending.value)
    records.save(settings.state, record)


def _unrecorded(settings: SandboxSettings, content: Mapping[str, str]) -> Record:
    """What to assume without a record: every file is the trainee's.

    So nothing is overwritten, and a reset that may have been done long ago is not done again.
    """
    begun = any((settings.workspace / path).exists() for path in content)
    return Record(resets=(settings.reset,) if settings.reset and begun else ())


def _reset(
    settings: SandboxSettings,
    record: Record,
    content: Mapping[str, str],
    now: datetime,
    done: list[str],
) -> Record:
    """Move the lab's files aside if a new reset asks for it, or one was under way."""
    pending = record.pending
    if pending is None:
        if not settings.reset or settings.reset in record.resets:
            return record
        pending = PendingReset(settings.reset, _unused_folder(settings.workspace, now))
        record = replace(record, pending=pending)
        records.save(settings.state, record)
    if not pending.moved:
        moved = _move_aside(settings.workspace, pending.folder, {*content, *record.laid})
        if moved:
            done.append(f"moved {moved} files to {pending.folder}")
        record = replace(record, laid={}, pending=replace(pending, moved=True))
        records.save(settings.state, record)
    return record


def _lay(
    settings: SandboxSettings,
    record: Record,
    content: Mapping[str, str],
    source: Path,
    done: list[str],
) -> Record:
    workspace = settings.workspace
    present = {path: digest(workspace / path) for path in content if _lies(workspace / path)}
    steps = plan(content=content, laid=record.laid, present=present)
    laid = dict(record.laid)
    for path, step in steps.items():
        if step in {Step.LAY, Step.UPDATE}:
            copy_atomically(source / path, workspace / path)
            done.append(f"{step.value} {path}")
        if step is not Step.LEAVE:
            laid[path] = content[path]
    return replace(record, laid=laid)


def _move_aside(workspace: Path, folder: str, paths: Iterable[str]) -> int:
    moved = 0
    for path in sorted(paths):
        source, target = workspace / path, workspace / folder / path
        if _lies(source):
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)
            moved += 1
    return moved


def _unused_folder(workspace: Path, now: datetime) -> str:
    base = f"before-reset-{now:%Y-%m-%d-%H%M%S}"
    taken = {path.name for path in workspace.glob(f"{base}*")}
    names = [base, *(f"{base}-{n}" for n in range(2, len(taken) + 2))]
    return next(name for name in names if name not in taken)


def _lies(path: Path) -> bool:
    """Whether anything is there; a broken link is something."""
    return path.is_symlink() or path.exists()


def _has_room(workspace: Path) -> bool:
    room = os.statvfs(workspace)
    return room.f_bavail * room.f_frsize >= ENOUGH_TO_WORK


def _problem(error: OSError) -> Problem:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Problem.FULL
    if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
        return Problem.READ_ONLY
    return Problem.OTHER


def first_notebook(settings: SandboxSettings) -> str | None:
    """The lab's notebook to open: in the wanted language, else English, else the first."""
    if settings.content is None or not settings.content.is_dir():
        return None
    names = sorted(path.name for path in settings.content.glob("*.ipynb"))
    wanted = re.split(r"[-_]", settings.language or "en")[0]
    for language in (wanted, "en"):
        for name in names:
            if name.endswith(f".{language}.ipynb"):
                return name
    return names[0] if names else None
