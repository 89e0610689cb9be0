import torch
from torch.nn import functional as F


def alternative_matrices(x, up, up_bias, down, down_bias):
    return torch.clamp(x @ up.T + up_bias, min=0) @ down.T + down_bias


def alternative_token_by_token(x, up, up_bias, down, down_bias):
    rows = [[down @ torch.relu(up @ token + up_bias) + down_bias for token in text] for text in x]
    return torch.stack([torch.stack(row) for row in rows])


def mutant_linear__nothing_between(x, up, up_bias, down, down_bias):
    return F.linear(F.linear(x, up, up_bias), down, down_bias)


def mutant_relu_last__at_the_end_too(x, up, up_bias, down, down_bias):
    return F.relu(F.linear(F.relu(F.linear(x, up, up_bias)), down, down_bias))


def mutant_relu_last__only_at_the_end(x, up, up_bias, down, down_bias):
    return F.relu(F.linear(F.linear(x, up, up_bias), down, down_bias))


def mutant_biases__forgotten(x, up, up_bias, down, down_bias):
    return F.linear(F.relu(F.linear(x, up)), down)


def mutant_residual__added_here(x, up, up_bias, down, down_bias):
    return x + F.linear(F.relu(F.linear(x, up, up_bias)), down, down_bias)


def mutant_value__tanh(x, up, up_bias, down, down_bias):
    return F.linear(torch.tanh(F.linear(x, up, up_bias)), down, down_bias)


def mutant_value__mean_over_tokens(x, up, up_bias, down, down_bias):
    each = F.linear(F.relu(F.linear(x, up, up_bias)), down, down_bias)
    return each.mean(dim=1, keepdim=True).expand_as(each)


def mutant_detached__no_grad(x, up, up_bias, down, down_bias):
    with torch.no_grad():
        return F.linear(F.relu(F.linear(x, up, up_bias)), down, down_bias)
