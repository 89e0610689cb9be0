"""Runs from the command line, reported as a sandbox would."""

import httpx
import pytest

from practicum_client.charts import Series, chart, resample, sparkline
from practicum_client.commands.runs import flat
from practicum_client.transport import LocalhostTransport


@pytest.fixture
def report(portal):
    """Reports a run with a falling loss."""
    portal.sandbox()
    token = portal.report("trainee", "lora")

    def send(run_id, rank, losses, state="finished"):
        with httpx.Client(
            base_url=f"{portal.url}/api/v1",
            transport=LocalhostTransport(),
            headers={"Authorization": f"Bearer {token}"},
        ) as client:
            draft = {"name": f"rank {rank}", "lab": "lora", "config": {"lora": {"rank": rank}}}
            client.put(f"/runs/{run_id}", json=draft).raise_for_status()
            points = [
                {"seq": n, "step": n * 10, "time": 1.7e9 + n, "values": {"loss": loss}}
                for n, loss in enumerate(losses)
            ]
            client.post(f"/runs/{run_id}/points", json={"points": points}).raise_for_status()
            client.post(f"/runs/{run_id}/finish", json={"state": state}).raise_for_status()

    return send


def test_runs_are_listed_and_shown_with_curves(practicum, report):
    report("run-rank-8", 8, [3.0, 2.0, 1.0, 0.5])
    listed = practicum("runs", "list", person="trainee").stdout
    assert "rank 8" in listed
    assert "loss 0.5" in listed

    shown = practicum("runs", "show", "run-rank-8", person="trainee").stdout
    assert "lora.rank = 8" in shown
    assert "█" in shown
    assert "0 … 30" in shown
    body = practicum.json("runs", "show", "run-rank-8")
    assert body["curves"][0]["values"] == [3.0, 2.0, 1.0, 0.5]


def test_nan_is_shown_as_such(practicum, report):
    report("run-with-nan", 8, [1.0, "NaN", "Infinity"], state="failed")
    shown = practicum("runs", "show", "run-with-nan", person="trainee")
    assert shown.exit_code == 0, shown.output
    assert "failed" in shown.stdout
    assert "Infinity" in shown.stdout


def test_runs_side_by_side(practicum, report):
    report("run-rank-8", 8, [3.0, 1.0])
    report("run-rank-16", 16, [3.0, 0.25])
    found = practicum("runs", "compare", "run-rank-8", "run-rank-16", person="trainee").stdout
    assert "config.lora.rank" in found
    assert "0.25" in found


def test_a_metric_that_is_not_there(practicum, report):
    report("run-rank-8", 8, [3.0, 1.0])
    found = practicum("runs", "show", "run-rank-8", "-m", "bleu", person="trainee")
    assert found.exit_code == 5
    assert "loss" in found.stderr


def test_a_run_that_is_not_there(practicum):
    assert practicum("runs", "show", "run-of-nobody", person="trainee").exit_code == 5


def test_no_runs_is_no_error(practicum):
    found = practicum("runs", "list", person="trainee")
    assert found.exit_code == 0
    assert found.stdout == ""


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([], ""),
        ([None], ""),
        ([1.0], "▁"),
        ([0.0, 0.5, 1.0], "▁▅█"),
        ([0.0, None, 1.0], "▁ █"),
    ],
)
def test_sparklines(values, line):
    assert sparkline(values) == line


def test_a_long_curve_is_averaged():
    assert resample([0.0, 2.0, 4.0, None], 2) == [1.0, 4.0]
    assert len(sparkline([float(n) for n in range(1000)], 24)) == 24


def test_a_chart_has_its_corners():
    rows = chart(Series([0, 100], [0.0, 1.0]), width=10, height=3)
    assert [len(row) for row in rows] == [10, 10, 10]
    assert rows[2][0] == "\N{BRAILLE PATTERN DOTS-7}"
    assert rows[0][-1] == "\N{BRAILLE PATTERN DOTS-4}"
    assert chart(Series([1], [None])) == []
    assert chart(Series([5], [2.0]), width=4, height=2)


def test_settings_are_flattened():
    assert flat({"a": {"b": 1, "c": {"d": 2}}, "e": []}) == {"a.b": 1, "a.c.d": 2, "e": []}


def test_a_run_is_removed_when_that_was_confirmed(practicum, report):
    report("run-rank-8", 8, [3.0])
    asked = practicum("runs", "delete", "run-rank-8", person="trainee", stdin="n\n")
    assert "rank 8" in asked.stderr
    assert len(practicum.json("runs", "list")) == 1
    done = practicum("runs", "delete", "run-rank-8", "--yes", person="trainee")
    assert "rank 8 is removed." in done.stderr
    assert practicum.json("runs", "list") == []
