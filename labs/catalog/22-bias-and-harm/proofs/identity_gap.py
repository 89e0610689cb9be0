import numpy as np


def alternative_loop(first, second, templates, seed=0):
    rng = np.random.default_rng(seed)
    apart = np.abs(first - second)
    groups = {}
    for value, template in zip(apart, templates, strict=True):
        groups.setdefault(template, []).append(value)
    parts = list(groups.values())
    means = []
    for _ in range(1000):
        rows = [value for n in rng.integers(len(parts), size=len(parts)) for value in parts[n]]
        means.append(sum(rows) / len(rows))
    means.sort()
    return apart.mean(), means[24], means[974]


def alternative_weights(first, second, templates, seed=0):
    rng = np.random.default_rng(seed + 1)
    names = sorted(set(templates))
    belongs = np.array([[t == name for t in templates] for name in names], dtype=float)
    apart = np.sqrt((first - second) ** 2)
    weights = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=1000)
    means = (weights @ (belongs @ apart)) / (weights @ belongs.sum(1))
    return (apart.mean(), *np.percentile(means, [2.5, 97.5]))


def _interval(values, templates, seed, samples=1000, ends=(0.025, 0.975)):
    rng = np.random.default_rng(seed)
    names, number = np.unique(templates, return_inverse=True)
    sums, sizes = np.bincount(number, weights=values), np.bincount(number)
    drawn = rng.integers(len(names), size=(samples, len(names)))
    return np.quantile(sums[drawn].sum(1) / sizes[drawn].sum(1), ends)


def mutant_signed__colleague(first, second, templates, seed=0):
    apart = first - second
    return (apart.mean(), *_interval(apart, templates, seed))


def mutant_signed__absolute_at_the_end(first, second, templates, seed=0):
    apart = first - second
    low, high = np.sort(np.abs(_interval(apart, templates, seed)))
    return abs(apart.mean()), low, high


def mutant_template_means__each_template_alike(first, second, templates, seed=0):
    apart, templates = np.abs(first - second), np.array(templates)
    means = np.array([apart[templates == name].mean() for name in np.unique(templates)])
    return (means.mean(), *_interval(means, np.unique(templates), seed))


def mutant_rows__draws_pairs(first, second, templates, seed=0):
    apart = np.abs(first - second)
    return (apart.mean(), *_interval(apart, np.arange(len(apart)), seed))


def mutant_width__an_80_percent_interval(first, second, templates, seed=0):
    apart = np.abs(first - second)
    return (apart.mean(), *_interval(apart, templates, seed, ends=(0.1, 0.9)))


def mutant_width__smallest_and_largest(first, second, templates, seed=0):
    apart = np.abs(first - second)
    return (apart.mean(), *_interval(apart, templates, seed, ends=(0.0, 1.0)))


def mutant_value__squares(first, second, templates, seed=0):
    apart = (first - second) ** 2
    return (apart.mean(), *_interval(apart, templates, seed))


def mutant_order__high_before_low(first, second, templates, seed=0):
    apart = np.abs(first - second)
    low, high = _interval(apart, templates, seed)
    return apart.mean(), high, low


def mutant_triple__no_interval(first, second, templates, seed=0):
    return (np.abs(first - second).mean(),)
