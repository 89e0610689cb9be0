def alternative_by_position(length, spans):
    tags = []
    for n in range(length):
        inside = [(start, kind) for start, end, kind in spans if start <= n < end]
        tags.append("O" if not inside else f"{'B' if inside[0][0] == n else 'I'}-{inside[0][1]}")
    return tags


def alternative_loop(length, spans):
    tags = {}
    for start, end, kind in sorted(spans):
        for n in range(start, end):
            tags[n] = ("B-" if n == start else "I-") + kind
    return [tags.get(n, "O") for n in range(length)]


def mutant_no_b__inside_only(length, spans):
    tags = ["O"] * length
    for start, end, kind in spans:
        tags[start:end] = [f"I-{kind}"] * (end - start)
    return tags


def mutant_no_i__begins_everywhere(length, spans):
    tags = ["O"] * length
    for start, end, kind in spans:
        tags[start:end] = [f"B-{kind}"] * (end - start)
    return tags


def mutant_end__one_too_far(length, spans):
    tags = ["O"] * length
    for start, end, kind in sorted(spans):
        for n in range(start, min(end + 1, length)):
            tags[n] = ("B-" if n == start else "I-") + kind
    return tags


def mutant_end__one_too_short(length, spans):
    tags = ["O"] * length
    for start, end, kind in spans:
        tags[start] = f"B-{kind}"
        for n in range(start + 1, end - 1):
            tags[n] = f"I-{kind}"
    return tags


def mutant_value__b_only_between_neighbours(length, spans):
    tags = ["O"] * length
    for start, end, kind in sorted(spans):
        beside = start > 0 and tags[start - 1][2:] == kind
        tags[start:end] = [f"I-{kind}"] * (end - start)
        if beside:
            tags[start] = f"B-{kind}"
    return tags


def mutant_length__tags_of_slots_alone(length, spans):
    return [f"{'B' if n == start else 'I'}-{kind}" for start, end, kind in spans for n in range(start, end)]


def mutant_not_a_list__a_string(length, spans):
    return "O" * length
