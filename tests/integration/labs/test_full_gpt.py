"""The small GPT at its full size: that it shows what its lab claims. About two minutes."""

import json
import re

import pytest

pytestmark = [pytest.mark.torch, pytest.mark.full]


def test_pre_training_beats_tuned_counts_and_a_leak_is_found(run, runs):
    done = run("gpt", solution=True, language="en")
    assert done.error == ""
    assert done.failed == []
    logged = runs()
    for name, data in (("Tang poems", "tang-poems"), ("Song ci", "song-ci")):
        one = logged[name]
        assert one["finish"]["state"] == "finished"
        assert data in one["environment"]["data"]
        assert one["environment"]["seed"] == 0
        losses = [point["values"]["loss"] for point in one["points"] if "loss" in point["values"]]
        assert (
            len(losses) >= one["config"]["epochs"] * one["config"]["train"] / one["config"]["batch"]
        )
        assert sum(losses[-20:]) / 20 < losses[0] - 2
        reached = [p["values"]["perplexity"] for p in one["points"] if "perplexity" in p["values"]]
        assert reached[-1] < 1.05 * min(reached)
    scores = json.loads((done.output.parent / "tang-model" / "scores.json").read_text("utf-8"))
    assert scores["perplexity"] < scores["trigram + place"] < scores["trigram"]
    text = done.output.read_text("utf-8")
    assert re.search(r"yours\s+1\.000\s+1\.000\s+1\.000", text)
    assert float(re.search(r"colleague\s+([0-9.]+)\s", text)[1]) > 10
