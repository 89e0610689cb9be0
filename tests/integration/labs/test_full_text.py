"""The lab on how text gets into a model at its full size: that it shows what it claims."""

import re

import pytest

pytestmark = [pytest.mark.torch, pytest.mark.full]


def test_a_vocabulary_fits_the_language_it_was_learnt_on(run, runs):
    done = run("text", solution=True, language="zh")
    assert done.error == ""
    assert done.failed == []
    logged = runs()
    cost = {name: one["finish"]["summary"] for name, one in logged.items()}
    assert cost["vocabulary zh"]["fertility_zh"] < 1
    assert cost["vocabulary en"]["fertility_zh"] > 2.5
    assert cost["vocabulary en"]["fertility_en"] < cost["vocabulary zh"]["fertility_en"]
    for name, one in logged.items():
        assert one["finish"]["state"] == "finished", name
        assert one["environment"]["data"].keys() >= {"song-ci", "vader-reviews", "jieba-dict"}
    text = done.output.read_text("utf-8")
    gain = re.search(r"segment − max_match: \S+ \[(\S+),", text)
    assert float(gain[1]) > 0
    gains = re.findall(r"subwords − characters: \S+ \[(\S+),", text)
    assert len(gains) == 4
    assert all(float(low) > 0 for low in gains)
