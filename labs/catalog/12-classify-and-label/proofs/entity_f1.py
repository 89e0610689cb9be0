from collections import Counter


def alternative_precision_and_recall(gold, predicted):
    right = wanted = found = 0
    for g, p in zip(gold, predicted):
        right += sum(span in g for span in p)
        wanted += len(g)
        found += len(p)
    if not right:
        return 0.0
    precision, recall = right / found, right / wanted
    return 2 * precision * recall / (precision + recall)


def alternative_numbered(gold, predicted):
    g = {(n, *span) for n, spans in enumerate(gold) for span in spans}
    p = {(n, *span) for n, spans in enumerate(predicted) for span in spans}
    return 2 * len(g & p) / (len(g) + len(p)) if g or p else 0.0


def mutant_token__characters(gold, predicted):
    sides = [
        {(n, at, k) for n, spans in enumerate(side) for s, e, k in spans for at in range(s, e)}
        for side in (gold, predicted)
    ]
    return 2 * len(sides[0] & sides[1]) / max(1, len(sides[0]) + len(sides[1]))


def mutant_overlap__touching_is_enough(gold, predicted):
    right = sum(
        any(s < t[1] and t[0] < e and k == t[2] for t in p) for g, p in zip(gold, predicted) for s, e, k in g
    )
    return 2 * right / max(1, sum(map(len, gold)) + sum(map(len, predicted)))


def mutant_kind__bounds_alone(gold, predicted):
    right = sum(len({s[:2] for s in g} & {s[:2] for s in p}) for g, p in zip(gold, predicted))
    return 2 * right / max(1, sum(map(len, gold)) + sum(map(len, predicted)))


def mutant_recall__divides_by_wanted(gold, predicted):
    right = sum(len(set(g) & set(p)) for g, p in zip(gold, predicted))
    return right / max(1, sum(map(len, gold)))


def mutant_precision__divides_by_found(gold, predicted):
    right = sum(len(set(g) & set(p)) for g, p in zip(gold, predicted))
    return right / max(1, sum(map(len, predicted)))


def mutant_per_text__mean(gold, predicted):
    each = [
        2 * len(set(g) & set(p)) / (len(g) + len(p)) if g or p else 0.0 for g, p in zip(gold, predicted)
    ]
    return sum(each) / len(each)


def mutant_percent__hundred_times(gold, predicted):
    return 100 * alternative_precision_and_recall(gold, predicted)


def mutant_pooled__one_set(gold, predicted):
    g, p = ({span for spans in side for span in spans} for side in (gold, predicted))
    return 2 * len(g & p) / (len(g) + len(p)) if g or p else 0.0


def mutant_pooled__one_bag(gold, predicted):
    g, p = (Counter(span for spans in side for span in spans) for side in (gold, predicted))
    total = sum(g.values()) + sum(p.values())
    return 2 * sum((g & p).values()) / total if total else 0.0


def mutant_empty__perfect_without_slots(gold, predicted):
    return alternative_precision_and_recall(gold, predicted) if any(gold) or any(predicted) else 1.0


def mutant_value__forgets_the_two(gold, predicted):
    right = sum(len(set(g) & set(p)) for g, p in zip(gold, predicted))
    return right / max(1, sum(map(len, gold)) + sum(map(len, predicted)))
