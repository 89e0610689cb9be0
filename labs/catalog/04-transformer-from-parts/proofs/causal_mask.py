import torch


def alternative_compare(length):
    place = torch.arange(length)
    return place[:, None] >= place[None, :]


def alternative_not_triu(length):
    return ~torch.triu(torch.ones(length, length, dtype=torch.bool), diagonal=1)


def mutant_leaks__one_too_far(length):
    return torch.ones(length, length, dtype=torch.bool).tril(diagonal=1)


def mutant_leaks__sees_everything(length):
    return torch.ones(length, length, dtype=torch.bool)


def mutant_blind__not_itself(length):
    return torch.ones(length, length, dtype=torch.bool).tril(diagonal=-1)


def mutant_inverted__true_hides(length):
    return torch.ones(length, length, dtype=torch.bool).triu(diagonal=1)


def mutant_value__only_the_last_two(length):
    whole = torch.ones(length, length, dtype=torch.bool)
    return whole.tril() & whole.triu(diagonal=-1)


def mutant_dtype__floats(length):
    return torch.ones(length, length).tril()
