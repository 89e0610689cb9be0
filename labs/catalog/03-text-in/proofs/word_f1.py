from collections import Counter


def _spans(words):
    spans, at = set(), 0
    for word in words:
        spans.add((at, at + len(word)))
        at += len(word)
    return spans


def _counts(gold, predicted):
    pairs = [(_spans(a), _spans(b)) for a, b in zip(gold, predicted)]
    return sum(len(a & b) for a, b in pairs), sum(map(len, gold)), sum(map(len, predicted))


def alternative_precision_and_recall(gold, predicted):
    right, wanted, found = _counts(gold, predicted)
    if not right:
        return 0.0
    precision, recall = right / found, right / wanted
    return 2 * precision * recall / (precision + recall)


def alternative_one_long_text(gold, predicted):
    ours, theirs = (_spans([word for words in side for word in words]) for side in (gold, predicted))
    return 2 * len(ours & theirs) / (len(ours) + len(theirs))


def mutant_precision__only(gold, predicted):
    right, _, found = _counts(gold, predicted)
    return right / found


def mutant_recall__only(gold, predicted):
    right, wanted, _ = _counts(gold, predicted)
    return right / wanted


def mutant_percent__of_a_hundred(gold, predicted):
    return 100 * alternative_one_long_text(gold, predicted)


def mutant_bag__wherever_they_stand(gold, predicted):
    right = sum((Counter(a) & Counter(b)).total() for a, b in zip(gold, predicted))
    return 2 * right / (sum(map(len, gold)) + sum(map(len, predicted)))


def mutant_bounds__either_end(gold, predicted):
    right = 0
    for a, b in zip(gold, predicted):
        right += len({end for _, end in _spans(a)} & {end for _, end in _spans(b)})
    return 2 * right / (sum(map(len, gold)) + sum(map(len, predicted)))


def mutant_mean__of_sentences(gold, predicted):
    scores = [alternative_one_long_text([a], [b]) for a, b in zip(gold, predicted)]
    return sum(scores) / len(scores)


def mutant_exact__sentences(gold, predicted):
    return sum(a == b for a, b in zip(gold, predicted)) / len(gold)


def mutant_value__in_the_same_row(gold, predicted):
    right = sum(x == y for a, b in zip(gold, predicted) for x, y in zip(a, b))
    return 2 * right / (sum(map(len, gold)) + sum(map(len, predicted)) + 1)
