"""Robust, explained, controlled at its full size: what the lab says it shows, it shows."""

import re

import pytest

pytestmark = [pytest.mark.torch, pytest.mark.full]
SEEDS = (0, 1, 2)


def test_the_mark_is_found_and_removed_and_forms_are_valid(run, runs):
    done = run("robust", solution=True, language="zh")
    assert done.error == ""
    assert done.failed == []
    logged = runs()
    for seed in SEEDS:
        for name in ("log", "both ways", "writer"):
            assert logged[f"{name}, seed {seed}"]["finish"]["state"] == "finished"
        complete = logged[f"ablation all, seed {seed}"]["finish"]["summary"]
        assert (
            complete["live"]
            > logged[f"ablation − both ways, seed {seed}"]["finish"]["summary"]["live"]
        )
    assert logged["writer, seed 0"]["environment"]["data"].keys() >= {"ha-intents"}
    text = done.output.read_text("utf-8")
    (random,) = _intervals(text, "random − integrated")
    assert random[1] > 0
    for name in ("both ways − log", "grammar, heard − free"):
        gains = _intervals(text, f"{name}, [012]")
        assert len(gains) == len(SEEDS)
        assert all(low > 0 for _, low, _ in gains), name
    valid = re.findall(r"grammar(?:, heard)?, [012] +([0-9.]+) ", text)
    assert len(valid) == 2 * len(SEEDS)
    assert set(valid) == {"1.000"}


def _intervals(text: str, before: str) -> list[list[float]]:
    found = re.findall(before + r": (-?[0-9.]+) \[(-?[0-9.]+), (-?[0-9.]+)\]", text)
    return [[float(number) for number in numbers] for numbers in found]
