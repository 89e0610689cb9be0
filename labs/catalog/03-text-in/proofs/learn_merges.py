from collections import Counter

from _shared import merge


def _learn(counts, size, weigh=lambda count: count, choose=None, key=lambda pair: pair):
    tokens = {piece: [bytes([byte]) for byte in piece] for piece in counts}
    merges = []
    while len(merges) < size:
        pairs = Counter()
        for piece, parts in tokens.items():
            for pair in zip(parts, parts[1:]):
                pairs[pair] += weigh(counts[piece])
        if not pairs:
            break
        merges.append(min(pairs, key=lambda pair: (-pairs[pair], key(pair))))
        tokens = {piece: merge(parts, merges[-1]) for piece, parts in tokens.items()}
    return merges


def alternative_sorted(counts, size):
    words = [([bytes([byte]) for byte in piece], count) for piece, count in counts.items()]
    merges = []
    for _ in range(size):
        pairs = {}
        for parts, count in words:
            for i in range(len(parts) - 1):
                pairs[parts[i], parts[i + 1]] = pairs.get((parts[i], parts[i + 1]), 0) + count
        if not pairs:
            return merges
        pair = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))[0][0]
        merges.append(pair)
        words = [(merge(parts, pair), count) for parts, count in words]
    return merges


def alternative_max_then_min(counts, size):
    merges = []
    while len(merges) < size:
        pairs = Counter()
        for piece, count in counts.items():
            parts = [piece[i : i + 1] for i in range(len(piece))]
            for pair in merges:
                parts = merge(parts, pair)
            for pair in zip(parts, parts[1:]):
                pairs[pair] += count
        if not pairs:
            break
        most = max(pairs.values())
        merges.append(min(pair for pair, count in pairs.items() if count == most))
    return merges


def mutant_unweighted__each_piece_once(counts, size):
    return _learn(counts, size, weigh=lambda count: 1)


def mutant_once__counted_at_the_start(counts, size):
    pairs = Counter()
    for piece, count in counts.items():
        for i in range(len(piece) - 1):
            pairs[piece[i : i + 1], piece[i + 1 : i + 2]] += count
    return sorted(pairs, key=lambda pair: (-pairs[pair], pair))[:size]


def mutant_too_many__one_more(counts, size):
    return _learn(counts, size + 1)


def mutant_too_few__one_less(counts, size):
    return _learn(counts, size - 1)


def mutant_tie__the_larger(counts, size):
    return _learn(counts, size, key=lambda pair: tuple(tuple(-b for b in part) + (1,) for part in pair))


def mutant_merges__the_rarest(counts, size):
    return _learn(counts, size, weigh=lambda count: -count)


def mutant_merges__three_pieces_only(counts, size):
    return _learn(dict.fromkeys(sorted(counts)[:3], 1), size)


def mutant_not_pairs__tokens(counts, size):
    return [left + right for left, right in _learn(counts, size)]
