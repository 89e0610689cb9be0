def _first(curve, target, missing):
    return next((step for step, value in curve if value >= target), missing)


def _last(run):
    return sum(curve[-1][1] for curve in run["curves"]) / len(run["curves"])


def alternative_sorted(runs, target):
    def score(run):
        firsts = [_first(curve, target, 2 * curve[-1][0]) for curve in run["curves"]]
        return sum(firsts) / len(firsts), 1 - _last(run)

    return sorted(runs, key=score)[0]


def alternative_loop(runs, target):
    best, best_score = None, None
    for run in runs:
        total = 0
        for curve in run["curves"]:
            reached = 2 * curve[-1][0]
            for step, value in reversed(curve):
                if value >= target:
                    reached = step
            total += reached
        score = (total / len(run["curves"]), -_last(run))
        if best is None or score < best_score:
            best, best_score = run, score
    return best


def mutant_not_a_run__its_learning_rate(runs, target):
    return alternative_sorted(runs, target)["lr"]


def mutant_not_a_run__its_number(runs, target):
    return runs.index(alternative_sorted(runs, target)) + 1


def mutant_final__most_accurate(runs, target):
    return max(runs, key=_last)


def mutant_final__best_point_anywhere(runs, target):
    return max(runs, key=lambda run: max(value for curve in run["curves"] for _, value in curve))


def mutant_best_seed__fastest(runs, target):
    return min(runs, key=lambda run: min(_first(curve, target, 1e9) for curve in run["curves"]))


def mutant_unreached__dropped(runs, target):
    def mean(run):
        firsts = [_first(curve, target, None) for curve in run["curves"]]
        firsts = [first for first in firsts if first is not None]
        return sum(firsts) / len(firsts) if firsts else 1e9

    return min(runs, key=mean)


def mutant_unreached__counts_once(runs, target):
    return min(runs, key=lambda run: sum(_first(c, target, c[-1][0]) for c in run["curves"]))


def mutant_places__index(runs, target):
    def mean(run):
        return sum(next((n for n, (_, v) in enumerate(c) if v >= target), 2 * len(c)) for c in run["curves"])

    return min(runs, key=lambda run: (mean(run), -_last(run)))


def mutant_tie__lower_end(runs, target):
    def score(run):
        return sum(_first(c, target, 2 * c[-1][0]) for c in run["curves"]), _last(run)

    return min(runs, key=score)
