"""Run checks in a process of their own and return what they found."""

import json
import os
import secrets
import selectors
import signal
import subprocess
import sys
import time
import weakref
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from practicum_labs.checking.capture import Candidate
from practicum_labs.schema import Step

PATIENCE: Final = 20
"""Wall seconds a CPU second may take on a busy machine."""
STARTUP: Final = 300
"""Seconds in which the process must have imported what a check needs."""
PRINTED: Final = 2000
CHUNK: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Check:
    """A candidate for a step of a lab, on inputs made from ``seed``."""

    step: Step
    candidate: Candidate | Path
    seed: int = field(default_factory=lambda: secrets.randbelow(2**31))


@dataclass(frozen=True, slots=True)
class Result:
    """What a check found. ``failure`` is empty when the candidate passed."""

    step: str
    failure: str = ""
    generic: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    """What the inputs were made from."""
    cpu_seconds: float = 0.0
    peak_mib: int = 0
    measures: dict[str, float] = field(default_factory=dict)
    printed: str = ""

    @property
    def passed(self) -> bool:
        """Whether the candidate passed."""
        return not self.failure


class Checker:
    """Runs the checks of the lab in ``folder``, each in a process that ends with it.

    Those are children of one that has imported what checks need: it starts with the first
    check, is kept for the next, and ends with this object or this process. ``wall_seconds``
    bounds each check; 0 allows for a busy machine.
    """

    def __init__(self, folder: Path, data: Path, *, wall_seconds: float = 0) -> None:
        """Start nothing yet."""
        self._folder, self._data, self._wall_seconds = folder, data, wall_seconds
        self._worker: _Worker | None = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self.close()

    def close(self) -> None:
        """End the process; the next check starts another."""
        if self._worker:
            self._worker.end()
        self._worker = None

    def run(self, check: Check) -> Result:
        """Run one check; whatever the candidate does has a name in the result."""
        if self._worker and self._worker.status is not None:
            self.close()  # it ended while nothing was asked of it
        self._worker = worker = self._worker or _Worker(self._folder, self._data)
        wall_seconds = self._wall_seconds or PATIENCE * check.step.cpu_seconds
        try:
            answer, printed = worker.ask(_request(check, wall_seconds), STARTUP + wall_seconds)
            if answer is not None:
                return _result(check, json.loads(answer), printed)
        except BaseException:
            self.close()  # an answer that nobody waits for must not be the next one's
            raise
        self.close()
        detail = {"status": worker.status, "detail": printed[-400:]}
        return Result(check.step.name, "crashed", True, detail, seed=check.seed, printed=printed)


def _request(check: Check, wall_seconds: float) -> str:
    path, code = "", Candidate("", "")
    if isinstance(check.candidate, Path):
        path = str(check.candidate.resolve())
    else:
        code = check.candidate
    content = {
        "step": check.step.name,
        "cpu_seconds": check.step.cpu_seconds,
        "wall_seconds": wall_seconds,
        "memory_mib": check.step.memory_mib,
        "seed": check.seed,
        "artefact": path,
        "source": code.source,
        "name": code.name,
    }
    return json.dumps(content) + "\n"


def _result(check: Check, answer: dict[str, Any], printed: str) -> Result:
    step = check.step
    status = answer.get("status")
    if status is None:
        return Result(step.name, seed=check.seed, printed=printed, **answer)
    facts: dict[str, Any] = {}
    failure = "crashed"
    if answer["seconds"]:
        failure, facts = "stuck", {"seconds": answer["seconds"]}
    elif status == -signal.SIGXCPU:
        failure, facts = "endless", {"seconds": step.cpu_seconds}
    elif status == -signal.SIGKILL:
        failure = "killed"
    else:
        facts = {"status": status, "detail": printed[-400:]}
    return Result(step.name, failure, True, facts, seed=check.seed, printed=printed)


class _Worker:
    """The process: requests go in as lines, answers come out as lines, prints are kept apart."""

    def __init__(self, folder: Path, data: Path) -> None:
        self._answers, theirs = os.pipe()
        command = [sys.executable, "-m", "practicum_labs.checking.worker"]
        try:
            self._process = subprocess.Popen(  # noqa: S603 (our own interpreter)
                [*command, str(folder), str(data), str(theirs)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs,),
                start_new_session=True,
                bufsize=0,
                env=_environment(),
            )
        finally:
            os.close(theirs)
        self._finalizer = weakref.finalize(self, _end, self._process, self._answers)

    @property
    def status(self) -> int | None:
        """How the process ended; None while it runs."""
        return self._process.poll()

    def end(self) -> None:
        """End the process, and the check it is at."""
        self._finalizer()

    def ask(self, request: str, patience: float) -> tuple[str | None, str]:
        """Return the answer and what was printed; no answer when it ended, or took too long."""
        assert self._process.stdin
        try:
            self._process.stdin.write(request.encode())
        except BrokenPipeError:
            return None, ""
        answer, printed = self._listen(time.monotonic() + patience)
        return answer, printed.decode("utf-8", errors="replace")

    def _listen(self, deadline: float) -> tuple[str | None, bytes]:
        """Read the answer's line, and the end of what is printed meanwhile."""
        assert self._process.stdout
        prints = self._process.stdout.fileno()
        line, printed, ended = b"", b"", False
        with selectors.DefaultSelector() as selector:
            for pipe in (self._answers, prints):
                selector.register(pipe, selectors.EVENT_READ)
            while True:
                done = ended or line.endswith(b"\n")
                ready = selector.select(0 if done else max(0.0, deadline - time.monotonic()))
                for key, _ in ready:
                    chunk = os.read(key.fd, CHUNK)
                    if not chunk:
                        selector.unregister(key.fileobj)
                        ended = True
                    elif key.fd == prints:
                        printed = (printed + chunk)[-PRINTED:]
                    else:
                        line += chunk
                if not ready:
                    return (line.decode() if line.endswith(b"\n") else None), printed


def _end(process: subprocess.Popen[bytes], answers: int) -> None:
    assert process.stdin
    assert process.stdout
    process.stdin.close()  # it ends the check it is at, with what that has started, and itself
    try:
        process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    process.stdout.close()
    os.close(answers)


def _environment() -> dict[str, str]:
    """Return the environment of a check: ours without the sandbox's token."""
    kept = {name: value for name, value in os.environ.items() if "TOKEN" not in name}
    root = str(Path(__file__).parents[2])
    paths = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    threads = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
    return {**kept, **threads, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
