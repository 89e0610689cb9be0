import torch


def alternative_for_loop(next_logits, start, end, most, temperature, generator):
    ids = [start]
    for _ in range(most):
        share = (next_logits(list(ids)) / temperature).softmax(-1)
        ids.append(int(torch.multinomial(share, 1, generator=generator)))
        if ids[-1] == end:
            return ids[1:-1]
    return ids[1:]


def alternative_inverse_of_the_sum(next_logits, start, end, most, temperature, generator):
    ids = [start]
    while len(ids) <= most:
        share = torch.softmax(next_logits(ids.copy()).double() / temperature, dim=-1).cumsum(0)
        point = torch.rand(1, generator=generator).item() * share[-1].item()
        token = int(torch.searchsorted(share, point))
        if token == end:
            break
        ids.append(token)
    return ids[1:]


def _write(next_logits, start, end, most, draw, ask=list, first=0):
    said = []
    while len(said) < most:
        token = draw(next_logits(ask([start, *said])))
        if token == end:
            break
        said.append(token)
    return said


def _draw(temperature, generator):
    return lambda logits: torch.multinomial((logits / temperature).softmax(-1), 1, generator=generator).item()


def mutant_start__returned(next_logits, start, end, most, temperature, generator):
    return [start, *_write(next_logits, start, end, most, _draw(temperature, generator))]


def mutant_end__returned(next_logits, start, end, most, temperature, generator):
    said = []
    while len(said) < most and end not in said:
        said.append(_draw(temperature, generator)(next_logits([start, *said])))
    return said


def mutant_goes_on__drops_the_end(next_logits, start, end, most, temperature, generator):
    said = []
    for _ in range(most):
        token = _draw(temperature, generator)(next_logits([start, *said]))
        if token != end:
            said.append(token)
    return said


def mutant_prefix__last_token_only(next_logits, start, end, most, temperature, generator):
    return _write(next_logits, start, end, most, _draw(temperature, generator), ask=lambda ids: ids[-1:])


def mutant_prefix__without_start(next_logits, start, end, most, temperature, generator):
    return _write(next_logits, start, end, most, _draw(temperature, generator), ask=lambda ids: ids[1:])


def mutant_most__one_too_many(next_logits, start, end, most, temperature, generator):
    return _write(next_logits, start, end, most + 1, _draw(temperature, generator))


def mutant_greedy__the_most_probable(next_logits, start, end, most, temperature, generator):
    return _write(next_logits, start, end, most, lambda logits: logits.argmax().item())


def mutant_temperature__ignored(next_logits, start, end, most, temperature, generator):
    return _write(next_logits, start, end, most, _draw(1.0, generator))


def mutant_inverse__multiplied(next_logits, start, end, most, temperature, generator):
    return _write(next_logits, start, end, most, _draw(1 / temperature, generator))


def mutant_distribution__even(next_logits, start, end, most, temperature, generator):
    def draw(logits):
        likely = (logits.softmax(-1) > 0.001).float()
        return torch.multinomial(likely, 1, generator=generator).item()

    return _write(next_logits, start, end, most, draw)


def mutant_generator__another_one(next_logits, start, end, most, temperature, generator):
    return _write(next_logits, start, end, most, _draw(temperature, None))


def mutant_value__reversed(next_logits, start, end, most, temperature, generator):
    return [*_write(next_logits, start, end, most, _draw(temperature, generator)), 4][::-1]


def mutant_not_a_list__a_number(next_logits, start, end, most, temperature, generator):
    return _draw(temperature, generator)(next_logits([start]))
