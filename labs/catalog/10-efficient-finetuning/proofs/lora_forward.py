import torch
from torch.nn import functional as F


def alternative_merged(x, weight, bias, a, b, alpha):
    return F.linear(x, weight + (alpha / a.shape[0]) * (b @ a), bias)


def alternative_transposes(x, weight, bias, a, b, alpha):
    return x @ weight.T + bias + (x @ a.T) @ b.T * (alpha / b.shape[1])


def alternative_einsum(x, weight, bias, a, b, alpha):
    low = torch.einsum("ni,ri->nr", x, a)
    return F.linear(x, weight, bias) + torch.einsum("nr,or->no", low, b) * alpha / len(a)


def mutant_no_scale__plain(x, weight, bias, a, b, alpha):
    return F.linear(x, weight, bias) + F.linear(F.linear(x, a), b)


def mutant_alpha__not_divided(x, weight, bias, a, b, alpha):
    return F.linear(x, weight, bias) + alpha * F.linear(F.linear(x, a), b)


def mutant_frozen__no_adapter(x, weight, bias, a, b, alpha):
    return F.linear(x, weight, bias)


def mutant_only_update__no_frozen_part(x, weight, bias, a, b, alpha):
    return alpha / a.shape[0] * F.linear(F.linear(x, a), b)


def mutant_value__divided_by_width(x, weight, bias, a, b, alpha):
    return F.linear(x, weight, bias) + alpha / a.shape[1] * F.linear(F.linear(x, a), b)


def mutant_detached__no_gradient(x, weight, bias, a, b, alpha):
    with torch.no_grad():
        update = alpha / a.shape[0] * F.linear(F.linear(x, a), b)
    return F.linear(x, weight, bias) + update


def mutant_raised__wrong_order(x, weight, bias, a, b, alpha):
    return F.linear(x, weight, bias) + alpha / a.shape[0] * (x @ b @ a)
