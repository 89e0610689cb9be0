import random
from collections import Counter, defaultdict

import numpy as np


def _values(gold, predicted):
    accuracy = sum(g == p for g, p in zip(gold, predicted)) / len(gold)
    wanted, said = Counter(gold), Counter(predicted)
    hits = Counter(g for g, p in zip(gold, predicted) if g == p)
    labels = {*gold, *predicted}
    f1 = sum(2 * hits[label] / (wanted[label] + said[label]) for label in labels) / len(labels)
    return {"accuracy": accuracy, "macro_f1": f1, "error": 1 - accuracy}


def _bootstrap(gold, predicted, families, seed, draws, values=_values, blocks=None):
    members = defaultdict(list)
    for n, family in enumerate(families):
        members[family].append(n)
    members, rng = list(members.values()), random.Random(seed)
    samples = []
    for _ in range(draws):
        rows = [n for block in rng.choices(members, k=blocks or len(members)) for n in block]
        samples.append(values([gold[n] for n in rows], [predicted[n] for n in rows]))
    found = {}
    for name, value in values(gold, predicted).items():
        column = sorted(sample[name] for sample in samples)
        found[name] = (value, column[int(0.025 * draws)], column[int(0.975 * draws) - 1])
    return found


def alternative_plain_python(gold, predicted, families, seed=0, draws=1000):
    return _bootstrap(gold, predicted, families, seed, min(draws, 500))


def alternative_numpy_masks(gold, predicted, families, seed=0, draws=1000):
    gold, predicted, families = map(np.array, (gold, predicted, families))
    labels = np.unique([*gold, *predicted])
    names, row_family = np.unique(families, return_inverse=True)
    rng, samples = np.random.default_rng(seed), []
    for k in range(draws + 1):
        drawn = rng.integers(0, len(names), len(names)) if k else np.arange(len(names))
        weight = np.bincount(drawn, minlength=len(names))[row_family]
        accuracy = (weight * (gold == predicted)).sum() / weight.sum()
        scores = []
        for label in labels:
            both = (weight * ((gold == label) & (predicted == label))).sum()
            total = (weight * (gold == label)).sum() + (weight * (predicted == label)).sum()
            if total:
                scores.append(2 * both / total)
        samples.append((accuracy, np.mean(scores), 1 - accuracy))
    low, high = np.quantile(samples[1:], [0.025, 0.975], axis=0)
    return {n: [samples[0][i], low[i], high[i]] for i, n in enumerate(("accuracy", "macro_f1", "error"))}


def mutant_rows__each_row_for_itself(gold, predicted, families, seed=0, draws=1000):
    return _bootstrap(gold, predicted, range(len(gold)), seed, 400)


def mutant_rows__normal_formula(gold, predicted, families, seed=0, draws=1000):
    found = {}
    for name, value in _values(gold, predicted).items():
        half = 1.96 * (value * (1 - value) / len(gold)) ** 0.5
        found[name] = (value, value - half, value + half)
    return found


def mutant_width__half_of_the_families(gold, predicted, families, seed=0, draws=1000):
    return _bootstrap(gold, predicted, families, seed, 400, blocks=len(set(families)) // 3)


def mutant_width__least_and_largest(gold, predicted, families, seed=0, draws=1000):
    members = defaultdict(list)
    for n, family in enumerate(families):
        members[family].append(n)
    members, rng, samples = list(members.values()), random.Random(seed), []
    for _ in range(600):
        rows = [n for block in rng.choices(members, k=len(members)) for n in block]
        samples.append(_values([gold[n] for n in rows], [predicted[n] for n in rows]))
    return {
        name: (value, min(s[name] for s in samples), max(s[name] for s in samples))
        for name, value in _values(gold, predicted).items()
    }


def mutant_place__one_sided(gold, predicted, families, seed=0, draws=1000):
    found = _bootstrap(gold, predicted, families, seed, 400)
    return {name: (v, v - 0.1 * (h - lo), v + 0.9 * (h - lo)) for name, (v, lo, h) in found.items()}


def mutant_micro__accuracy_again(gold, predicted, families, seed=0, draws=1000):
    def micro(g, p):
        accuracy = _values(g, p)["accuracy"]
        return {"accuracy": accuracy, "macro_f1": accuracy, "error": 1 - accuracy}

    return _bootstrap(gold, predicted, families, seed, 200, micro)


def mutant_macro_f1__weighted(gold, predicted, families, seed=0, draws=1000):
    def weighted(g, p):
        wanted, said = Counter(g), Counter(p)
        hits = Counter(a for a, b in zip(g, p) if a == b)
        f1 = sum(wanted[k] * 2 * hits[k] / (wanted[k] + said[k]) for k in wanted) / len(g)
        return {**_values(g, p), "macro_f1": f1}

    return _bootstrap(gold, predicted, families, seed, 200, weighted)


def mutant_accuracy__mean_of_families(gold, predicted, families, seed=0, draws=1000):
    each = defaultdict(list)
    for g, p, family in zip(gold, predicted, families):
        each[family].append(g == p)
    value = float(np.mean([np.mean(rows) for rows in each.values()]))
    return {**_bootstrap(gold, predicted, families, seed, 200), "accuracy": (value, value - 0.1, value + 0.1)}


def mutant_error__count(gold, predicted, families, seed=0, draws=1000):
    wrong = sum(g != p for g, p in zip(gold, predicted))
    return {**_bootstrap(gold, predicted, families, seed, 200), "error": (wrong, wrong - 5, wrong + 5)}


def mutant_order__error_bounds_as_accuracy_has_them(gold, predicted, families, seed=0, draws=1000):
    found = _bootstrap(gold, predicted, families, seed, 200)
    value, low, high = found["accuracy"]
    return {**found, "error": (1 - value, 1 - low, 1 - high)}


def mutant_keys__no_error(gold, predicted, families, seed=0, draws=1000):
    found = _bootstrap(gold, predicted, families, seed, 200)
    del found["error"]
    return found


def mutant_triples__values_alone(gold, predicted, families, seed=0, draws=1000):
    return _values(gold, predicted)
