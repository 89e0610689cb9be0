import torch


def alternative_sorted(similarity, k, ceiling):
    rows = []
    for own, row in enumerate(similarity.tolist()):
        # Compared in single precision, as the similarities are.
        top = torch.tensor(ceiling, dtype=similarity.dtype).item()
        allowed = [n for n, value in enumerate(row) if value < top and n != own]
        rows.append(sorted(allowed, key=lambda n: -row[n])[:k])
    return torch.tensor(rows)


def alternative_minus_two(similarity, k, ceiling):
    allowed = torch.where(similarity < ceiling, similarity, -2.0)
    allowed.fill_diagonal_(-2.0)
    return allowed.argsort(dim=1, descending=True)[:, :k]


def _without_itself(similarity):
    return similarity.clone().fill_diagonal_(float("-inf"))


def mutant_ceiling__ignored(similarity, k, ceiling):
    return _without_itself(similarity).topk(k, dim=1).indices


def mutant_itself__diagonal_left_to_the_ceiling(similarity, k, ceiling):
    return similarity.masked_fill(similarity >= ceiling, float("-inf")).topk(k, dim=1).indices


def mutant_itself__plain_topk(similarity, k, ceiling):
    return similarity.topk(k, dim=1).indices


def mutant_strict__at_the_ceiling(similarity, k, ceiling):
    allowed = _without_itself(similarity)
    return allowed.masked_fill(allowed > ceiling, float("-inf")).topk(k, dim=1).indices


def mutant_easiest__smallest(similarity, k, ceiling):
    allowed = similarity.clone().fill_diagonal_(float("inf"))
    return allowed.masked_fill(allowed >= ceiling, float("inf")).topk(k, dim=1, largest=False).indices


def mutant_order__reversed(similarity, k, ceiling):
    allowed = _without_itself(similarity)
    found = allowed.masked_fill(allowed >= ceiling, float("-inf")).topk(k, dim=1).indices
    return found.flip(1)


def mutant_hardest__skips_the_first(similarity, k, ceiling):
    allowed = _without_itself(similarity)
    return allowed.masked_fill(allowed >= ceiling, float("-inf")).topk(k + 1, dim=1).indices[:, 1:]


def mutant_numbers__values(similarity, k, ceiling):
    allowed = _without_itself(similarity)
    return allowed.masked_fill(allowed >= ceiling, float("-inf")).topk(k, dim=1).values.clamp(min=-1)
