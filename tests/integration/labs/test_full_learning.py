"""Learning from scratch at its full size: what the lab says it shows, it shows."""

import re

import pytest

pytestmark = [pytest.mark.torch, pytest.mark.full]


def test_losses_optimisers_and_stopping_show_what_the_text_says(run, runs):
    done = run("learning", solution=True)
    assert done.error == ""
    assert done.failed == []
    logged = runs()
    sweep = {name: one for name, one in logged.items() if ", lr " in name}
    assert len(sweep) == 15
    assert {one["config"]["optimiser"] for one in sweep.values()} == {"SGD", "momentum", "Adam"}
    assert max(one["finish"]["summary"]["validation_accuracy"] for one in sweep.values()) > 0.95
    for seed in range(3):
        one = logged[f"digits, seed {seed}"]
        epochs = [point["step"] for point in one["points"]]
        assert epochs == list(range(1, len(epochs) + 1))
        assert one["finish"]["summary"]["best_epoch"] <= len(epochs)
        assert one["environment"]["data"].keys() >= {"digits", "diabetes"}
    stopped, endless = (
        logged[name]["finish"]["summary"] for name in ("labels with errors", "never stops")
    )
    assert stopped["best_epoch"] < 40
    losses = [point["values"]["validation_loss"] for point in logged["never stops"]["points"]]
    assert losses[-1] > 1.3 * min(losses)
    assert endless["validation_loss"] < losses[-1]  # the best weights are back
    text = done.output.read_text("utf-8")
    wrong = _accuracies(text, "second         SGD"), _accuracies(text, "first          Adam")
    right = _accuracies(text, "cross-entropy  SGD")
    assert max(max(each) for each in wrong) < min(right) - 0.2


def _accuracies(text: str, line: str) -> list[float]:
    found = re.search(line + r"[^\\]*accuracy ([0-9. ]+)", text)
    assert found, line
    return [float(number) for number in found[1].split()]
