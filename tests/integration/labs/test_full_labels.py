"""The labelling lab at its full size: that it shows what it claims."""

import re

import pytest

pytestmark = [pytest.mark.torch, pytest.mark.full]


def test_the_vote_beats_the_linear_tagger_where_nothing_leaks(run, runs):
    done = run("labels", solution=True)
    assert done.error == ""
    assert done.failed == []
    logged = runs()
    for seed in range(3):
        one = logged[f"reader, seed {seed}"]
        assert one["finish"]["state"] == "finished"
        assert one["environment"]["data"].keys() >= {"ha-intents"}
        assert len(one["points"]) == one["config"]["epochs"]
    assert logged["English, seed 0"]["finish"]["summary"]["entity_f1"] > 0
    text = done.output.read_text("utf-8")
    careless, honest = map(float, re.search(r"linear +F1 ([0-9.]+) -> ([0-9.]+)", text).groups())
    assert careless > 0.9
    assert honest < 0.7
    assert re.search(r"dictionary +F1 [0-9.]+ -> 0\.000", text)
    low = re.search(r"all three: F1 [0-9.]+, over linear \+ Viterbi [0-9.]+ \[(-?[0-9.]+)", text)
    assert float(low.group(1)) > 0
