import torch


def _beam(next_logits, start, end, most, width, *, refill=False, lose=False, length=False, raw=False, cut=True):
    beams, finished = [([], 0.0)], []
    for _ in range(most):
        grown = []
        for tokens, score in beams:
            logits = next_logits([*start, *tokens])
            log_p = logits if raw else logits.log_softmax(dim=-1)
            grown += [([*tokens, n], score + p) for n, p in enumerate(log_p.tolist())]
        grown.sort(key=lambda beam: beam[1], reverse=True)
        if refill:
            finished += [beam for beam in grown if beam[0][-1] == end]
            beams = [beam for beam in grown if beam[0][-1] != end][:width]
        else:
            finished += [beam for beam in grown[:width] if beam[0][-1] == end]
            beams = [beam for beam in grown[:width] if beam[0][-1] != end]
    pool = beams if lose and beams else finished + beams
    tokens, _ = max(pool, key=lambda beam: beam[1] / (len(beam[0]) if length else 1))
    return tokens[:-1] if cut and tokens[-1] == end else tokens


def alternative_refilled(next_logits, start, end, most, width):
    return _beam(next_logits, start, end, most, width, refill=True)


def alternative_finished_stay(next_logits, start, end, most, width):
    beams = [(0.0, [])]
    for _ in range(most):
        grown = []
        for score, tokens in beams:
            if tokens and tokens[-1] == end:
                grown.append((score, tokens))
                continue
            log_p = torch.log_softmax(next_logits(start + tokens), dim=-1).tolist()
            grown += [(score + p, [*tokens, n]) for n, p in enumerate(log_p)]
        beams = sorted(grown, reverse=True)[:width]
    return [n for n in beams[0][1] if n != end]


def mutant_greedy__ignores_width(next_logits, start, end, most, width):
    return _beam(next_logits, start, end, most, 1)


def mutant_lost__only_the_living(next_logits, start, end, most, width):
    return _beam(next_logits, start, end, most, width, lose=True)


def mutant_length__per_token(next_logits, start, end, most, width):
    return _beam(next_logits, start, end, most, width, length=True)


def mutant_end__left_in(next_logits, start, end, most, width):
    return _beam(next_logits, start, end, most, width, cut=False)


def mutant_start__left_in(next_logits, start, end, most, width):
    return [*start, *_beam(next_logits, start, end, most, width)]


def mutant_width__three_always(next_logits, start, end, most, width):
    return _beam(next_logits, start, end, most, 3)


def mutant_value__sums_logits(next_logits, start, end, most, width):
    return _beam(next_logits, start, end, most, width, raw=True)


def mutant_list__tensor(next_logits, start, end, most, width):
    return torch.tensor(_beam(next_logits, start, end, most, width))
