from practicum_labs import metrics


def alternative_rows(pairs, before, after, wanted, families):
    goal = wanted or before
    rows = [
        (a != g, f) for (t, o), g, a, f in zip(pairs, goal, after, families, strict=True) if t != o
    ]
    return metrics.bootstrap(
        lambda chosen: sum(rows[n][0] for n in chosen) / len(chosen),
        len(rows),
        groups=[f for _, f in rows],
    )


def alternative_passes_turned(pairs, before, after, wanted, families):
    kept = [n for n in range(len(pairs)) if pairs[n][0] != pairs[n][1]]
    fine = [after[n] == (before[n] if wanted is None else wanted[n]) for n in kept]
    found = metrics.bootstrap(
        lambda chosen: sum(fine[n] for n in chosen) / len(chosen),
        len(kept),
        groups=[families[n] for n in kept],
        seed=7,
    )
    return metrics.Interval(1 - found.value, 1 - found.high, 1 - found.low)


def _rate(failed, families):
    return metrics.bootstrap(
        lambda rows: sum(failed[n] for n in rows) / len(rows), len(failed), groups=families
    )


def _tested(pairs):
    return [n for n, (a, b) in enumerate(pairs) if a != b]


def mutant_untouched_counted__all_rows(pairs, before, after, wanted, families):
    return _rate([a != g for a, g in zip(after, wanted or before, strict=True)], families)


def mutant_passes__share_that_passes(pairs, before, after, wanted, families):
    goal, kept = wanted or before, _tested(pairs)
    return _rate([after[n] == goal[n] for n in kept], [families[n] for n in kept])


def mutant_direction__always_invariance(pairs, before, after, wanted, families):
    kept = _tested(pairs)
    return _rate([after[n] != before[n] for n in kept], [families[n] for n in kept])


def mutant_rows__no_groups(pairs, before, after, wanted, families):
    goal, kept = wanted or before, _tested(pairs)
    return _rate([after[n] != goal[n] for n in kept], None)


def mutant_not_an_interval__a_number(pairs, before, after, wanted, families):
    goal, kept = wanted or before, _tested(pairs)
    return sum(after[n] != goal[n] for n in kept) / len(kept)


def mutant_value__over_all_requests(pairs, before, after, wanted, families):
    goal, kept = wanted or before, _tested(pairs)
    found = _rate([after[n] != goal[n] for n in kept], [families[n] for n in kept])
    share = len(kept) / len(pairs) / 1.1
    return metrics.Interval(found.value * share, found.low * share, found.high * share)
