from collections import Counter


def alternative_precision_and_recall(said, accepted):
    best = 0.0
    for wanted in accepted:
        shared = sum(min(said.count(token), wanted.count(token)) for token in set(said))
        if shared:
            precision, recall = shared / len(said), shared / len(wanted)
            best = max(best, 2 * precision * recall / (precision + recall))
    return best


def alternative_crossing_out(said, accepted):
    def one(wanted):
        left = list(wanted)
        for token in said:
            if token in left:
                left.remove(token)
        return 2 * (len(wanted) - len(left)) / (len(said) + len(wanted))

    return max(one(wanted) for wanted in accepted)


def _shared(said, wanted):
    return sum((Counter(said) & Counter(wanted)).values())


def mutant_recall__of_the_answer(said, accepted):
    return max(_shared(said, wanted) / len(wanted) for wanted in accepted)


def mutant_precision__of_the_answer(said, accepted):
    return max(_shared(said, wanted) / len(said) for wanted in accepted)


def mutant_first__returns_in_the_loop(said, accepted):
    for wanted in accepted:
        return 2 * _shared(said, wanted) / (len(said) + len(wanted))


def mutant_last__overwrites(said, accepted):
    best = 0.0
    for wanted in accepted:
        best = 2 * _shared(said, wanted) / (len(said) + len(wanted))
    return best


def mutant_repeats__sets(said, accepted):
    return max(2 * len(set(said) & set(one)) / (len(set(said)) + len(set(one))) for one in accepted)


def mutant_value__mean(said, accepted):
    return sum(2 * _shared(said, one) / (len(said) + len(one)) for one in accepted) / len(accepted)


def mutant_value__forgot_the_two(said, accepted):
    return max(_shared(said, one) / (len(said) + len(one)) for one in accepted)


def mutant_raised__divides_by_zero(said, accepted):
    wanted = accepted[0]
    precision, recall = _shared(said, wanted) / len(said), _shared(said, wanted) / len(wanted)
    return 2 * precision * recall / (precision + recall)
