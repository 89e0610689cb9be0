def alternative_closing(tags):
    spans, begun = [], None
    for n, tag in enumerate([*tags, "O"]):
        if begun and (tag == "O" or tag[0] == "B" or tag[2:] != begun[1]):
            spans.append((begun[0], n, begun[1]))
            begun = None
        if tag != "O" and begun is None:
            begun = (n, tag[2:])
    return spans


def alternative_walk(tags):
    spans, n = [], 0
    while n < len(tags):
        if tags[n] == "O":
            n += 1
            continue
        kind, start = tags[n].split("-", 1)[1], n
        n += 1
        while n < len(tags) and tags[n] == f"I-{kind}":
            n += 1
        spans.append([start, n, kind])
    return spans


def mutant_orphan__only_b_begins(tags):
    spans = []
    for n, tag in enumerate(tags):
        if tag[0] == "B":
            spans.append((n, n + 1, tag[2:]))
        elif tag[0] == "I" and spans and spans[-1][1] == n and spans[-1][2] == tag[2:]:
            spans[-1] = (spans[-1][0], n + 1, tag[2:])
    return spans


def mutant_orphan__kind_is_not_compared(tags):
    spans = []
    for n, tag in enumerate(tags):
        if tag[0] == "I" and spans and spans[-1][1] == n:
            spans[-1] = (spans[-1][0], n + 1, spans[-1][2])
        elif tag != "O":
            spans.append((n, n + 1, tag[2:]))
    return spans


def mutant_merged__like_tags_are_one(tags):
    spans = []
    for n, tag in enumerate(tags):
        if tag != "O" and spans and spans[-1][1] == n and spans[-1][2] == tag[2:]:
            spans[-1] = (spans[-1][0], n + 1, tag[2:])
        elif tag != "O":
            spans.append((n, n + 1, tag[2:]))
    return spans


def mutant_last__never_closed(tags):
    spans, begun = [], None
    for n, tag in enumerate(tags):
        if begun and (tag == "O" or tag[0] == "B" or tag[2:] != begun[1]):
            spans.append((begun[0], n, begun[1]))
            begun = None
        if tag != "O" and begun is None:
            begun = (n, tag[2:])
    return spans


def mutant_end__inclusive(tags):
    return [(start, end - 1, kind) for start, end, kind in alternative_walk(tags)]


def mutant_order__from_the_right(tags):
    return alternative_walk(tags)[::-1]


def mutant_not_spans__numbers(tags):
    return [n for n, tag in enumerate(tags) if tag != "O"]


def mutant_value__every_character(tags):
    return [(n, n + 1, tag[2:]) for n, tag in enumerate(tags) if tag != "O"]
