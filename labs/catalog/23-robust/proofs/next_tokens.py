END = '"}'
FIRST = '{"意图":"'


def _forms(grammar):
    """Yield every form as a list of tokens."""

    def rest(fields):
        if not fields:
            yield [END]
            return
        (field, values, needed), *others = fields
        for value in values:
            for more in rest(others):
                yield [field, *value, *more]
        if not needed:
            yield from rest(others)

    for intent, fields in grammar.items():
        for more in rest(fields):
            yield [FIRST, *intent, *more]


def alternative_all_forms(written, grammar):
    size = len(written)
    return {
        form[size] for form in _forms(grammar) if form[:size] == list(written) and len(form) > size
    }


def _state(written, grammar):
    """Return (fields, number of the open one, what is written of its value)."""
    opened = [n for n, token in enumerate(written) if token.endswith('":"')]
    intent = "".join(written[1 : opened[1] if len(opened) > 1 else None])
    fields = [(FIRST, list(grammar), True), *grammar.get(intent, [])]
    names = [name for name, _, _ in fields]
    return fields, names.index(written[opened[-1]]), "".join(written[opened[-1] + 1 :])


def _walk(written, grammar, *, whole=None, stop=True, skip=True, close=True, both=True):
    if not written or written[-1] == END:
        return {FIRST} if not written else set()
    fields, here, begun = _state(written, grammar)
    values = fields[here][1]
    on = {v[len(begun)] for v in values if v.startswith(begun) and v != begun}
    if begun not in values and not whole:
        return on
    after = set()
    for name, _, needed in fields[here + 1 :]:
        after.add(name)
        if (needed and stop) or not skip:
            break
    else:
        after |= {END} if close else set()
    return on | after if both or not on else on


def alternative_trie(written, grammar):
    return frozenset(_walk(written, grammar))


def alternative_list(written, grammar):
    return sorted(_walk(list(written), dict(grammar)))


def mutant_half__structure_anywhere(written, grammar):
    return _walk(written, grammar, whole=True)


def mutant_prefix__longest_only(written, grammar):
    return _walk(written, grammar, both=False)


def mutant_prefix__shortest_only(written, grammar):
    found = _walk(written, grammar)
    pieces = {token for token in found if len(token) > 1}
    return pieces or found


def mutant_needed__all_may_be_skipped(written, grammar):
    return _walk(written, grammar, stop=False)


def mutant_optional__each_must_come(written, grammar):
    return _walk(written, grammar, skip=False)


def mutant_optional__only_the_next_may_open(written, grammar):
    found = _walk(written, grammar)
    openers = [token for token in found if token.endswith('":"') and token != FIRST]
    order = [name for fields in grammar.values() for name, _, _ in fields]
    return found - set(sorted(openers, key=order.index)[1:])


def mutant_value__any_character_of_the_field(written, grammar):
    found = _walk(written, grammar)
    if not written or written[-1] == END or all(len(token) > 1 for token in found):
        return found
    fields, here, _ = _state(written, grammar)
    return found | {character for value in fields[here][1] for character in value}


def mutant_not_a_set__one_token(written, grammar):
    return "".join(sorted(_walk(written, grammar))[:1])
