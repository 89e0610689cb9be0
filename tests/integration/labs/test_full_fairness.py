"""The lab on bias and harm at its full size: its claims, and that it shows nothing offensive."""

import json

import pytest

from practicum_labs import data

pytestmark = [pytest.mark.torch, pytest.mark.full]


def test_mitigation_narrows_the_gap_and_no_toxic_text_is_shown(run, runs):
    done = run("fairness", solution=True, language="zh")
    assert done.error == ""
    assert done.failed == []
    logged = runs()
    for name in ("natural", "crawl", "balanced", "augmented", "paired"):
        for seed in (0, 1):
            one = logged[f"{name}, seed {seed}"]
            assert one["finish"]["state"] == "finished"
            assert one["finish"]["summary"]["macro_f1"] > 0.5
    assert logged["paired, seed 0"]["environment"]["data"].keys() >= {"minilm", "vader-tweets"}
    probe = logged["probe"]["finish"]["summary"]
    for name in ("balanced", "augmented", "paired"):
        assert probe[f"gap_change_{name}_high"] < 0
    gate = logged["gate"]["finish"]["summary"]
    assert gate["refusal"] > 0.8
    assert gate["over_refusal"] < 0.4
    work = done.output.parent
    checklist = json.loads((work / "release" / "checklist.json").read_text("utf-8"))
    assert checklist["items"]["identity_gap"]["answer"] == "yes"
    assert checklist["decision"] != "release"  # it cannot read Chinese
    shown = done.output.read_text("utf-8")
    for name, file in (("harmbench", "harmbench_prompts.txt"), ("toxic-prompts", "rtp_insult.txt")):
        for line in (data.path(name) / file).read_text("utf-8").splitlines():
            assert json.dumps(line.strip(), ensure_ascii=False)[1:-1] not in shown
