import torch


def alternative_while(next_logits, start, end, most):
    tokens = list(start)
    while len(tokens) - len(start) < most:
        token = int(torch.argmax(torch.softmax(next_logits(tokens), dim=-1)))
        if token == end:
            break
        tokens = [*tokens, token]
    return tokens[len(start) :]


def alternative_topk(next_logits, start, end, most):
    written = []
    for _ in range(most):
        (token,) = next_logits(start + written).topk(1).indices.tolist()
        if token == end:
            return written
        written.append(token)
    return written


def _walk(next_logits, start, most, end):
    written = []
    for _ in range(most):
        written.append(next_logits([*start, *written]).argmax().item())
        if written[-1] == end:
            break
    return written


def mutant_end__left_in(next_logits, start, end, most):
    return _walk(next_logits, start, most, end)


def mutant_start__left_in(next_logits, start, end, most):
    return [*start, *(n for n in _walk(next_logits, start, most, end) if n != end)]


def mutant_context__only_the_last(next_logits, start, end, most):
    return [n for n in _walk(lambda tokens: next_logits(tokens[1:]), start, most, end) if n != end]


def mutant_list__tensor(next_logits, start, end, most):
    return torch.tensor([n for n in _walk(next_logits, start, most, end) if n != end])


def mutant_too_long__one_more(next_logits, start, end, most):
    return [n for n in _walk(next_logits, start, most + 1, end) if n != end]


def mutant_value__never_stops(next_logits, start, end, most):
    return [n for n in _walk(next_logits, start, most, None) if n != end]


def mutant_value__least_probable(next_logits, start, end, most):
    return [n for n in _walk(lambda tokens: -next_logits(tokens), start, most, end) if n != end]
