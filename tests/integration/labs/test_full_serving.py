"""Serving at its full size: what the lab says it shows, it shows."""

import re

import pytest

pytestmark = [pytest.mark.torch, pytest.mark.full]


def test_caches_batches_and_bits_bring_what_the_text_says(run, runs):
    done = run("serving", solution=True)
    assert done.error == ""
    assert done.failed == []
    logged = runs()
    points = [point["values"] for point in logged["batches M"]["points"]]
    speeds = [point["tokens_per_second"] for point in points if "tokens_per_second" in point]
    assert speeds == sorted(speeds)
    assert speeds[-1] > 2 * speeds[0]
    agreement = {
        bits: logged[f"bits {bits}"]["finish"]["summary"]["agreement"]
        for bits in ("bfloat16", "int8", "int4")
    }
    assert agreement["int8"] > 0.9
    assert agreement["int4"] < agreement["int8"] - 0.2
    endpoint = logged["endpoint M"]["finish"]["summary"]
    assert endpoint.keys() >= {"p50_ms", "p95_ms", "tokens_per_second"}
    assert logged["endpoint M"]["environment"]["data"].keys() >= {"smollm2", "vader-reviews"}
    costs = [point["values"] for point in logged["cost"]["points"]]
    assert [cost["cost_per_thousand"] for cost in costs] == sorted(
        cost["cost_per_thousand"] for cost in costs
    )
    text = done.output.read_text("utf-8")
    assert re.search(r"It is 11\.08", text)  # 798 positions become 72
    for line in ("starting /healthz 200 /readyz 503", "ready /healthz 200 /readyz 200"):
        assert line in text
    assert "draining /healthz 200 /readyz 503" in text
    assert "6 of 6 answered after SIGTERM, exit code 0" in text
