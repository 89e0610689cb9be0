from collections import defaultdict

import numpy as np
import pandas as pd


def alternative_frame(runs, slack):
    frame = pd.DataFrame(runs)
    table = frame.groupby("setting").agg(
        score=("validation", lambda column: column.mean(skipna=False)), epochs=("epochs", "mean")
    )
    table = table.dropna()
    return table[table.score >= table.score.max() - slack].epochs.idxmin()


def alternative_sums(runs, slack):
    scores, epochs = defaultdict(list), defaultdict(list)
    for run in runs:
        scores[run["setting"]].append(run["validation"])
        epochs[run["setting"]].append(run["epochs"])
    mean = {name: sum(values) / len(values) for name, values in scores.items()}
    mean = {name: value for name, value in mean.items() if value == value}
    close = [name for name, value in mean.items() if max(mean.values()) - value <= slack]
    return sorted(close, key=lambda name: sum(epochs[name]) / len(epochs[name]))[0]


def _means(runs, column, mean=np.mean):
    rows = defaultdict(list)
    for run in runs:
        rows[run["setting"]].append(run[column])
    return {name: mean(values) for name, values in rows.items()}


def _finite(runs):
    return {name: value for name, value in _means(runs, "validation").items() if np.isfinite(value)}


def mutant_test__best_on_the_test_side(runs, slack):
    test = _means(runs, "test")
    return max(test, key=test.get)


def mutant_lucky__best_single_run(runs, slack):
    fine = [run for run in runs if run["setting"] in _finite(runs)]
    return max(fine, key=lambda run: run["validation"])["setting"]


def mutant_broken__nanmean(runs, slack):
    mean = _means(runs, "validation", np.nanmean)
    return max(mean, key=mean.get)


def mutant_slow__no_slack(runs, slack):
    mean = _finite(runs)
    return max(mean, key=mean.get)


def mutant_hasty__fastest_of_all(runs, slack):
    epochs = _means(runs, "epochs")
    return min(epochs, key=epochs.get)


def mutant_not_a_name__the_row(runs, slack):
    return max(runs, key=lambda run: run["epochs"])


def mutant_in_place__sorts(runs, slack):
    runs.sort(key=lambda run: (run["epochs"], run["seed"]))
    return alternative_sums(runs, slack)
