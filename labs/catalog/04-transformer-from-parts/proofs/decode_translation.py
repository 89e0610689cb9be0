def alternative_for_loop(encode, next_logits, source, start, end, most):
    ids, memory = [start], encode(source)
    for _ in range(most):
        ids.append(int(next_logits(list(ids), memory).argmax(-1)))
        if ids[-1] == end:
            return ids[1:-1]
    return ids[1:]


def alternative_recursive(encode, next_logits, source, start, end, most):
    memory = encode(source)

    def rest(said):
        if len(said) == most:
            return said
        token = max(range(len(logits := next_logits([start] + said, memory))), key=lambda n: logits[n])
        return said if token == end else rest([*said, token])

    return rest([])


def _write(next_logits, memory, start, end, most, ask=list):
    said = []
    while len(said) < most:
        token = next_logits(ask([start, *said]), memory).argmax().item()
        if token == end:
            break
        said.append(token)
    return said


def mutant_encodes__for_every_token(encode, next_logits, source, start, end, most):
    said = []
    while len(said) < most:
        token = next_logits([start, *said], encode(source)).argmax().item()
        if token == end:
            break
        said.append(token)
    return said


def mutant_source__the_start(encode, next_logits, source, start, end, most):
    return _write(next_logits, encode(start), start, end, most)


def mutant_memory__the_source_itself(encode, next_logits, source, start, end, most):
    encode(source)
    return _write(next_logits, source, start, end, most)


def mutant_start__returned(encode, next_logits, source, start, end, most):
    return [start, *_write(next_logits, encode(source), start, end, most)]


def mutant_end__returned(encode, next_logits, source, start, end, most):
    memory, said = encode(source), []
    while len(said) < most and end not in said:
        said.append(next_logits([start, *said], memory).argmax().item())
    return said


def mutant_goes_on__drops_the_end(encode, next_logits, source, start, end, most):
    memory, said = encode(source), []
    for _ in range(most):
        token = next_logits([start, *said], memory).argmax().item()
        if token != end:
            said.append(token)
    return said


def mutant_prefix__last_token_only(encode, next_logits, source, start, end, most):
    return _write(next_logits, encode(source), start, end, most, ask=lambda ids: ids[-1:])


def mutant_most__one_too_many(encode, next_logits, source, start, end, most):
    return _write(next_logits, encode(source), start, end, most + 1)


def mutant_draws__at_random(encode, next_logits, source, start, end, most):
    import torch

    memory, said = encode(source), []
    while len(said) < most:
        share = next_logits([start, *said], memory).softmax(-1)
        token = torch.multinomial(share, 1).item()
        if token == end:
            break
        said.append(token)
    return said


def mutant_value__reversed(encode, next_logits, source, start, end, most):
    return [4, *_write(next_logits, encode(source), start, end, most)]


def mutant_not_a_list__text(encode, next_logits, source, start, end, most):
    return str(_write(next_logits, encode(source), start, end, most))
