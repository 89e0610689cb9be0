"""The translation lab at its full size: what it finds, and what it must not claim."""

import pytest

pytestmark = [pytest.mark.torch, pytest.mark.full]


def test_a_random_split_flatters_a_translator(run, runs):
    done = run("translation", solution=True)
    assert done.error == ""
    assert done.failed == []
    logged = runs()
    flattered = logged["random split"]["finish"]["summary"]["bleu"]
    for seed in range(3):
        one = logged[f"grouped, seed {seed}"]
        assert one["finish"]["summary"]["bleu"] < 0.75 * flattered
        assert one["environment"]["seed"] == seed
        assert "emojibase" in one["environment"]["data"]
        assert len(one["points"]) > 400
    text = done.output.read_text("utf-8")
    assert "|tok:zh|" in text
    assert "|tok:13a|" in text
