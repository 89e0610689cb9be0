import math

import torch
from torch import nn


def alternative_kaiming(rank, inputs, outputs):
    a = torch.empty(rank, inputs)
    nn.init.kaiming_uniform_(a, a=math.sqrt(5))
    return a, torch.zeros(outputs, rank)


def alternative_the_other_way(rank, inputs, outputs):
    return torch.zeros(rank, inputs), 0.02 * torch.randn(outputs, rank)


def alternative_orthogonal(rank, inputs, outputs):
    return nn.init.orthogonal_(torch.empty(rank, inputs)), torch.zeros(outputs, rank)


def mutant_dead__both_zero(rank, inputs, outputs):
    return torch.zeros(rank, inputs), torch.zeros(outputs, rank)


def mutant_disturbs__both_random(rank, inputs, outputs):
    return torch.randn(rank, inputs) * 0.02, torch.randn(outputs, rank) * 0.02


def mutant_same_rows__ones(rank, inputs, outputs):
    return torch.ones(rank, inputs) / inputs, torch.zeros(outputs, rank)


def mutant_size__far_too_large(rank, inputs, outputs):
    return 50 * torch.randn(rank, inputs), torch.zeros(outputs, rank)


def mutant_pair__one_matrix(rank, inputs, outputs):
    return torch.zeros(outputs, inputs)


def mutant_shape__transposed(rank, inputs, outputs):
    return torch.randn(inputs, rank) / math.sqrt(inputs), torch.zeros(rank, outputs)


def mutant_dtype__double(rank, inputs, outputs):
    return torch.randn(rank, inputs).double(), torch.zeros(outputs, rank).double()
