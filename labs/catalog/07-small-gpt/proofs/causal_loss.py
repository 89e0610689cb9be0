import torch
from torch import nn
from torch.nn import functional as F


def alternative_transposed(logits, targets):
    return nn.CrossEntropyLoss()(logits.transpose(1, 2), targets)


def alternative_by_hand(logits, targets):
    real = targets != -100
    log_p = torch.log_softmax(logits, dim=-1)
    picked = log_p.gather(2, targets.clamp(min=0).unsqueeze(2)).squeeze(2)
    return -(picked * real).sum() / real.sum()


def alternative_only_the_real(logits, targets):
    real = targets >= 0
    chosen = logits[real]
    return (chosen.logsumexp(dim=-1) - chosen[torch.arange(len(chosen)), targets[real]]).mean()


def _each(logits, targets):
    return F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")


def mutant_sign__log_likelihood(logits, targets):
    return -F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def mutant_sum__no_mean(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")


def mutant_padding__in_the_divisor(logits, targets):
    return _each(logits, targets).mean()


def mutant_per_poem__means_of_means(logits, targets):
    real = targets >= 0
    return (_each(logits, targets).sum(dim=1) / real.sum(dim=1)).mean()


def mutant_shifted_twice__as_the_library_does(logits, targets):
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), targets[:, 1:].flatten())


def mutant_softmax__twice(logits, targets):
    return F.cross_entropy(logits.softmax(dim=-1).flatten(0, 1), targets.flatten())


def mutant_value__padding_is_a_token(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.clamp(min=0).flatten())


def mutant_value__bits(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten()) / 0.6931


def mutant_detached__a_new_tensor(logits, targets):
    return torch.tensor(F.cross_entropy(logits.flatten(0, 1), targets.flatten()).item())


def mutant_not_a_tensor__item(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten()).item()


def mutant_raised__places_as_classes(logits, targets):
    return F.cross_entropy(logits, targets)
