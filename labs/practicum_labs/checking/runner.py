"""Run checks in a process of their own and return what they found."""

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from practicum_labs.checking.capture import Candidate
from practicum_labs.schema import Step

PATIENCE: Final = 20
"""Wall seconds a CPU second may take on a busy machine."""
STARTUP: Final = 300
PRINTED: Final = 2000


@dataclass(frozen=True, slots=True)
class Result:
    """What a check found. ``failure`` is empty when the candidate passed."""

    step: str
    failure: str = ""
    generic: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    peak_mib: int = 0
    measures: dict[str, float] = field(default_factory=dict)
    printed: str = ""

    @property
    def passed(self) -> bool:
        """Whether the candidate passed."""
        return not self.failure


@dataclass(frozen=True, slots=True)
class Check:
    """A candidate for a step of a lab, on inputs made from ``seed``."""

    step: Step
    candidate: Candidate | Path
    seed: int = field(default_factory=lambda: secrets.randbelow(2**31))


def run_check(folder: Path, check: Check, *, data: Path, wall_seconds: float = 0) -> Result:
    """Run one check of the lab in ``folder``."""
    return run_checks(folder, [check], data=data, wall_seconds=wall_seconds)[0]


def run_checks(
    folder: Path, checks: Sequence[Check], *, data: Path, wall_seconds: float = 0
) -> list[Result]:
    """Run checks of the lab in ``folder`` one after another; no candidate sees another.

    They share one process that imports what they need, and each is a child of it. After
    ``wall_seconds`` the rest is given up; 0 allows for a busy machine.
    """
    request = {
        "folder": str(folder),
        "data": str(data),
        "checks": [_item(check) for check in checks],
    }
    usual = STARTUP + PATIENCE * sum(check.step.cpu_seconds for check in checks)
    patience = wall_seconds or usual
    answers, printed, status = _converse(json.dumps(request), patience)
    results = [
        _result(check.step, json.loads(line), printed)
        for check, line in zip(checks, answers, strict=False)
    ]
    for check in checks[len(results) :]:
        if status is None:
            lost = _ended(check.step, "stuck", printed, seconds=patience)
        else:
            lost = _ended(check.step, "crashed", printed, status=status, detail=printed[-400:])
        results.append(lost)
    return results


def _item(check: Check) -> dict[str, Any]:
    path, code = "", Candidate("", "")
    if isinstance(check.candidate, Path):
        path = str(check.candidate.resolve())
    else:
        code = check.candidate
    return {
        "step": check.step.name,
        "cpu_seconds": check.step.cpu_seconds,
        "memory_mib": check.step.memory_mib,
        "seed": check.seed,
        "artefact": path,
        "source": code.source,
        "name": code.name,
    }


def _result(step: Step, item: dict[str, Any], printed: str) -> Result:
    status = item.get("status")
    if status is None:
        return Result(step.name, printed=printed, **item)
    if status == -signal.SIGXCPU:
        return _ended(step, "endless", printed, seconds=step.cpu_seconds)
    if status == -signal.SIGKILL:
        return _ended(step, "killed", printed)
    return _ended(step, "crashed", printed, status=status, detail=printed[-400:])


def _ended(step: Step, failure: str, printed: str, **facts: Any) -> Result:
    return Result(step.name, failure, generic=True, facts=facts, printed=printed)


def _converse(request: str, patience: float) -> tuple[list[str], str, int | None]:
    """Return the worker's answers, what was printed, and its status; None when it was stuck."""
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as printed,
        tempfile.TemporaryFile("w+", encoding="utf-8") as answer,
    ):
        process = subprocess.Popen(  # noqa: S603 (our own interpreter)
            [sys.executable, "-m", "practicum_labs.checking.worker", str(answer.fileno())],
            stdin=subprocess.PIPE,
            stdout=printed,
            stderr=subprocess.STDOUT,
            pass_fds=(answer.fileno(),),
            start_new_session=True,
            text=True,
            env=_environment(),
        )
        status: int | None = None
        try:
            process.communicate(request, timeout=patience)
            status = process.returncode
        except subprocess.TimeoutExpired:
            pass
        finally:
            _end(process)
        printed.seek(0)
        answer.seek(0)
        whole = [line for line in answer if line.endswith("\n")]
        return whole, printed.read()[-PRINTED:], status


def _end(process: subprocess.Popen[str]) -> None:
    """End the check's whole session, also what it left behind."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _environment() -> dict[str, str]:
    """Return the environment of a check: ours without the sandbox's token."""
    kept = {name: value for name, value in os.environ.items() if "TOKEN" not in name}
    root = str(Path(__file__).parents[2])
    paths = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    threads = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
    return {**kept, **threads, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
