import math

import torch
from torch.nn import functional as F


def alternative_additive_mask(q, k, v, mask):
    scores = q @ k.mT * q.shape[-1] ** -0.5
    if mask is not None:
        scores = scores + torch.zeros(mask.shape).masked_fill(mask.logical_not(), -1e9)
    return scores.softmax(-1) @ v


def alternative_einsum(q, k, v, mask):
    scores = torch.einsum("...qd,...kd->...qk", q / math.sqrt(q.size(-1)), k)
    if mask is not None:
        scores = torch.where(mask, scores, torch.tensor(float("-inf")))
    return torch.einsum("...qk,...kd->...qd", F.softmax(scores, dim=-1), v)


def alternative_renormalized(q, k, v, mask):
    powers = torch.exp(q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1]))
    if mask is not None:
        powers = powers * mask
    return powers / powers.sum(-1, keepdim=True) @ v


def _scores(q, k):
    return q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])


def mutant_scale__forgotten(q, k, v, mask):
    scores = q @ k.transpose(-2, -1)
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return scores.softmax(-1) @ v


def mutant_width__not_its_root(q, k, v, mask):
    scores = q @ k.transpose(-2, -1) / q.shape[-1]
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return scores.softmax(-1) @ v


def mutant_axis__over_the_queries(q, k, v, mask):
    scores = _scores(q, k)
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return scores.softmax(-2) @ v


def mutant_mask_ignored__sees_all(q, k, v, mask):
    return _scores(q, k).softmax(-1) @ v


def mutant_mask_late__after_the_softmax(q, k, v, mask):
    share = _scores(q, k).softmax(-1)
    if mask is not None:
        share = share * mask
    return share @ v


def mutant_mask_zero__before_the_softmax(q, k, v, mask):
    scores = _scores(q, k)
    if mask is not None:
        scores = scores * mask
    return scores.softmax(-1) @ v


def mutant_mask_inverted__true_hides(q, k, v, mask):
    scores = _scores(q, k)
    if mask is not None:
        scores = scores.masked_fill(mask, float("-inf"))
    return scores.softmax(-1) @ v


def mutant_value__relu_for_softmax(q, k, v, mask):
    scores = _scores(q, k).relu()
    if mask is not None:
        scores = scores * mask
    return scores / scores.sum(-1, keepdim=True).clamp(min=1) @ v


def mutant_shape__weights_alone(q, k, v, mask):
    scores = _scores(q, k)
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return scores.softmax(-1)
