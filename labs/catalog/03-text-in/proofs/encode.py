import re

from _shared import merge


def pieces(text):
    return [piece.encode() for piece in re.findall(r" ?[^\W\d_]+|\d| ?(?:[^\w\s]|_)+|\s+", text)]


def alternative_each_merge_in_turn(text, ranks):
    tokens = []
    for piece in pieces(text):
        parts = [bytes([byte]) for byte in piece]
        for pair in sorted(ranks, key=ranks.get):
            parts = merge(parts, pair)
        tokens += parts
    return tokens


def alternative_one_at_a_time(text, ranks):
    tokens = []
    for piece in pieces(text):
        parts = [piece[i : i + 1] for i in range(len(piece))]
        while True:
            found = [(ranks[pair], i) for i, pair in enumerate(zip(parts, parts[1:])) if pair in ranks]
            if not found:
                break
            i = min(found)[1]
            parts[i : i + 2] = [parts[i] + parts[i + 1]]
        tokens.extend(parts)
    return tokens


def mutant_no_merge__bytes(text, ranks):
    return [bytes([byte]) for byte in text.encode()]


def mutant_longest__token_of_the_vocabulary(text, ranks):
    whole, tokens = {a + b for a, b in ranks}, []
    for piece in pieces(text):
        while piece:
            end = next((e for e in range(len(piece), 0, -1) if piece[:e] in whole), 1)
            tokens.append(piece[:end])
            piece = piece[end:]
    return tokens


def mutant_stops_early__one_round(text, ranks):
    tokens = []
    for piece in pieces(text):
        parts = [bytes([byte]) for byte in piece]
        found = [pair for pair in zip(parts, parts[1:]) if pair in ranks]
        tokens += merge(parts, min(found, key=ranks.get)) if found else parts
    return tokens


def mutant_order__the_last_learnt_first(text, ranks):
    tokens = []
    for piece in pieces(text):
        parts = [bytes([byte]) for byte in piece]
        while found := [pair for pair in zip(parts, parts[1:]) if pair in ranks]:
            parts = merge(parts, max(found, key=ranks.get))
        tokens += parts
    return tokens


def mutant_lossy__unknown_characters(text, ranks):
    known = {part for pair in ranks for part in pair}
    return [token if len(token) > 1 or token in known or token < b"\x80" else b"?"
            for token in alternative_one_at_a_time(text, ranks)]


def mutant_lossy__blanks(text, ranks):
    return alternative_one_at_a_time("".join(text.split()), ranks)


def mutant_not_tokens__text(text, ranks):
    return [token.decode(errors="replace") for token in alternative_one_at_a_time(text, ranks)]
