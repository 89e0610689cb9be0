import torch


def alternative_one_at_a_time(score, row, place, size):
    total = 0.0
    for token in range(size):
        other = row.clone()
        other[place] = token
        total += float(score(other.unsqueeze(0))[0, place].exp())
    return total


def alternative_expanded(score, row, place, size):
    rows = row.expand(size, -1).clone()
    rows[:, place] = torch.tensor(range(size))
    return torch.logsumexp(score(rows)[:, place], dim=0).exp().item()


def _rows(row, place, size):
    rows = row.repeat(size, 1)
    rows[:, place] = torch.arange(size)
    return rows


def mutant_changed__in_place(score, row, place, size):
    total = 0.0
    for token in range(size):
        row[place] = token
        total += score(row[None])[0, place].exp().item()
    return total


def mutant_one__the_token_that_stands_there(score, row, place, size):
    return score(row[None])[0, place].exp().item()


def mutant_logs__added(score, row, place, size):
    return score(_rows(row, place, size))[:, place].sum().item()


def mutant_whole_row__product_along_it(score, row, place, size):
    return score(_rows(row, place, size)).sum(dim=1).exp().sum().item()


def mutant_place__one_before(score, row, place, size):
    return score(_rows(row, place, size))[:, place - 1].exp().sum().item()


def mutant_place__one_after(score, row, place, size):
    return score(_rows(row, place, size))[:, place + 1].exp().sum().item()


def mutant_value__mean(score, row, place, size):
    return score(_rows(row, place, size))[:, place].exp().mean().item()


def mutant_value__always_one(score, row, place, size):
    return 1.0
