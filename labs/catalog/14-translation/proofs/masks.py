import torch


def alternative_positions(source, target):
    place = torch.arange(target.shape[1])
    past = place[None, :] <= place[:, None]
    return source.ne(0)[:, None, :], target.ne(0)[:, None, :] & past[None]


def alternative_loop(source, target):
    batch, length = target.shape
    mask = torch.zeros(batch, length, length, dtype=torch.bool)
    for row in range(batch):
        for query in range(length):
            for key in range(query + 1):
                mask[row, query, key] = target[row, key] > 0
    return (source > 0)[:, None], mask


def alternative_triu(source, target):
    length = target.shape[1]
    future = torch.triu(torch.ones(length, length), diagonal=1).bool()
    return (source != 0).unsqueeze(-2), ~((target == 0).unsqueeze(-2) | future)


def _parts(source, target):
    length = target.shape[1]
    past = torch.ones(length, length, dtype=torch.bool).tril()
    return (source != 0).unsqueeze(1), (target != 0).unsqueeze(1), past


def mutant_future__padding_alone(source, target):
    ours, real, past = _parts(source, target)
    return ours, real.expand(-1, past.shape[0], -1)


def mutant_padding__triangle_alone(source, target):
    ours, _, past = _parts(source, target)
    return ours, past.expand(len(target), -1, -1)


def mutant_transposed__upper_triangle(source, target):
    ours, real, past = _parts(source, target)
    return ours, (real & past).transpose(1, 2)


def mutant_inverted__true_means_hidden(source, target):
    ours, real, past = _parts(source, target)
    return ~ours, ~(real & past)


def mutant_inverted__the_target_alone(source, target):
    ours, real, past = _parts(source, target)
    return ours, ~(real & past)


def mutant_source_padding__all_visible(source, target):
    ours, real, past = _parts(source, target)
    return torch.ones_like(ours), real & past


def mutant_source__the_last_word_lost(source, target):
    ours, real, past = _parts(source, target)
    return ours & ours.roll(-1, dims=2), real & past


def mutant_not_itself__strictly_before(source, target):
    ours, real, past = _parts(source, target)
    return ours, real & past.tril(-1)


def mutant_empty_row__padded_queries_too(source, target):
    ours, real, past = _parts(source, target)
    return ours, real & real.transpose(1, 2) & past


def mutant_target__one_ahead(source, target):
    ours, real, _ = _parts(source, target)
    length = target.shape[1]
    return ours, real & torch.ones(length, length, dtype=torch.bool).tril(1)


def mutant_shape__two_dimensions(source, target):
    _, real, past = _parts(source, target)
    return source != 0, real & past


def mutant_dtype__numbers(source, target):
    ours, real, past = _parts(source, target)
    return ours.long(), (real & past).long()


def mutant_pair__the_target_alone(source, target):
    _, real, past = _parts(source, target)
    return real & past
