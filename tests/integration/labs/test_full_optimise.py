"""Optimising after pretraining at its full size: what the lab says it shows, it shows."""

import re

import pytest

pytestmark = [pytest.mark.torch, pytest.mark.full]


def test_rates_decays_and_synonyms_show_what_the_text_says(run, runs):
    done = run("optimise", solution=True)
    assert done.error == ""
    assert done.failed == []
    logged = runs()
    sweep = {name for name in logged if re.fullmatch(r"tweets: (SGD|Adam) [0-9.e-]+", name)}
    assert len(sweep) == 11
    for one in logged.values():
        assert one["finish"]["state"] == "finished"
        assert len(one["points"]) == one["config"]["epochs"]
        assert one["environment"]["data"].keys() >= {"minilm", "vader-tweets"}
    ends = {name: one["finish"]["summary"] for name, one in logged.items()}
    plain = ends["tweets: l2 0"]
    for name in ("l2 1", "decay 30"):
        assert ends[f"tweets: {name}"]["norm"] < plain["norm"]
    for name in ("l2 1", "decay 30", "p 0.95"):
        assert ends[f"tweets: {name}"]["gap"] < plain["gap"]
    text = done.output.read_text("utf-8")
    assert _interval(text, r"tuned rate − given: ")[1] > 0
    assert _interval(text, r"4 with +[0-9.]+ +− without: ")[1] > 0
    assert _interval(text, r"16 merged +[0-9.]+ +− without: ")[2] < 0


def _interval(text: str, before: str) -> list[float]:
    found = re.search(before + r"(-?[0-9.]+) \[(-?[0-9.]+), (-?[0-9.]+)\]", text)
    assert found, before
    return [float(number) for number in found.groups()]
