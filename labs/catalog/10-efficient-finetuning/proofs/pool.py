import torch


def alternative_einsum(hidden, mask):
    weight = mask.to(hidden.dtype)
    weight = weight / weight.sum(dim=1, keepdim=True)
    return torch.einsum("btw,bt->bw", hidden, weight)


def alternative_loop(hidden, mask):
    rows = []
    for vectors, kept in zip(hidden, mask):
        rows.append(vectors[kept.bool()].mean(dim=0))
    return torch.stack(rows)


def alternative_masked_fill(hidden, mask):
    padding = mask.unsqueeze(-1) == 0
    return hidden.masked_fill(padding, 0).sum(1) / mask.sum(1, keepdim=True)


def mutant_padding__plain_mean(hidden, mask):
    return hidden.mean(dim=1)


def mutant_divisor__masked_then_mean(hidden, mask):
    return (hidden * mask.unsqueeze(-1)).mean(dim=1)


def mutant_sum__forgot_to_divide(hidden, mask):
    return (hidden * mask.unsqueeze(-1)).sum(dim=1)


def mutant_first__cls(hidden, mask):
    return hidden[:, 0]


def mutant_value__max(hidden, mask):
    return hidden.masked_fill(mask.unsqueeze(-1) == 0, float("-1e9")).max(dim=1).values


def mutant_shape__over_the_batch(hidden, mask):
    return (hidden * mask.unsqueeze(-1)).sum(dim=0) / mask.sum()


def mutant_dtype__through_double(hidden, mask):
    weight = mask.unsqueeze(-1).double()
    return (hidden * weight).sum(dim=1) / weight.sum(dim=1)


def mutant_not_a_tensor__numpy(hidden, mask):
    weight = mask.unsqueeze(-1).to(hidden.dtype)
    return ((hidden * weight).sum(dim=1) / weight.sum(dim=1)).numpy()
