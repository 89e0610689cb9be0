import torch
from torch.nn import functional as F


def _project(x, memory, weights):
    parts = zip(weights.in_proj_weight.chunk(3), weights.in_proj_bias.chunk(3))
    return [F.linear(z, w, b) for z, (w, b) in zip((x, memory, memory), parts)]


def alternative_view_and_permute(x, memory, weights, heads, mask, attend):
    batch, _, width = x.shape
    q, k, v = (
        z.view(batch, z.shape[1], heads, width // heads).permute(0, 2, 1, 3)
        for z in _project(x, memory, weights)
    )
    return weights.out_proj(attend(q, k, v, mask).permute(0, 2, 1, 3).reshape(batch, -1, width))


def alternative_head_after_head(x, memory, weights, heads, mask, attend):
    q, k, v = (z.chunk(heads, dim=-1) for z in _project(x, memory, weights))
    each = [attend(*parts, mask) for parts in zip(q, k, v)]
    return weights.out_proj(torch.cat(each, dim=-1))


def mutant_one_head__no_split(x, memory, weights, heads, mask, attend):
    return weights.out_proj(attend(*_project(x, memory, weights), mask))


def mutant_no_output__joined_only(x, memory, weights, heads, mask, attend):
    q, k, v = (z.unflatten(-1, (heads, -1)).transpose(1, 2) for z in _project(x, memory, weights))
    return attend(q, k, v, mask).transpose(1, 2).flatten(2)


def mutant_split__view_without_transpose(x, memory, weights, heads, mask, attend):
    q, k, v = (
        z.reshape(z.shape[0], heads, z.shape[1], -1) for z in _project(x, memory, weights)
    )
    return weights.out_proj(attend(q, k, v, mask).reshape(x.shape))


def mutant_joined__without_transposing_back(x, memory, weights, heads, mask, attend):
    q, k, v = (z.unflatten(-1, (heads, -1)).transpose(1, 2) for z in _project(x, memory, weights))
    return weights.out_proj(attend(q, k, v, mask).reshape(x.shape))


def mutant_memory__always_itself(x, memory, weights, heads, mask, attend):
    q, k, v = (z.unflatten(-1, (heads, -1)).transpose(1, 2) for z in _project(x, x, weights))
    return weights.out_proj(attend(q, k, v, mask).transpose(1, 2).flatten(2))


def mutant_value__keys_and_values_swapped(x, memory, weights, heads, mask, attend):
    q, k, v = (z.unflatten(-1, (heads, -1)).transpose(1, 2) for z in _project(x, memory, weights))
    return weights.out_proj(attend(q, v, k, mask).transpose(1, 2).flatten(2))


def mutant_value__without_biases(x, memory, weights, heads, mask, attend):
    parts = weights.in_proj_weight.chunk(3)
    q, k, v = (
        F.linear(z, w).unflatten(-1, (heads, -1)).transpose(1, 2)
        for z, w in zip((x, memory, memory), parts)
    )
    return weights.out_proj(attend(q, k, v, mask).transpose(1, 2).flatten(2))
