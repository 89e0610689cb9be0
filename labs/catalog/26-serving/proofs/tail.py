import math

import numpy as np
from scipy import stats


def alternative_numpy(replicas, share):
    times = np.sort(np.concatenate([np.asarray(r) for r in replicas]))
    value = np.quantile(times, share, method="inverted_cdf")
    a, b = stats.binom.ppf([0.025, 0.975], len(times), share).astype(int)
    padded = np.concatenate([times, [math.inf]])
    return float(value), float(padded[max(a, 1) - 1]), float(padded[b])


def alternative_by_counting(replicas, share):
    times = sorted(sum((list(r) for r in replicas), []))
    n = len(times)
    value = next(t for k, t in enumerate(times, 1) if k >= share * n - 1e-9)
    below = np.cumsum([math.comb(n, k) * share**k * (1 - share) ** (n - k) if n < 500 else
                       stats.binom.pmf(k, n, share) for k in range(n + 1)])
    a = int(np.argmax(below >= 0.025 - 1e-12))
    b = int(np.argmax(below >= 0.975 - 1e-12))
    return value, times[max(a, 1) - 1], times[b] if b < n else float("inf")


def _ends(times, share, value):
    times = sorted(times)
    a, b = stats.binom.interval(0.95, len(times), share)
    return value, times[max(int(a), 1) - 1], times[int(b)] if b < len(times) else math.inf


def _pool(replicas):
    return sorted(t for r in replicas for t in r)


def mutant_mean_of_percentiles__as_dashboards_do(replicas, share):
    value = float(np.mean([np.percentile(r, 100 * share) for r in replicas]))
    return _ends(_pool(replicas), share, value)


def mutant_mean_of_percentiles__of_observed_ones(replicas, share):
    value = float(np.mean([np.quantile(r, share, method="inverted_cdf") for r in replicas]))
    return _ends(_pool(replicas), share, value)


def mutant_not_observed__interpolates(replicas, share):
    return _ends(_pool(replicas), share, float(np.percentile(_pool(replicas), 100 * share)))


def mutant_value__one_rank_too_high(replicas, share):
    times = _pool(replicas)
    return _ends(times, share, times[int(share * len(times)) + 1])


def mutant_value__not_sorted(replicas, share):
    times = [t for r in replicas for t in r]
    return _ends(times, share, times[math.ceil(share * len(times)) - 1])


def mutant_too_few__ends_at_the_slowest(replicas, share):
    value, low, high = alternative_numpy(replicas, share)
    return value, low, min(high, max(_pool(replicas)))


def mutant_one_short__rank_b(replicas, share):
    times = _pool(replicas)
    value, low, high = alternative_numpy(replicas, share)
    b = int(stats.binom.interval(0.95, len(times), share)[1])
    return value, low, times[b - 1] if b < len(times) else math.inf


def mutant_interval__of_the_mean(replicas, share):
    times = _pool(replicas)
    value, _, high = alternative_numpy(replicas, share)
    spread = 1.96 * np.std(times) / math.sqrt(len(times))
    return value, value - spread, value + spread if high < math.inf else high


def mutant_three__value_alone(replicas, share):
    return alternative_numpy(replicas, share)[0]
