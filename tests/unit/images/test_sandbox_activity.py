"""What the operator is told of a sandbox."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from practicum_sandbox.accelerators import utilization
from practicum_sandbox.activity import Accelerator, Kernel, LoggedRun, Terminal, report
from practicum_sandbox.endpoint import Activity
from practicum_sandbox.heartbeats import lives, logged_runs

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def ago(**parts: float) -> datetime:
    return NOW - timedelta(**parts)


def ask(**parts):
    quiet = {"kernels": [], "terminals": [], "runs": [], "accelerators": None, "last_edit": None}
    return report(**{**quiet, **parts}, now=NOW)


def test_nothing_going_on():
    assert ask() == {
        "busy": False,
        "kernels": [],
        "terminals": 0,
        "last_activity": None,
        "accelerators": None,
        "runs": [],
    }


@pytest.mark.parametrize(
    ("parts", "busy"),
    [
        ({"kernels": [Kernel("k", "busy", ago(hours=3))]}, True),
        ({"kernels": [Kernel("k", "idle", NOW)]}, False),
        ({"kernels": [Kernel("k", "starting", None)]}, False),
        ({"kernels": [Kernel("a", "idle", None), Kernel("b", "busy", None)]}, True),
        ({"terminals": [Terminal(NOW)]}, False),
        ({"runs": [LoggedRun("r", ago(minutes=9))]}, True),
        ({"runs": [LoggedRun("r", ago(minutes=11))]}, False),
        ({"accelerators": [Accelerator(0, 99.0)]}, False),
    ],
)
def test_busy(parts, busy):
    assert ask(**parts)["busy"] is busy


def test_the_latest_moment_of_any_kind_counts():
    moments = {
        "kernels": [Kernel("k", "idle", ago(minutes=50))],
        "terminals": [Terminal(ago(minutes=40)), Terminal(None)],
        "runs": [LoggedRun("r", ago(minutes=30))],
        "last_edit": ago(minutes=20),
    }
    assert ask(**moments)["last_activity"] == "2026-11-24T09:10:00Z"
    del moments["last_edit"]
    assert ask(**moments)["last_activity"] == "2026-11-24T09:00:00Z"


def test_accelerators_and_runs_as_agreed():
    answer = ask(accelerators=[Accelerator(0, 3.0)], runs=[LoggedRun("r", ago(seconds=5))])
    assert answer["accelerators"] == [{"index": 0, "utilization_percent": 3.0}]
    assert answer["runs"] == [{"id": "r", "last_point": "2026-11-24T09:29:55Z"}]


def test_heartbeats_of_dead_processes_and_broken_files_do_not_count(tmp_path: Path):
    def beat(name: str, content: object) -> None:
        (tmp_path / f"{name}.json").write_text(json.dumps(content))

    beat("alive", {"id": "alive", "pid": 1, "time": NOW.timestamp()})
    beat("dead", {"id": "dead", "pid": 2, "time": NOW.timestamp()})
    beat("odd", {"id": "odd"})
    beat("list", [])
    beat("far", {"id": "far", "pid": 1, "time": 1e300})
    (tmp_path / "half.json").write_text("{")
    (tmp_path / ".new").write_text("{")
    assert logged_runs(tmp_path, alive=lambda pid: pid == 1) == [LoggedRun("alive", NOW)]
    assert logged_runs(tmp_path / "none") == []


def test_this_process_lives():
    assert lives(os.getpid())
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    assert not lives(child)


class FakeNvml(ModuleType):
    class NVMLError(Exception):
        pass

    def __init__(self, rates: list[float | None] | None) -> None:
        super().__init__("pynvml")
        self.rates = rates
        self.open = 0

    def nvmlInit(self) -> None:  # noqa: N802
        if self.rates is None:
            raise self.NVMLError
        self.open += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.rates or [])

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> SimpleNamespace:  # noqa: N802
        rate = (self.rates or [])[handle]
        if rate is None:
            raise self.NVMLError
        return SimpleNamespace(gpu=rate)


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        (None, None),
        ([], None),
        ([3, 90], [Accelerator(0, 3.0), Accelerator(1, 90.0)]),
        ([3, None], None),
    ],
)
def test_gpu_utilization(rates, expected):
    library = FakeNvml(rates)
    assert utilization(library) == expected
    assert library.open == 0


class Kernels:
    def __init__(self, **kernels: object) -> None:
        self.kernels = kernels

    def list_kernel_ids(self) -> list[str]:
        return list(self.kernels)

    def get_kernel(self, id_: str) -> object:
        return self.kernels[id_]


class Events:
    def add_listener(self, *, schema_id: str, listener) -> None:
        self.schema_id, self.listener = schema_id, listener


async def test_looking_is_no_activity_and_saving_is(tmp_path: Path):
    events = Events()
    server = SimpleNamespace(
        event_logger=events,
        kernel_manager=Kernels(k=SimpleNamespace(execution_state="busy", last_activity=None)),
        web_app=SimpleNamespace(settings={}),
    )
    activity = Activity(server, tmp_path, accelerators=lambda: None)
    activity.watch_edits()
    await events.listener(None, events.schema_id, {"action": "get", "path": "a"})
    sample = await activity.sample()
    assert sample["last_activity"] is None
    assert sample["kernels"] == [{"id": "k", "state": "busy", "last_activity": None}]
    await events.listener(None, events.schema_id, {"action": "save", "path": "a"})
    assert (await activity.sample())["last_activity"] is not None
