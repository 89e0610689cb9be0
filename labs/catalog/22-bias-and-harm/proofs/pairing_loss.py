import torch
from torch import nn
from torch.nn import functional as F


def alternative_l1_loss(logits, swapped, labels, weight, strength):
    return nn.CrossEntropyLoss(weight=weight)(logits, labels) + strength * F.l1_loss(logits, swapped)


def alternative_by_hand(logits, swapped, labels, weight, strength):
    right = torch.log_softmax(logits, dim=-1)[torch.arange(len(labels)), labels]
    weights = weight[labels]
    price = torch.maximum(logits - swapped, swapped - logits).sum() / logits.numel()
    return -(weights * right).sum() / weights.sum() + strength * price


def _loss(logits, labels, weight=None):
    return F.cross_entropy(logits, labels, weight=weight)


def mutant_no_price__forgotten(logits, swapped, labels, weight, strength):
    return _loss(logits, labels, weight)


def mutant_signed__no_absolute(logits, swapped, labels, weight, strength):
    return _loss(logits, labels, weight) + strength * (logits - swapped).mean()


def mutant_sum__grows_with_the_batch(logits, swapped, labels, weight, strength):
    return _loss(logits, labels, weight) + strength * (logits - swapped).abs().sum()


def mutant_strength__unused(logits, swapped, labels, weight, strength):
    return _loss(logits, labels, weight) + (logits - swapped).abs().mean()


def mutant_squared__mse(logits, swapped, labels, weight, strength):
    return _loss(logits, labels, weight) + strength * F.mse_loss(logits, swapped)


def mutant_unweighted__classes_alike(logits, swapped, labels, weight, strength):
    return _loss(logits, labels) + strength * (logits - swapped).abs().mean()


def mutant_value__probabilities(logits, swapped, labels, weight, strength):
    apart = F.softmax(logits, dim=-1) - F.softmax(swapped, dim=-1)
    return _loss(logits, labels, weight) + strength * apart.abs().mean()


def mutant_value__twin_must_be_right_too(logits, swapped, labels, weight, strength):
    both = _loss(logits, labels, weight) + _loss(swapped, labels, weight)
    return both + strength * (logits - swapped).abs().mean()


def mutant_detached__twin_as_target(logits, swapped, labels, weight, strength):
    return _loss(logits, labels, weight) + strength * (logits - swapped.detach()).abs().mean()


def mutant_detached__new_tensor(logits, swapped, labels, weight, strength):
    price = strength * (logits - swapped).abs().mean()
    return torch.tensor(_loss(logits, labels, weight).item() + price.item())
