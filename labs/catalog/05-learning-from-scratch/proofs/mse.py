import torch
from torch.nn import functional as F


def alternative_squeeze(outputs, targets):
    error = outputs.squeeze(1) - targets
    return (error * error).sum() / len(error), (2 * error / len(error)).unsqueeze(1)


def alternative_dot(outputs, targets):
    error = outputs - targets[:, None]
    return (error.T @ error)[0, 0] / len(targets), 2 / len(targets) * error


def mutant_pair__only_the_loss(outputs, targets):
    return alternative_squeeze(outputs, targets)[0]


def mutant_framework__its_loss(outputs, targets):
    return F.mse_loss(outputs[:, 0], targets), alternative_squeeze(outputs, targets)[1]


def mutant_framework__autograd(outputs, targets):
    outputs = outputs.clone().requires_grad_()
    loss = ((outputs[:, 0] - targets) ** 2).mean()
    return loss, torch.autograd.grad(loss, outputs)[0]


def mutant_broadcast__all_pairs(outputs, targets):
    error = outputs - targets
    return (error**2).mean(), 2 * error.mean(dim=1, keepdim=True) / len(targets)


def mutant_half__from_the_textbook(outputs, targets):
    loss, gradient = alternative_squeeze(outputs, targets)
    return loss / 2, gradient / 2


def mutant_sum__over_the_batch(outputs, targets):
    error = outputs - targets[:, None]
    return (error**2).sum(), 2 * error


def mutant_root__rmse(outputs, targets):
    loss, gradient = alternative_squeeze(outputs, targets)
    return loss.sqrt(), gradient


def mutant_loss__absolute(outputs, targets):
    error = outputs - targets[:, None]
    return error.abs().mean(), error.sign() / len(targets)


def mutant_gradient_mean__not_divided(outputs, targets):
    loss, gradient = alternative_squeeze(outputs, targets)
    return loss, gradient * len(targets)


def mutant_gradient_two__forgotten(outputs, targets):
    loss, gradient = alternative_squeeze(outputs, targets)
    return loss, gradient / 2


def mutant_gradient__sign(outputs, targets):
    loss, gradient = alternative_squeeze(outputs, targets)
    return loss, -gradient


def mutant_shape__flat_gradient(outputs, targets):
    loss, gradient = alternative_squeeze(outputs, targets)
    return loss, gradient[:, 0]
