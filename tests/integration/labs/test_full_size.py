"""Solutions at their full size: that they show what their labs claim. Minutes each."""

import json

import pytest

pytestmark = [pytest.mark.torch, pytest.mark.full]


def test_fine_tuning_beats_the_base_and_lora_holds_little(run, runs):
    done = run("lora", solution=True)
    assert done.error == ""
    assert done.failed == []
    logged = runs()
    full, lora = logged["full"], logged["LoRA rank 8"]
    for one in (full, lora):
        assert one["finish"]["state"] == "finished"
        assert one["finish"]["summary"]["macro_f1"] > one["finish"]["summary"]["base_macro_f1"]
        assert one["environment"]["data"].keys() >= {"minilm", "vader-tweets"}
        assert one["environment"]["seed"] == 0
        config = one["config"]
        assert len(one["points"]) >= config["epochs"] * config["train"] / config["batch"]
    assert full["finish"]["summary"]["trainable_percent"] == 100
    assert lora["finish"]["summary"]["trainable_percent"] < 2
    held = [one["finish"]["summary"]["held_mib"] for one in (lora, full)]
    assert held[0] < held[1] / 3
    text = done.output.read_text("utf-8")
    assert "LoRA − base" in text


def test_a_transformer_needs_its_parts_and_a_mask_that_does_not_leak(run, runs):
    done = run("transformer", solution=True)
    assert done.error == ""
    assert done.failed == []
    logged = runs()
    final = {name: one["finish"]["summary"]["loss"] for name, one in logged.items()}
    for seed in range(3):
        assert final[f"no residual, seed {seed}"] > final[f"whole, seed {seed}"]
        assert logged[f"whole, seed {seed}"]["environment"]["seed"] == seed
    assert final["colleague's mask"] < final["causal mask"] / 2
    for one in logged.values():
        assert one["finish"]["state"] == "finished"
        assert len(one["points"]) >= 100
    assert "jieba-dict" in logged["whole, seed 0"]["environment"]["data"]
    assert "vader-tweets" in logged["tweets"]["environment"]["data"]
    text = done.output.read_text("utf-8")
    assert "0/300  0/300  0/300" in text
    assert "sees the future: True" in text
    assert "sees the future: False" in text


def test_a_service_is_tuned_again_and_only_when_better(run, runs):
    done = run("service", solution=True, language="zh")
    assert done.error == ""
    assert done.failed == []
    logged = runs()
    assert logged["version 1"]["environment"]["data"].keys() >= {"ha-intents"}
    assert len(logged["version 1"]["points"]) == logged["version 1"]["config"]["epochs"]
    weeks = logged["weeks"]["finish"]["summary"]
    assert weeks["version"] == 3  # two promotions, and the last candidate was kept out
    assert weeks["old_accuracy"] > 0.8
    load = [json.dumps(point) for point in logged["load"]["points"]]
    assert all(name in load[0] for name in ("p50_ms", "p95_ms", "per_second"))
    text = done.output.read_text("utf-8")
    assert "promoted" in text
    assert "kept" in text
