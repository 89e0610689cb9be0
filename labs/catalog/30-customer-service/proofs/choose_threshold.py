import numpy as np


def alternative_from_the_top(confidence, right, target):
    best = 2.0
    for threshold in sorted(set(confidence), reverse=True):
        given = [ok for p, ok in zip(confidence, right) if p >= threshold]
        if sum(given) / len(given) >= target:
            best = threshold
    return best


def alternative_numpy(confidence, right, target):
    p, ok = np.array(confidence), np.array(right)
    order = np.argsort(p)
    p, ok = p[order], ok[order].astype(float)
    share = ok[::-1].cumsum()[::-1] / np.arange(len(ok), 0, -1)
    first = np.r_[True, p[1:] != p[:-1]]  # only where a new value begins
    fine = np.flatnonzero(first & (share >= target - 1e-12))
    return float(p[fine[0]]) if len(fine) else 2.0


def mutant_broken__the_target_itself(confidence, right, target):
    return target / 3


def mutant_broken__share_of_all(confidence, right, target):
    for threshold in sorted(set(confidence)):
        given = [ok for p, ok in zip(confidence, right) if p >= threshold]
        if sum(given) >= target * len(given) * 0.7:
            return threshold
    return 2.0


def mutant_nothing__hands_everything_over(confidence, right, target):
    return 2.0


def mutant_too_high__highest_that_holds(confidence, right, target):
    for threshold in sorted(set(confidence), reverse=True):
        given = [ok for p, ok in zip(confidence, right) if p >= threshold]
        if sum(given) >= target * len(given):
            return threshold
    return 2.0


def mutant_too_high__above_instead_of_from(confidence, right, target):
    for threshold in sorted(set(confidence)):
        given = [ok for p, ok in zip(confidence, right) if p > threshold]
        if given and sum(given) >= target * len(given):
            return threshold + 0.2
    return 2.0


def mutant_impossible__falls_back_to_the_best(confidence, right, target):
    found = alternative_from_the_top(confidence, right, target)
    return max(confidence) if found > 1 else found


def mutant_stops_early__down_while_it_holds(confidence, right, target):
    best = 2.0
    for threshold in sorted(set(confidence), reverse=True):
        given = [ok for p, ok in zip(confidence, right) if p >= threshold]
        if sum(given) < target * len(given):
            break
        best = threshold
    return best


def mutant_returns_none__no_way_out(confidence, right, target):
    for threshold in sorted(set(confidence)):
        given = [ok for p, ok in zip(confidence, right) if p >= threshold]
        if sum(given) >= target * len(given):
            return threshold
