"""The sentiment lab at its full size: that its claims hold for every seed."""

import json
import re

import pytest

pytestmark = [pytest.mark.torch, pytest.mark.full]
NUMBERS = r"(-?[0-9.]+) \[(-?[0-9.]+), (-?[0-9.]+)\]"


def test_encoder_and_lexicon_beat_the_lexicon_and_cleaning_harms(run, runs):
    done = run("sentiment", solution=True)
    assert done.error == ""
    assert done.failed == []
    logged = runs()
    for kind in ("MiniLM", "MiniLM, copies", "both", "both, copies"):
        one = logged[kind]
        assert one["finish"]["state"] == "finished"
        assert [point["step"] for point in one["points"]] == [0, 1, 2]
        assert one["environment"]["data"].keys() >= {"minilm", "vader-tweets", "vader-lexicon"}
        values = one["points"][0]["values"]
        assert values["macro_f1_hurry"] < values["macro_f1_2010"]
    text = done.output.read_text("utf-8")
    for version in ("2010", "hurry"):
        gains = re.findall(rf"{version} +both, copies − lexicon, seed \d: {NUMBERS}", text)
        assert len(gains) == 3
        assert all(float(low) > 0 for _, low, _ in gains)
    for kind in ("lexicon", "both"):
        assert float(re.search(rf"today +{kind}, rules − raw: {NUMBERS}", text)[2]) > 0
    harm = re.search(rf"lexicon +textbook +[0-9.]+ +− as it is: {NUMBERS}", text)
    assert float(harm[3]) < 0
    scores = json.loads((done.output.parent / "review-scorer" / "scores.json").read_text("utf-8"))
    assert scores["macro_f1"] > scores["lexicon"] + 0.03
