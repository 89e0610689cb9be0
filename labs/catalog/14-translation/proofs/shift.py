import torch


def alternative_narrow(target):
    length = target.shape[1] - 1
    return target.narrow(1, 0, length), target.narrow(1, 1, length)


def alternative_without_end(target):
    given, wanted = target[:, :-1].clone(), target[:, 1:]
    return given.masked_fill(wanted == 0, 0), wanted


def alternative_columns(target):
    columns = target.unbind(dim=1)
    return torch.stack(columns[:-1], dim=1), torch.stack(columns[1:], dim=1)


def mutant_swapped__the_token_before(target):
    return target[:, 1:], target[:, :-1]


def mutant_sees_answer__both_late(target):
    return target[:, 1:], target[:, 1:]


def mutant_sees_answer__both_early(target):
    return target[:, :-1], target[:, :-1]


def mutant_shape__not_shifted(target):
    return target, target


def mutant_wanted__rolled_the_wrong_way(target):
    return target[:, :-1], target.roll(1, dims=1)[:, 1:] * 1 + 0 * target[:, 1:] + (target[:, :-1] == 0)


def mutant_wanted__end_cut_off(target):
    wanted = target[:, 1:].clone()
    return target[:, :-1], wanted.masked_fill(wanted == 3, 0)


def mutant_given__start_left_out(target):
    given = target[:, :-1].clone()
    given[:, 0] = 0
    return given, target[:, 1:]


def mutant_pair__only_the_input(target):
    return target[:, :-1]
