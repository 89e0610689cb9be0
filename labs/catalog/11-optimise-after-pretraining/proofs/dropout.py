import torch
from torch import nn
from torch.nn import functional as F


def alternative_of_torch(x, p, training):
    return F.dropout(x, p, training)


def alternative_bernoulli(x, p, training):
    return x * torch.bernoulli(torch.full_like(x, 1 - p)).div(1 - p) if training else x


def alternative_module(x, p, training):
    return nn.Dropout(p).train(training)(x)


def mutant_eval_active__always_on(x, p, training):
    return F.dropout(x, p, training=True)


def mutant_eval_active__off_in_training(x, p, training):
    return F.dropout(x, p, training=not training)


def mutant_eval_scaled__the_old_form(x, p, training):
    return x * (torch.rand_like(x) >= p) if training else x * (1 - p)


def mutant_not_scaled__mask_only(x, p, training):
    return x * (torch.rand_like(x) >= p) if training else x


def mutant_keeps_p__probability_of_staying(x, p, training):
    if not training or p == 0:
        return x
    return x * (torch.rand_like(x) < p) / p


def mutant_share__normal_numbers(x, p, training):
    if not training or p == 0:
        return x
    return x * (torch.randn_like(x) >= p) / (1 - p)


def mutant_value__scaled_by_p(x, p, training):
    if not training or p == 0:
        return x
    return x * (torch.rand_like(x) >= p) / p


def mutant_whole_rows__one_number_a_row(x, p, training):
    if not training:
        return x
    return x * (torch.rand(len(x), 1) >= p) / (1 - p)


def mutant_whole_rows__units_for_the_batch(x, p, training):
    if not training:
        return x
    return x * (torch.rand(x.shape[-1]) >= p) / (1 - p)


def mutant_same_mask__fixed_seed(x, p, training):
    if not training:
        return x
    generator = torch.Generator().manual_seed(0)
    return x * (torch.rand(x.shape, generator=generator) >= p) / (1 - p)


def mutant_gradient__without_grad(x, p, training):
    if not training or p == 0:
        return x
    with torch.no_grad():
        change = F.dropout(x, p) - x
    return x + change


def mutant_in_place__zeroes_x(x, p, training):
    if training and p:
        x = x * (torch.rand_like(x) >= p) / (1 - p)
    else:
        x.mul_(1.0).add_(1e-3)
    return x


def mutant_zero__offset(x, p, training):
    return F.dropout(x, max(p, 0.1)) if training else x


def mutant_gap__only_for_large_batches(x, p, training):
    return F.dropout(x, p, training and len(x) > 32)
