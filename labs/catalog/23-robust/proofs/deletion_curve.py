import torch


def alternative_one_row_after_another(score, ids, adds, blank):
    row, scores = ids.clone(), [score(ids[None])[0]]
    for at in torch.sort(adds, descending=True).indices.tolist():
        row[at] = blank
        scores.append(score(row[None].clone())[0])
    return torch.stack(scores)


def alternative_ranks(score, ids, adds, blank):
    rank = adds.argsort(descending=True).argsort()
    rows = ids.expand(len(ids) + 1, -1)
    return score(rows.masked_fill(rank[None] < torch.arange(len(ids) + 1)[:, None], blank))


def _curve(score, ids, order, blank):
    rows = ids.repeat(len(ids) + 1, 1)
    for gone in range(1, len(ids) + 1):
        rows[gone, order[:gone]] = blank
    return score(rows)


def mutant_ascending__weakest_first(score, ids, adds, blank):
    return _curve(score, ids, adds.argsort(), blank)


def mutant_absolute__strongest_either_way(score, ids, adds, blank):
    return _curve(score, ids, adds.abs().argsort(descending=True), blank)


def mutant_in_reading_order__no_sort(score, ids, adds, blank):
    return _curve(score, ids, torch.arange(len(ids)), blank)


def mutant_start__only_after_the_first(score, ids, adds, blank):
    return _curve(score, ids, adds.argsort(descending=True), blank)[1:]


def mutant_one_at_a_time__occlusion(score, ids, adds, blank):
    order, rows = adds.argsort(descending=True), ids.repeat(len(ids) + 1, 1)
    for n, at in enumerate(order, 1):
        rows[n, at] = blank
    return score(rows)


def mutant_changes_ids__in_place(score, ids, adds, blank):
    scores = [score(ids[None])[0]]
    for at in adds.argsort(descending=True):
        ids[at] = blank
        scores.append(score(ids[None])[0])
    return torch.stack(scores)


def mutant_batch__one_text(score, ids, adds, blank):
    return torch.stack([score(ids)] * (len(ids) + 1))


def mutant_value__cut_out(score, ids, adds, blank):
    scores = [score(ids[None])[0]]
    for gone in range(1, len(ids) + 1):
        keep = sorted(adds.argsort(descending=True)[gone:].tolist())
        scores.append(score(ids[keep][None])[0] if keep else score(ids[:1][None])[0])
    return torch.stack(scores)
