import math

import torch


def alternative_sums(losses):
    return math.exp(sum(each.sum().item() for each in losses) / sum(len(each) for each in losses))


def alternative_weighted(losses):
    weights = torch.tensor([float(len(each)) for each in losses])
    means = torch.stack([each.mean() for each in losses])
    return float(torch.exp((weights * means).sum() / weights.sum()))


def mutant_not_exp__the_loss(losses):
    return torch.cat(losses).mean().item()


def mutant_base__two(losses):
    return 2 ** torch.cat(losses).mean().item()


def mutant_poems__mean_of_means(losses):
    return torch.stack([each.mean() for each in losses]).mean().exp().item()


def mutant_of_poems__mean_of_perplexities(losses):
    return sum(each.mean().exp().item() for each in losses) / len(losses)


def mutant_of_tokens__exp_first(losses):
    return torch.cat(losses).exp().mean().item()


def mutant_value__exp_of_the_sum_by_poems(losses):
    return math.exp(sum(each.sum().item() for each in losses) / len(losses) / 10)


def mutant_raised__stacked(losses):
    return torch.stack(losses).mean().exp().item()
