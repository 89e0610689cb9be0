import numpy as np


def _f1(scores, labels, low, high):
    found = np.where(scores < low, 0, np.where(scores > high, 2, 1))
    parts = []
    for each in range(3):
        both = np.sum((found == each) & (labels == each))
        parts.append(2 * both / max(1, np.sum(found == each) + np.sum(labels == each)))
    return np.mean(parts)


def _search(scores, labels, measure):
    scores, labels = np.asarray(scores), np.asarray(labels)
    tried = np.unique(np.quantile(scores, np.linspace(0, 1, 50)))
    pairs = [(low, high) for low in tried for high in tried if low <= high]
    return max(pairs, key=lambda pair: measure(scores, labels, *pair))


def alternative_every_midpoint(scores, labels):
    from sklearn.metrics import f1_score

    scores, labels = np.array(scores), np.array(labels)
    values = np.unique(scores)
    middles = ((values[1:] + values[:-1]) / 2)[:: max(1, len(values) // 40)]

    def reached(pair):
        found = np.select([scores < pair[0], scores > pair[1]], [0, 2], 1)
        return f1_score(labels, found, average="macro", zero_division=0)

    pairs = [(a, b) for n, a in enumerate(middles) for b in middles[n:]]
    return [float(cut) for cut in max(pairs, key=reached)]


def alternative_one_after_the_other(scores, labels):
    scores, labels = np.asarray(scores), np.asarray(labels)
    tried = np.unique(scores)
    best = None
    for begin in np.quantile(scores, (0.5, 0.7, 0.9)):
        low = high = begin
        for _ in range(4):
            low = max(tried[tried <= high], key=lambda cut: _f1(scores, labels, cut, high))
            high = max(tried[tried >= low], key=lambda cut: _f1(scores, labels, low, cut))
        best = max(best or (0,), (_f1(scores, labels, low, high), low, high))
    return best[1], best[2]


def mutant_accuracy__the_colleague(scores, labels):
    def share(scores, labels, low, high):
        return np.mean(np.where(scores < low, 0, np.where(scores > high, 2, 1)) == labels)

    return _search(scores, labels, share)


def mutant_not_best__symmetric(scores, labels):
    scores, labels = np.asarray(scores), np.asarray(labels)
    cut = max(np.linspace(0, 2, 60), key=lambda cut: _f1(scores, labels, -cut, cut))
    return -cut, cut


def mutant_not_best__vaders_own(scores, labels):
    return -0.05, 0.05


def mutant_not_best__shares_of_the_classes(scores, labels):
    shares = np.bincount(labels, minlength=3) / len(labels)
    return float(np.quantile(scores, shares[0] / 3)), float(np.quantile(scores, 0.98))


def mutant_not_best__neutral_only(scores, labels):
    def neutral(scores, labels, low, high):
        found = (scores >= low) & (scores <= high)
        return np.mean(found[labels == 1])

    return _search(scores, labels, neutral)


def mutant_pair__with_its_score(scores, labels):
    low, high = _search(scores, labels, _f1)
    return low, high, 0.7


def mutant_order__high_first(scores, labels):
    return _search(scores, labels, _f1)[::-1]
