"""The lab on questions and answers at its full size: what contrast brings, and what harms it."""

import re

import pytest

pytestmark = [pytest.mark.torch, pytest.mark.full]


def test_a_tower_finds_answers_across_languages(run, runs):
    done = run("questions", solution=True, language="zh")
    assert done.error == ""
    assert done.failed == []
    logged = runs()
    final = logged["retrieval"]["finish"]["summary"]
    assert final["recall_at_10"] > 0.6
    assert final["recall_gain_bm25"] > 0.3
    assert final["exact_match"] > 0.4
    assert final["reader_f1"] > 0.15
    for seed in range(3):
        crowd, pair = (
            logged[f"{name}, seed {seed}"]["finish"]["summary"]["loss"]
            for name in ("in batch + hard", "nearest only")
        )
        assert pair < crowd  # the easier game has the lower loss, and the worse retriever
        assert logged[f"in batch, seed {seed}"]["config"]["seed"] == seed
    used = logged["in batch, seed 0"]["environment"]["data"]
    assert used.keys() >= {"antd-manual", "minilm", "narrativeqa"}
    text = done.output.read_text("utf-8")
    gain = re.search(r"in batch \+ hard − nearest only：recall@10 \S+ \[(\S+),", text)
    assert gain
    assert float(gain[1]) > 0
