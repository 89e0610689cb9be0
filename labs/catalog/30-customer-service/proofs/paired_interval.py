import random
from collections import defaultdict

import numpy as np


def _gain(old, new):
    return (sum(new) - sum(old)) / len(old)


def alternative_plain_python(old, new, families, seed=0, draws=1000):
    groups = defaultdict(list)
    for was, is_, family in zip(old, new, families):
        groups[family].append(int(is_) - int(was))
    rng, names, gains = random.Random(seed), sorted(groups), []
    for _ in range(draws):
        drawn = [d for name in rng.choices(names, k=len(names)) for d in groups[name]]
        gains.append(sum(drawn) / len(drawn))
    gains.sort()
    return _gain(old, new), gains[int(0.025 * draws)], gains[int(0.975 * draws) - 1]


def alternative_by_index(old, new, families, seed=0, draws=1000):
    difference = np.array(new, dtype=float) - np.array(old, dtype=float)
    rows = [np.flatnonzero(np.array(families) == name) for name in dict.fromkeys(families)]
    rng = np.random.default_rng(seed)
    gains = []
    for _ in range(draws):
        at = np.concatenate([rows[n] for n in rng.integers(0, len(rows), len(rows))])
        gains.append(difference[at].mean())
    return difference.mean(), *np.percentile(gains, [2.5, 97.5])


def mutant_requests__drawn_one_by_one(old, new, families, seed=0, draws=1000):
    difference = np.array(new, dtype=float) - np.array(old, dtype=float)
    drawn = np.random.default_rng(seed).integers(0, len(difference), (draws, len(difference)))
    return difference.mean(), *np.quantile(difference[drawn].mean(axis=1), [0.025, 0.975])


def mutant_unpaired__each_system_on_its_own(old, new, families, seed=0, draws=1000):
    rows = [np.flatnonzero(np.array(families) == name) for name in dict.fromkeys(families)]
    old, new, rng = np.array(old, dtype=float), np.array(new, dtype=float), np.random.default_rng(seed)

    def draw(values):
        return values[np.concatenate([rows[n] for n in rng.integers(0, len(rows), len(rows))])].mean()

    gains = [draw(new) - draw(old) for _ in range(draws)]
    return new.mean() - old.mean(), *np.quantile(gains, [0.025, 0.975])


def mutant_sign__old_minus_new(old, new, families, seed=0, draws=1000):
    return alternative_by_index(new, old, families, seed, draws)


def mutant_gain__mean_of_family_means(old, new, families, seed=0, draws=1000):
    groups = defaultdict(list)
    for was, is_, family in zip(old, new, families):
        groups[family].append(int(is_) - int(was))
    means = np.array([np.mean(g) for g in groups.values()])
    drawn = np.random.default_rng(seed).integers(0, len(means), (draws, len(means)))
    return means.mean(), *np.quantile(means[drawn].mean(axis=1), [0.025, 0.975])


def mutant_order__high_before_low(old, new, families, seed=0, draws=1000):
    gain, low, high = alternative_by_index(old, new, families, seed, draws)
    return gain, high, low


def mutant_width__standard_deviation(old, new, families, seed=0, draws=1000):
    gain, low, high = alternative_by_index(old, new, families, seed, draws)
    return gain, gain - (high - low) / 3.2, gain + (high - low) / 3.2


def mutant_place__around_zero(old, new, families, seed=0, draws=1000):
    gain, low, high = alternative_by_index(old, new, families, seed, draws)
    half = (high - low) / 2
    return gain, gain - 2 * half, gain


def mutant_triple__the_interval_alone(old, new, families, seed=0, draws=1000):
    return alternative_by_index(old, new, families, seed, draws)[1:]
