"""The first lab at its full size: a generic model fails, an adapted one works."""

import re

import pytest

pytestmark = [pytest.mark.torch, pytest.mark.full]


def test_the_generic_model_fails_and_the_adapted_ones_work(run, runs):
    done = run("first-steps", solution=True)
    assert done.error == ""
    assert done.failed == []
    logged = runs()
    found = {name: one["finish"]["summary"]["accuracy"] for name, one in logged.items()}
    assert found["zero-shot"] < found["rule"]
    assert logged["zero-shot"]["environment"]["data"].keys() >= {"smollm2", "emojibase"}
    text = done.output.read_text("utf-8")
    for better, than in (
        ("zero-shot, calibrated", "zero-shot"),
        ("retrieval", "few-shot"),
        ("tuned head", "zero-shot, calibrated"),
        ("tuned head", "word counts"),
    ):
        gain = re.search(rf"{better} +- {than} +[+-][0-9.]+ \[([+-][0-9.]+)", text)
        assert float(gain.group(1)) > 0, better
    right, of, none = map(
        int,
        re.search(r"read strictly: (\d+) of (\d+) right; (\d+) answers", text).groups(),
    )
    generous = int(re.search(r"as the colleague reads: (\d+) of", text).group(1))
    assert generous > right
    assert none > of // 2
