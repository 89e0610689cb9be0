from practicum_labs import metrics


def alternative_by_text(chance, texts, put, take, families):
    effect = [float(chance([put(t)])[0]) - float(chance([take(t)])[0]) for t in texts]
    return metrics.bootstrap(
        lambda rows: sum(effect[n] for n in rows) / len(rows), len(texts), groups=families, seed=3
    )


def alternative_one_batch(chance, texts, put, take, families):
    values = list(chance([f(t) for f in (put, take) for t in texts]))
    half = len(texts)

    def mean(rows):
        return sum(values[n] - values[half + n] for n in rows) / len(rows)

    return metrics.bootstrap(mean, half, groups=list(families))


def _mean(effect, families):
    return metrics.bootstrap(
        lambda rows: sum(effect[n] for n in rows) / len(rows), len(effect), groups=families
    )


def mutant_observed__with_against_without(chance, texts, put, take, families):
    values = list(chance(texts))
    having = [v for v, t in zip(values, texts, strict=True) if t == put(t)]
    lacking = [v for v, t in zip(values, texts, strict=True) if t != put(t)]
    value = sum(having) / len(having) - sum(lacking) / len(lacking)
    return metrics.Interval(value, value - 0.1, value + 0.1)


def mutant_one_sided__only_put(chance, texts, put, take, families):
    pairs = zip(chance([put(t) for t in texts]), chance(texts), strict=True)
    return _mean([a - b for a, b in pairs], families)


def mutant_one_sided__only_take(chance, texts, put, take, families):
    pairs = zip(chance(texts), chance([take(t) for t in texts]), strict=True)
    return _mean([a - b for a, b in pairs], families)


def mutant_sign__without_minus_with(chance, texts, put, take, families):
    pairs = zip(chance([take(t) for t in texts]), chance([put(t) for t in texts]), strict=True)
    return _mean([a - b for a, b in pairs], families)


def mutant_rows__no_groups(chance, texts, put, take, families):
    pairs = zip(chance([put(t) for t in texts]), chance([take(t) for t in texts]), strict=True)
    return _mean([a - b for a, b in pairs], None)


def mutant_not_an_interval__a_number(chance, texts, put, take, families):
    pairs = zip(chance([put(t) for t in texts]), chance([take(t) for t in texts]), strict=True)
    return sum(a - b for a, b in pairs) / len(texts)


def mutant_value__relative(chance, texts, put, take, families):
    pairs = zip(chance([put(t) for t in texts]), chance([take(t) for t in texts]), strict=True)
    return _mean([a / b - 1 for a, b in pairs], families)
