"""Runs reach the portal whole, whatever the portal, the disk and the process do."""

import json
import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from practicum_labs import track
from practicum_labs.settings import LabSettings
from practicum_labs.track.delivery import State
from practicum_labs.track.record import Record, undelivered


def _until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)


def _fails(times: int, reply: tuple[int, dict[str, str], bytes], only: str = "") -> Any:
    left = [times]

    def scene(_method: str, path: str, _body: dict[str, Any]) -> Any:
        if left[0] and path.endswith(only):
            left[0] -= 1
            return reply
        return None

    return scene


def test_a_run_reaches_the_portal_with_all_it_needs_to_be_repeated(portal, settings):
    with track.init(
        lab="lora", name="rank 8", config={"rank": 8, "seed": 3}, settings=settings
    ) as run:
        for step in range(5):
            run.log({"loss": 1.0 / (step + 1)}, step=step * 10)
    kept = portal.runs[run.id]
    assert portal.values(run.id, "loss") == pytest.approx([1.0, 1 / 2, 1 / 3, 1 / 4, 1 / 5])
    assert [kept["points"][seq]["step"] for seq in (1, 2, 5)] == [0, 10, 40]
    assert kept["finish"] == {"state": "finished", "summary": {"loss": pytest.approx(0.2)}}
    assert (kept["lab"], kept["name"], kept["config"]) == ("lora", "rank 8", {"rank": 8, "seed": 3})
    assert kept["environment"]["seed"] == 3
    assert kept["environment"]["lock"].startswith("sha256:")
    assert portal.tokens == {"Bearer secret-token"}
    assert undelivered(settings.state / "runs") == []


def test_an_exception_finishes_the_run_as_failed(portal, settings):
    run = track.init(settings=settings)
    with pytest.raises(ZeroDivisionError), run:
        run.log({"loss": 2.0 / 0})
    finish = portal.runs[run.id]["finish"]
    assert finish["state"] == "failed"
    assert finish["summary"]["error"] == "ZeroDivisionError: float division by zero"


@pytest.mark.parametrize("status", [503, 429])
def test_what_passes_is_sent_again(portal, settings, status):
    portal.scene = _fails(2, (status, {"Retry-After": "0"}, b"<html>"))
    with track.init(settings=settings) as run:
        run.log({"loss": 1.0})
    assert portal.values(run.id, "loss") == [1.0]
    assert portal.runs[run.id]["finish"]["state"] == "finished"
    assert [answer for *_, answer in portal.requests][:3] == [status, status, 201]


def test_the_wait_the_portal_asks_for_is_kept(portal, settings):
    portal.scene = _fails(1, (429, {"Retry-After": "3600"}, b"{}"), "/points")
    run = track.init(settings=settings)
    run.log({"loss": 1.0})
    _until(lambda: any(status == 429 for *_, status in portal.requests))
    run.finish(seconds=0.0)
    assert portal.runs[run.id]["points"] == {}
    assert track.sync(settings) == {}, "the courier of this process still carries it"


def test_an_answer_that_was_lost_does_not_double_points(portal, settings):
    lost = [True]

    def scene(method: str, path: str, body: dict[str, Any]) -> Any:
        if path.endswith("/points") and lost[0]:
            lost[0] = False
            portal.answer(method, path, body)
            return 504, {"Retry-After": "0"}, b""
        return None

    portal.scene = scene
    with track.init(settings=settings) as run:
        run.log({"loss": 1.0})
        run.log({"loss": 2.0})
    assert portal.values(run.id, "loss") == [1.0, 2.0]


@pytest.mark.parametrize("status", [401, 403, 302])
def test_a_token_that_is_no_good_is_said_once_and_nothing_is_lost(portal, settings, capsys, status):
    portal.scene = _fails(10**6, (status, {"Location": "/login"}, b'{"detail":"not you"}'))
    run = track.init(settings=settings)
    for _ in range(3):
        run.log({"loss": 1.0})
    _until(lambda: bool(portal.requests))
    run.finish(seconds=0.5)
    out = capsys.readouterr().out
    assert out.count("does not accept this sandbox's token") == 1
    assert "secret-token" not in out
    assert {path for _, path, _ in portal.requests} == {f"/api/v1/runs/{run.id}"}
    portal.scene = None
    track._process.stop(0.0)
    track._process.couriers = None
    os.close(run.record._owner)  # what the end of the process does
    assert [delivery.state for delivery in track.sync(settings).values()] == [State.SENT]
    assert portal.values(run.id, "loss") == [1.0, 1.0, 1.0]


def test_a_refused_run_is_said_once_and_not_tried_again(portal, settings, capsys):
    portal.scene = _fails(10**6, (422, {}, b'{"detail":"lab: unknown"}'))
    run = track.init(settings=settings)
    _until(lambda: run.record.sent.refused != "")
    run.log({"loss": 1.0})
    run.log({"loss": 1.0})
    run.finish()
    assert len(portal.requests) == 1
    assert capsys.readouterr().out.count("refuses this run (422 lab: unknown)") == 1


def test_one_point_the_portal_never_takes_does_not_hold_up_the_others(portal, settings):
    def scene(_method: str, path: str, body: dict[str, Any]) -> Any:
        if path.endswith("/points") and any("bad" in p["values"] for p in body["points"]):
            return 422, {}, b"{}"
        return None

    portal.scene = scene
    with track.init(settings=settings) as run:
        for step in range(20):
            run.log({"bad" if step == 13 else "loss": float(step)})
    assert portal.values(run.id, "loss") == [float(s) for s in range(20) if s != 13]
    assert run.record.sent.skipped == 1


def test_a_batch_that_is_too_large_is_halved(portal, settings):
    def scene(_method: str, path: str, body: dict[str, Any]) -> Any:
        return (413, {}, b"") if len(body.get("points", ())) > 40 else None

    portal.scene = scene
    with track.init(settings=settings) as run:
        for step in range(300):
            run.log({"loss": float(step)})
    assert portal.values(run.id, "loss") == [float(step) for step in range(300)]


def test_a_run_the_portal_lost_is_made_again_whole(portal, settings):
    run = track.init(settings=settings)
    run.log({"loss": 1.0})
    _until(lambda: run.record.sent.seq == 1)
    portal.runs.clear()
    run.log({"loss": 2.0})
    run.finish()
    assert portal.values(run.id, "loss") == [1.0, 2.0]
    assert portal.runs[run.id]["finish"]["state"] == "finished"


def test_a_run_that_is_full_is_said_once_and_still_ends(portal, settings, capsys):
    portal.scene = _fails(10**6, (409, {}, b'{"detail":"at most 2 points"}'), "/points")
    run = track.init(settings=settings)
    run.log({"loss": 1.0})
    _until(lambda: run.record.sent.full != "")
    for _ in range(5):
        run.log({"loss": 1.0})
    run.finish()
    assert portal.runs[run.id]["finish"]["state"] == "finished"
    assert sum(path.endswith("/points") for _, path, _ in portal.requests) == 1
    assert capsys.readouterr().out.count("at most 2 points") == 1


def test_a_run_that_was_closed_elsewhere_ends_quietly(portal, settings):
    portal.scene = _fails(10**6, (409, {}, b"{}"), "/finish")
    run = track.init(settings=settings)
    run.log({"loss": 1.0})
    run.finish()
    assert run.record.sent.finished


def test_without_a_portal_nothing_is_sent_and_it_says_so(tmp_path, capsys):
    settings = LabSettings(workspace=tmp_path, heartbeats=tmp_path / "beats")
    with track.init(name="alone", settings=settings) as run:
        run.log({"loss": 1.0})
    assert "No portal here" in capsys.readouterr().out
    assert run.history("loss") == [(0, 1.0)]
    track.init(name="another", settings=settings).finish()
    assert "No portal here" not in capsys.readouterr().out


def test_a_portal_that_is_away_gets_everything_later(portal, settings, capsys, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        away = settings.model_copy(
            update={"api_url": f"http://127.0.0.1:{closed.getsockname()[1]}/api/v1"}
        )
    run = track.init(name="first", settings=away)
    for step in range(10):
        run.log({"loss": float(step)})
    _until(lambda: run._delivery().state is State.AWAY)
    run.finish(seconds=0.0)
    said = capsys.readouterr().out
    assert said.count("can't be reached") == 1
    assert "10 points are not in the portal yet" in said
    track._process.stop(0.0)
    run.record.release()
    second = track.init(name="second", settings=settings)
    second.finish()
    _until(lambda: (portal.runs.get(run.id) or {}).get("finish") is not None)
    assert portal.values(run.id, "loss") == [float(step) for step in range(10)]


def test_nan_infinity_tensors_and_text(portal, settings, capsys):
    class Tensor:
        def __float__(self) -> float:
            return 0.5

    with track.init(settings=settings) as run:
        run.log({"a": math.nan, "b": math.inf, "c": -math.inf, "d": Tensor(), "e": {"f": True}})
        run.log({"a": "high", "b": 1})
        run.log({"a": None})
    values = portal.runs[run.id]["points"][1]["values"]
    assert values == {"a": "NaN", "b": "Infinity", "c": "-Infinity", "d": 0.5, "e/f": 1.0}
    assert portal.values(run.id, "b") == ["Infinity", 1.0]
    assert capsys.readouterr().out.count("Only numbers") == 1
    assert math.isnan(run.history("a")[0][1])


def test_a_full_disk_is_said_once_and_the_run_goes_on(portal, settings, capsys, monkeypatch):
    run = track.init(settings=settings)
    run.log({"loss": 0.0})

    def full(_self: Record, _line: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Record, "_append", full)
    for step in range(1, 50):
        run.log({"loss": float(step)})
    run.finish()
    assert portal.values(run.id, "loss") == [float(step) for step in range(50)]
    assert capsys.readouterr().out.count("No space left on device") == 1


def test_a_workspace_that_cannot_be_written_at_all(portal, settings, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    settings = settings.model_copy(update={"workspace": tmp_path / "file"})
    with track.init(settings=settings) as run:
        run.log({"loss": 1.0})
    assert portal.values(run.id, "loss") == [1.0]


def test_half_a_line_left_by_a_power_cut_is_skipped(settings):
    record = Record.start(settings.state / "runs", "r1", {"name": "x"})
    record.append(track.record.Point(1, 0, 0.0, {"loss": 1.0}))
    with (record.folder / "points.jsonl").open("a") as file:
        file.write('{"seq": 2, "st')
    record.release()
    assert [point.seq for point in Record.load(record.folder).points()] == [1]


def test_a_killed_process_is_finished_as_failed_by_the_next(portal, settings):
    code = (
        "import os, sys; from practicum_labs import track\n"
        "run = track.init(name='doomed')\n"
        "[run.log({'loss': float(i)}) for i in range(7)]\n"
        "print(run.id, flush=True); os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=_environment(settings, url="http://127.0.0.1:9/api/v1"),
        capture_output=True,
        text=True,
        check=False,
    )
    run_id = ended.stdout.split()[-1]
    assert ended.returncode == -9
    assert [d.state for d in track.sync(settings).values()] == [State.SENT]
    assert portal.values(run_id, "loss") == [float(i) for i in range(7)]
    assert portal.runs[run_id]["finish"]["state"] == "failed"


def test_a_run_that_goes_on_here_is_not_closed_by_a_sync(portal, settings):
    offline = settings.model_copy(update={"api_url": ""})
    with track.init(name="long", settings=offline) as run:
        run.log({"loss": 1.0})
        assert track.sync(settings) == {}
        run.log({"loss": 0.5})
    assert [d.state for d in track.sync(settings).values()] == [State.SENT]
    assert portal.values(run.id, "loss") == [1.0, 0.5]
    assert portal.runs[run.id]["finish"]["state"] == "finished"


def test_long_names_stay_apart(portal, settings):
    names = [f"grad/base_model.encoder.layer.0.attention.self.query.lora_{x}.weight" for x in "AB"]
    with track.init(name="grads", settings=settings) as run:
        run.log(dict(zip(names, (1.0, 2.0), strict=True)))
    [point] = portal.runs[run.id]["points"].values()
    assert sorted(point["values"].values()) == [1.0, 2.0]
    assert all(len(name) == 64 for name in point["values"])


@pytest.mark.parametrize(("end", "state"), [("", "finished"), ("raise SystemError('x')", "failed")])
def test_the_end_of_a_script_finishes_its_run(portal, settings, end, state):
    code = (
        f"from practicum_labs import track\ntrack.init(name='s')\ntrack.log({{'loss': 1.5}})\n{end}"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        env=_environment(settings, url=settings.api_url),
        capture_output=True,
        check=False,
    )
    (run,) = portal.runs.values()
    assert run["finish"]["state"] == state
    assert run["points"][1]["values"] == {"loss": 1.5}


def test_a_forked_worker_neither_logs_nor_finishes(portal, settings):
    code = (
        "import os, sys; from practicum_labs import track\n"
        "run = track.init(name='parent')\n"
        "track.log({'loss': 1.0})\n"
        "pid = os.fork()\n"
        "track.log({'loss': 2.0})\n"
        "run.log({'loss': 3.0})\n"
        "if pid == 0: sys.exit(0)\n"
        "assert os.waitpid(pid, 0)[1] == 0\n"
    )
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=_environment(settings, url=settings.api_url),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stderr == ""
    (run,) = portal.runs.values()
    assert [run["points"][seq]["values"]["loss"] for seq in sorted(run["points"])] == [
        1.0,
        2.0,
        3.0,
    ]


def test_a_portal_that_never_answers_does_not_hold_up_training(settings):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/api/v1"
        run = track.init(settings=settings.model_copy(update={"api_url": url}))
        for step in range(2000):
            run.log({"loss": float(step)})
        run.finish(seconds=0.0)
        assert run.record.last_seq == 2000
        assert len(run.history("loss")) == 2000


def test_a_second_init_finishes_the_first(portal, settings):
    first = track.init(name="first", settings=settings)
    second = track.init(name="second", settings=settings)
    assert (first.state, second.state) == ("finished", "running")
    first.log({"loss": 1.0})
    assert portal.runs[first.id]["points"] == {}


def test_the_heartbeat_follows_the_log_and_ends_with_the_run(settings):
    run = track.init(settings=settings)
    beat = settings.heartbeats / f"{run.id}.json"
    content = json.loads(beat.read_text())
    assert (content["id"], content["pid"]) == (run.id, os.getpid())
    run.finish()
    assert not beat.exists()


def test_module_level_log_needs_a_run():
    with pytest.raises(RuntimeError, match=r"track\.init"):
        track.log({"loss": 1.0})


def test_two_processes_do_not_send_the_same_run(settings):
    record = Record.start(settings.state / "runs", "r1", {"name": "x"})
    code = (
        "import sys; from pathlib import Path; from practicum_labs.track.record import Record\n"
        f"sys.exit(0 if Record.load(Path({str(record.folder)!r})).claim() else 3)"
    )
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, env=_environment(settings, url=""), check=False).returncode == 3
    record.release()
    assert subprocess.run(command, env=_environment(settings, url=""), check=False).returncode == 0


def _environment(settings: LabSettings, *, url: str) -> dict[str, str]:
    labs = str(Path(track.__file__).parents[2])
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": labs,
        "HOME": str(settings.workspace),
        "PRACTICUM_API_URL": url,
        "JUPYTERHUB_API_TOKEN": "secret-token",
        "PRACTICUM_WORKSPACE": str(settings.workspace),
        "PRACTICUM_HEARTBEATS": str(settings.heartbeats),
    }
