from collections import Counter

import numpy as np


def alternative_table(first, second):
    labels = sorted({*first, *second})
    table = np.zeros((len(labels), len(labels)))
    for a, b in zip(first, second):
        table[labels.index(a), labels.index(b)] += 1
    table /= table.sum()
    chance = float(table.sum(axis=0) @ table.sum(axis=1))
    return (float(np.trace(table)) - chance) / (1 - chance)


def alternative_all_pairs(first, second):
    agreement = np.mean([a == b for a, b in zip(first, second)])
    chance = np.mean([a == b for a in first for b in second])
    return 1 - (1 - agreement) / (1 - chance)


def mutant_raw__agreement(first, second):
    return sum(a == b for a, b in zip(first, second)) / len(first)


def mutant_uniform__one_over_labels(first, second):
    agreement, chance = mutant_raw__agreement(first, second), 1 / len({*first, *second})
    return (agreement - chance) / (1 - chance)


def mutant_pooled__scott(first, second):
    agreement, both = mutant_raw__agreement(first, second), Counter([*first, *second])
    chance = sum((n / (2 * len(first))) ** 2 for n in both.values())
    return (agreement - chance) / (1 - chance)


def mutant_unscaled__difference(first, second):
    ours, theirs = Counter(first), Counter(second)
    return mutant_raw__agreement(first, second) - sum(ours[k] * theirs[k] for k in ours) / len(first) ** 2


def mutant_negative__never_below_zero(first, second):
    return max(0.0, alternative_table(first, second))


def mutant_value__chance_of_the_first_alone(first, second):
    agreement = mutant_raw__agreement(first, second)
    chance = sum((n / len(first)) ** 2 for n in Counter(first).values())
    return (agreement - chance) / (1 - chance)
