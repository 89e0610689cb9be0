"""The process that runs checks: the lab's own check, the candidate, its limits.

    worker FOLDER DATA FD

Each line of standard input is a check, as JSON; its result goes as a line to the file
descriptor. What checks need is imported once; each candidate runs in a fork, in a session of
its own that ends with it, so that none sees what another left behind.
"""

import ctypes
import importlib
import importlib.util
import json
import linecache
import os
import resource
import select
import signal
import sys
import time
import traceback
import types
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from practicum_labs.checking.probe import FILE, LONGEST_MESSAGE, OutOfTime, Probe, Wrong

GRACE: Final = 5
CHUNK: Final = 1 << 16
PR_SET_PDEATHSIG: Final = 1
MIB: Final = 1024 * 1024
Json = dict[str, Any]


def main() -> None:
    """Answer checks until standard input ends."""
    folder, data, out = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    checks = _checks(folder)
    needs = getattr(checks, "NEEDS", {})
    with os.fdopen(out, "w", encoding="utf-8") as answers:
        for line in sys.stdin:
            item = json.loads(line)
            for name in needs.get(item["step"], ()):
                importlib.import_module(name)
            result = _in_child(Probe(item["seed"], folder, data), checks, item, out)
            print(json.dumps(result, ensure_ascii=False, default=str), file=answers, flush=True)


def _in_child(probe: Probe, checks: types.ModuleType, item: Json, out: int) -> Json:
    """Return the result of one check, or the signal that ended it and after how long."""
    read, write = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        os.close(out)
        _stand_alone()
        found = json.dumps(_run(probe, checks, item), ensure_ascii=False, default=str)
        sys.stdout.flush()
        os.write(write, f"{found}\n".encode())
        os._exit(0)
    os.close(write)
    try:
        answer = _read(read, time.monotonic() + item["wall_seconds"])
        if not (answer or "").endswith("\n"):
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    finally:
        _end_session(pid)
    with suppress(ValueError):
        result: Json = json.loads(answer or "")
        return result
    seconds = item["wall_seconds"] if answer is None else None
    return {"status": os.waitstatus_to_exitcode(status), "seconds": seconds}


def _read(pipe: int, deadline: float) -> str | None:
    """Return the line that comes, or what came before the end; None when it takes too long.

    Helpers that the candidate leaves behind may hold the pipe: they are not waited for.
    Raises SystemExit when nobody waits for the answer any more.
    """
    content = b""
    with os.fdopen(pipe, "rb", buffering=0) as file:
        while not content.endswith(b"\n"):
            left = max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select([file, sys.stdin], [], [], left)
            if sys.stdin in ready:
                raise SystemExit
            if not ready:
                return None
            chunk = file.read(CHUNK)
            if not chunk:
                break
            content += chunk
    return content.decode()


def _end_session(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _stand_alone() -> None:
    """Leave the worker's session and its input, and end when it ends."""
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _run(probe: Probe, checks: types.ModuleType, item: Json) -> Json:
    """Return what the check found; never raises for what the candidate does."""
    _be_the_first_to_die()
    began = time.process_time()
    failure: str
    generic, facts = False, {}
    try:
        _limit(item["cpu_seconds"], item["memory_mib"])
        getattr(checks, item["step"])(probe, _subject(item))
        failure = ""
    except Wrong as wrong:
        failure, generic, facts = wrong.failure, wrong.generic, wrong.facts
    except OutOfTime:
        failure, generic, facts = "endless", True, {"seconds": item["cpu_seconds"]}
    except MemoryError:
        failure, generic = "memory", True
    except Exception as error:  # noqa: BLE001 (whatever it is, it is told)
        # The check met an answer that its author did not think of.
        failure, generic = "unexpected", True
        facts = {"error": f"{type(error).__name__}: {error}"[:LONGEST_MESSAGE]}
        traceback.print_exc()
    signal.setitimer(signal.ITIMER_PROF, 0)
    return {
        "failure": failure,
        "generic": generic,
        "facts": facts,
        "measures": probe.measures,
        "cpu_seconds": time.process_time() - began,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _subject(item: Json) -> Any:
    """Return what is checked: the path of an artefact, or the function in the source."""
    if item["artefact"]:
        return Path(item["artefact"])
    return _load(item["source"], item["name"])


def _load(source: str, name: str) -> Any:
    module = types.ModuleType("submission")
    sys.modules["submission"] = module
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    try:
        code = compile(source, FILE, "exec")
        exec(code, module.__dict__)  # noqa: S102 (running the trainee's code is the purpose)
    except SyntaxError as error:
        raise Wrong("syntax", generic=True, line=error.lineno, detail=error.msg) from error
    except Exception as error:
        text = f"{type(error).__name__}: {error}"[:LONGEST_MESSAGE]
        raise Wrong("raised", generic=True, error=text, where="") from error
    try:
        return module.__dict__[name]
    except KeyError as error:
        raise Wrong("missing", generic=True, name=name) from error


def _checks(folder: Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("checks", folder / "checks.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(folder / "checks.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["checks"] = module
    spec.loader.exec_module(module)
    return module


def _limit(cpu_seconds: int, memory_mib: int) -> None:
    """Bound what comes now; the imports that came before are not the candidate's fault."""

    def out_of_time(*_: Any) -> None:
        raise OutOfTime

    signal.signal(signal.SIGPROF, out_of_time)
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds, 1.0)
    hard = int(time.process_time()) + cpu_seconds + GRACE
    resource.setrlimit(resource.RLIMIT_CPU, (hard, hard + GRACE))
    data = _data_bytes() + memory_mib * MIB
    resource.setrlimit(resource.RLIMIT_DATA, (data, data))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _data_bytes() -> int:
    """Return the memory the process holds already, as RLIMIT_DATA counts it."""
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0


def _be_the_first_to_die() -> None:
    """Have the kernel kill this process, not the notebook's, when memory runs out."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", "utf-8")


if __name__ == "__main__":
    main()
