import math
import statistics

import numpy as np


def _took(started, finished):
    return sorted(b - a for a, b in zip(started, finished))


def alternative_nearest_rank(started, finished):
    took = _took(started, finished)

    def at(share):
        return 1000 * took[math.ceil(share * len(took)) - 1]

    return {"p50_ms": at(0.5), "p95_ms": at(0.95),
            "per_second": len(took) / (max(finished) - min(started))}


def alternative_statistics(started, finished):
    took = _took(started, finished)
    return {"p50_ms": 1e3 * statistics.median(took), "p95_ms": 1e3 * statistics.quantiles(took, n=20)[-1],
            "per_second": len(started) / (max(finished) - min(started)), "n": len(took)}


def mutant_sum__of_all_times(started, finished):
    found = alternative_nearest_rank(started, finished)
    return {**found, "per_second": len(started) / sum(_took(started, finished))}


def mutant_per_second__first_and_last_of_the_list(started, finished):
    found = alternative_nearest_rank(started, finished)
    return {**found, "per_second": len(started) / (abs(finished[-1] - started[0]) + 100)}


def mutant_seconds__not_milliseconds(started, finished):
    found = alternative_nearest_rank(started, finished)
    return {**found, "p50_ms": found["p50_ms"] / 1000, "p95_ms": found["p95_ms"] / 1000}


def mutant_mean__for_the_median(started, finished):
    found = alternative_nearest_rank(started, finished)
    return {**found, "p50_ms": 1000 * float(np.mean(_took(started, finished)))}


def mutant_slowest__for_p95(started, finished):
    found = alternative_nearest_rank(started, finished)
    return {**found, "p95_ms": 1000 * _took(started, finished)[-1]}


def mutant_quantile__p90(started, finished):
    took = _took(started, finished)
    return {**alternative_nearest_rank(started, finished), "p95_ms": 1000 * took[int(0.88 * len(took))]}


def mutant_keys__a_tuple(started, finished):
    return tuple(alternative_nearest_rank(started, finished).values())
