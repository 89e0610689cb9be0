"""The lab on fine-tuning, for real: torch, MiniLM and the tweets."""

import json
from pathlib import Path
from typing import Any

import pytest

from practicum_labs.authoring.build import read_lab
from practicum_labs.authoring.proofs import prove
from practicum_labs.execute import Executed, execute
from practicum_labs.schema import read_manifest
from practicum_labs.settings import LabSettings

pytestmark = pytest.mark.torch


def _execute(settings: LabSettings, *, solution: bool, language: str = "en") -> Executed:
    output = settings.workspace / "out.ipynb"
    return execute("lora", language=language, solution=solution, output=output, settings=settings)


def _runs(settings: LabSettings) -> dict[str, dict[str, Any]]:
    found = {}
    for path in (settings.state / "runs").glob("*/run.json"):
        run = json.loads(path.read_text("utf-8"))
        run["finish"] = json.loads(path.with_name("finish.json").read_text("utf-8"))
        lines = path.with_name("points.jsonl").read_text("utf-8").splitlines()
        run["points"] = [json.loads(line) for line in lines]
        found[run["name"]] = run
    return found


def test_the_solution_runs_to_the_end_and_shows_what_it_claims(settings):
    done = _execute(settings, solution=True)
    assert done.error == ""
    assert done.failed == []
    runs = _runs(settings)
    full, lora = runs["full"], runs["LoRA rank 8"]
    for run in (full, lora):
        assert run["finish"]["state"] == "finished"
        assert run["finish"]["summary"]["macro_f1"] > run["finish"]["summary"]["base_macro_f1"]
        assert run["environment"]["data"].keys() >= {"minilm", "vader-tweets"}
        assert run["environment"]["seed"] == 0
        config = run["config"]
        assert len(run["points"]) >= config["epochs"] * config["train"] / config["batch"]
    assert full["finish"]["summary"]["trainable_percent"] == 100
    assert lora["finish"]["summary"]["trainable_percent"] < 2
    held = [run["finish"]["summary"]["held_mib"] for run in (lora, full)]
    assert held[0] < held[1] / 3
    text = done.output.read_text("utf-8")
    assert "LoRA − base" in text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_untouched_notebook_stops_at_its_first_blank(settings, language):
    done = _execute(settings, solution=False, language=language)
    assert done.error.startswith("NotImplementedError: pool, blank 1")
    assert done.passed == []


@pytest.mark.parametrize(
    "step",
    [
        s.name
        for s in read_manifest(
            Path(__file__).parents[3] / "labs" / "catalog" / "10-efficient-finetuning"
        ).steps
    ],
)
def test_checks_hold_from_both_sides(lora, built, settings, step):
    said: list[str] = []
    rows = prove(read_lab(lora), built / "lora", settings.data, only=step, tell=said.append)
    assert rows
    assert [row for row in rows if not row.holds] == [], "\n".join(said)


def test_memory_is_counted_from_tensors():
    import torch

    from practicum_labs import memory

    model = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    model[0].requires_grad_(False)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad])
    with memory.SavedForBackward(model) as graph:
        loss = model(torch.ones(16, 8)).sum()
    loss.backward()
    optimizer.step()
    all_, learning = 8 * 4 + 4 + 4 * 2 + 2, 4 * 2 + 2
    steps = 2 * 4  # Adam's own counters, one a tensor
    assert memory.held_by_training(model, optimizer) == 4 * (all_ + 3 * learning) + steps
    assert 0 < graph.bytes <= 4 * 16 * (8 + 4 + 4)
    with memory.SavedForBackward(model, watch=False) as unwatched:
        model(torch.ones(16, 8))
    assert unwatched.bytes == 0


def test_threads_are_chosen_by_measuring():
    import os

    import torch

    from practicum_labs.tier import use_threads

    chosen = use_threads()
    assert 1 <= chosen <= len(os.sched_getaffinity(0))
    assert torch.get_num_threads() == chosen
