import torch
from torch.nn import functional as F


def _stable(logits, labels):
    """Return the probabilities, the one-hot labels and the mean loss."""
    truth = torch.zeros_like(logits)
    truth[torch.arange(len(labels)), labels] = 1
    log_p = logits - torch.logsumexp(logits, dim=1, keepdim=True)
    return log_p.exp(), truth, -(log_p * truth).sum(dim=1).mean()


def alternative_one_hot(logits, labels):
    p, truth, loss = _stable(logits, labels)
    return loss, (p - truth) / len(labels)


def alternative_gather(logits, labels):
    shifted = logits - logits.amax(dim=1, keepdim=True)
    powers = shifted.exp()
    total = powers.sum(dim=1, keepdim=True)
    loss = (total.log() - shifted.gather(1, labels[:, None])).mean()
    gradient = powers / total
    gradient[torch.arange(len(labels)), labels] -= 1
    return [loss, gradient / logits.shape[0]]


def mutant_pair__only_the_loss(logits, labels):
    return _stable(logits, labels)[2]


def mutant_framework__its_loss(logits, labels):
    p, truth, _ = _stable(logits, labels)
    return F.cross_entropy(logits, labels), (p - truth) / len(labels)


def mutant_framework__its_log_softmax(logits, labels):
    log_p = torch.log_softmax(logits, dim=1)
    rows = torch.arange(len(labels))
    gradient = log_p.exp()
    gradient[rows, labels] -= 1
    return -log_p[rows, labels].mean(), gradient / len(labels)


def mutant_framework__autograd(logits, labels):
    logits = logits.clone().requires_grad_()
    loss = _stable(logits, labels)[2]
    loss.backward()
    return loss.detach(), logits.grad


def mutant_softmax_twice__probabilities_as_logits(logits, labels):
    return alternative_one_hot(logits.softmax(dim=1), labels)


def mutant_sum__over_the_batch(logits, labels):
    p, truth, loss = _stable(logits, labels)
    return loss * len(labels), p - truth


def mutant_loss__of_all_classes(logits, labels):
    p, truth, _ = _stable(logits, labels)
    return -p.log().mean(), (p - truth) / len(labels)


def mutant_loss__squared(logits, labels):
    p, truth, _ = _stable(logits, labels)
    return ((p - truth) ** 2).mean(), (p - truth) / len(labels)


def mutant_gradient_mean__not_divided(logits, labels):
    p, truth, loss = _stable(logits, labels)
    return loss, p - truth


def mutant_gradient_sign__truth_minus_p(logits, labels):
    p, truth, loss = _stable(logits, labels)
    return loss, (truth - p) / len(labels)


def mutant_gradient_softmax_twice__slope_again(logits, labels):
    p, truth, loss = _stable(logits, labels)
    gradient = (p - truth) / len(labels)
    return loss, p * (gradient - (gradient * p).sum(dim=1, keepdim=True))


def mutant_gradient_softmax_twice__of_probabilities(logits, labels):
    p, truth, loss = _stable(logits, labels)
    return loss, (p.softmax(dim=1) - truth) / len(labels)


def mutant_gradient__only_the_right_class(logits, labels):
    p, truth, loss = _stable(logits, labels)
    return loss, (p - truth) * truth / len(labels)


def mutant_overflow__plain_exp(logits, labels):
    powers = logits.exp()
    p = powers / powers.sum(dim=1, keepdim=True)
    rows = torch.arange(len(labels))
    loss = -p[rows, labels].log().mean()
    p[rows, labels] -= 1
    return loss, p / len(labels)


def mutant_overflow__largest_of_the_batch(logits, labels):
    return mutant_overflow__plain_exp(logits - logits.max(), labels)


def mutant_overflow__a_small_number_added(logits, labels):
    p, truth, _ = _stable(logits, labels)
    return -((p + 1e-8).log() * truth).sum(dim=1).mean(), (p - truth) / len(labels)
