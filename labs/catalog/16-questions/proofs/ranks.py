import torch


def alternative_loop(scores, right):
    found = []
    for row, fits in zip(scores.tolist(), right.tolist()):
        best = max(score for score, fit in zip(row, fits) if fit)
        found.append(1 + sum(score >= best and not fit for score, fit in zip(row, fits)))
    return torch.tensor(found)


def alternative_sorted(scores, right):
    found = []
    for row, fits in zip(scores.tolist(), right.tolist()):
        order = sorted(range(len(row)), key=lambda n: (-row[n], fits[n]))
        found.append(1 + next(place for place, n in enumerate(order) if fits[n]))
    return torch.tensor(found)


def _best(scores, right):
    return scores.masked_fill(~right, float("-inf")).max(dim=1, keepdim=True).values


def mutant_ties__for_the_system(scores, right):
    return 1 + (scores > _best(scores, right)).sum(dim=1)


def mutant_from_zero__no_one_added(scores, right):
    return ((scores >= _best(scores, right)) & ~right).sum(dim=1)


def mutant_itself__counts_right_ones(scores, right):
    return 1 + (scores >= _best(scores, right)).sum(dim=1)


def mutant_equals__right_ones_tie(scores, right):
    return (scores >= _best(scores, right)).sum(dim=1)


def mutant_worst__min(scores, right):
    worst = scores.masked_fill(~right, float("inf")).min(dim=1, keepdim=True).values
    return 1 + ((scores >= worst) & ~right).sum(dim=1)


def mutant_whole__floats(scores, right):
    return 1 + ((scores >= _best(scores, right)) & ~right).float().sum(dim=1)


def mutant_value__first_right_column(scores, right):
    best = scores.gather(1, right.int().argmax(dim=1, keepdim=True))
    return 1 + ((scores >= best) & ~right).sum(dim=1)


def mutant_value__lowest_first(scores, right):
    best = scores.masked_fill(~right, float("inf")).min(dim=1, keepdim=True).values
    return 1 + ((scores <= best) & ~right).sum(dim=1)
