"""Track training runs as with wandb: ``init``, ``log``, ``finish``.

```python
with track.init(lab="lora", name="rank 8", config={"rank": 8}) as run:
    for step, loss in enumerate(train()):
        run.log({"loss": loss}, step=step)
```

Points go to a file in the workspace first and from there to the portal, in the background.
"""

import atexit
import os
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from practicum_labs.messages import say, spoken
from practicum_labs.settings import LabSettings
from practicum_labs.track.courier import Courier
from practicum_labs.track.delivery import Delivery, State, deliver
from practicum_labs.track.environment import environment
from practicum_labs.track.heartbeat import Heartbeat
from practicum_labs.track.portal import HttpPortal, Portal
from practicum_labs.track.progress import Progress, line_here
from practicum_labs.track.record import Record, undelivered
from practicum_labs.track.run import Run
from practicum_labs.track.values import plain

__all__ = ["Run", "finish", "init", "log", "sync"]

EXIT: Final = 5.0
NAME_LENGTH: Final = 100


@dataclass(slots=True)
class _Process:
    """What one process tracks. A forked child starts with an empty one."""

    pid: int
    forked: bool = False
    run: Run | None = None
    couriers: dict[str, Courier] | None = None
    last_error: BaseException | None = None
    told: set[Path] = field(default_factory=set)
    """Where runs stay for want of a portal, as was said already."""

    def stop(self, seconds: float) -> None:
        """Give the couriers ``seconds`` in all to deliver what is finished, and end them."""
        deadline = time.monotonic() + seconds
        for courier in (self.couriers or {}).values():
            courier.stop(max(deadline - time.monotonic(), 0.0))


_process = _Process(pid=0)


def init(
    project: str | None = None,
    *,
    lab: str | None = None,
    name: str | None = None,
    config: Mapping[str, Any] | None = None,
    seed: int | None = None,
    data: Mapping[str, str] | None = None,
    settings: LabSettings | None = None,
) -> Run:
    """Begin a run and make it the one that ``log`` means.

    A run that is still open is finished first. ``data`` maps names of data sets to sha256;
    those loaded through ``practicum_labs.data`` are recorded anyway.
    """
    settings = settings or LabSettings()
    process = _this_process()
    _close_open_run()
    lab = lab or project or settings.lab or "sandbox"
    config = dict(plain(config or {}))
    seed = seed if seed is not None else _seed(config)
    began = datetime.now(UTC)
    name = (name or f"{lab} {began:%H:%M:%S}")[:NAME_LENGTH]
    create = {
        "name": name,
        "lab": lab,
        "config": config,
        "environment": environment(settings, seed=seed, data={**_loaded_data(), **(data or {})}),
        "started_at": began.isoformat(timespec="milliseconds"),
    }
    runs = settings.state / "runs"
    record = Record.start(runs, uuid.uuid4().hex, create)
    courier = _courier(settings)
    language = settings.language or spoken()
    if courier is not None:
        courier.add(record)
        _resend(runs, courier)
    elif runs not in process.told:
        process.told.add(runs)
        key = "local_no_token" if settings.api_url else "local"
        print(say(f"track.{key}", language, folder=runs))
    heartbeat = Heartbeat(settings.heartbeats, record.run_id)
    heartbeat.beat(time.time())
    progress = Progress(name, line_here(), language)
    process.run = Run(record, progress, heartbeat, courier, language=language)
    process.last_error = _last_error()
    return process.run


def log(values: Mapping[str, Any], step: int | None = None) -> None:
    """Log to the run that ``init`` began last; raise RuntimeError when there is none."""
    run = _this_process().run
    if run is None:
        if _process.forked:
            return  # a data loader's worker: its parent logs
        raise RuntimeError("call track.init(...) before track.log(...)")
    run.log(values, step)


def finish(summary: Mapping[str, Any] | None = None) -> None:
    """Finish the run that ``init`` began last, if it is open."""
    process = _this_process()
    if process.run is not None:
        process.run.finish(summary)


def sync(settings: LabSettings | None = None, portal: Portal | None = None) -> dict[str, Delivery]:
    """Send what earlier processes left behind, now; return how each run went."""
    settings = settings or LabSettings()
    if portal is None:
        portal = HttpPortal(settings.api_url, settings.api_token.get_secret_value())
    results: dict[str, Delivery] = {}
    couriers = (_this_process().couriers or {}).values()
    for folder in undelivered(settings.state / "runs"):
        if any(courier.carries(folder.name) for courier in couriers):
            continue
        record = _adopt(folder)
        if record is None:
            continue
        results[record.run_id] = delivery = deliver(record, portal)
        record.release()
        if delivery.state is State.AWAY:
            break
    return results


def _adopt(folder: Path) -> Record | None:
    """Take over a run whose process is gone; None when it is not, or the folder is no run."""
    run = _this_process().run
    if run is not None and run.state == "running" and run.id == folder.name:
        return None  # a process's own lock does not keep it out
    try:
        record = Record.load(folder)
    except (OSError, ValueError, KeyError):
        return None
    if not record.claim():
        return None
    if record.finish is None and record.exclusive:
        record.close("failed", {"error": "the process ended before the run did"})
    return record


def _resend(runs: Path, courier: Courier) -> None:
    for folder in undelivered(runs):
        if not courier.carries(folder.name) and (record := _adopt(folder)):
            courier.add(record)


def _courier(settings: LabSettings) -> Courier | None:
    """Return this process's courier to the portal; None when there is no portal to go to."""
    token = settings.api_token.get_secret_value()
    if not settings.api_url or not token:
        return None
    process = _this_process()
    if process.couriers is None:
        process.couriers = {}
    if settings.api_url not in process.couriers:
        process.couriers[settings.api_url] = Courier(HttpPortal(settings.api_url, token))
    return process.couriers[settings.api_url]


def _this_process() -> _Process:
    global _process  # noqa: PLW0603 (one per process, as the interpreter's own state is)
    if _process.pid != os.getpid():
        forked = bool(_process.pid)
        if not forked:
            atexit.register(_at_exit)
        _process = _Process(pid=os.getpid(), forked=forked)
    return _process


def _close_open_run() -> None:
    run = _process.run
    if run is not None:
        run.finish(state="failed" if _last_error() is not _process.last_error else "finished")


def _at_exit() -> None:
    """Close what is open and give the portal a last chance, within a deadline."""
    if _process.pid != os.getpid():
        return
    began = time.monotonic()
    if _process.run is not None and _process.run.state == "running":
        failed = _last_error() is not _process.last_error
        _process.run.finish(state="failed" if failed else "finished", seconds=EXIT)
    _process.stop(EXIT - (time.monotonic() - began))


def _last_error() -> BaseException | None:
    """Return the last exception that nobody caught: at exit, what ended the script."""
    error: BaseException | None = getattr(sys, "last_value", None)
    return error


def _seed(config: Mapping[str, Any]) -> int | None:
    seed = config.get("seed")
    return seed if isinstance(seed, int) else None


def _loaded_data() -> dict[str, str]:
    from practicum_labs import data

    return data.loaded()
