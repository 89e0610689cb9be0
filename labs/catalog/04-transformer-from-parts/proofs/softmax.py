import torch


def alternative_framework(logits, temperature):
    return torch.softmax(logits / temperature, dim=-1)


def alternative_logsumexp(logits, temperature):
    scaled = logits / temperature
    return (scaled - scaled.logsumexp(dim=-1, keepdim=True)).exp()


def mutant_temperature__ignored(logits, temperature):
    return torch.softmax(logits, dim=-1)


def mutant_inverse__multiplied(logits, temperature):
    return torch.softmax(logits * temperature, dim=-1)


def mutant_sum__over_everything(logits, temperature):
    powers = torch.exp((logits - logits.max()) / temperature)
    return powers / powers.sum()


def mutant_sum__over_the_second(logits, temperature):
    return torch.softmax(logits / temperature, dim=1)


def mutant_overflow__naive(logits, temperature):
    powers = torch.exp(logits / temperature)
    return powers / powers.sum(dim=-1, keepdim=True)


def mutant_value__linear_share(logits, temperature):
    scaled = logits / temperature
    lifted = scaled - scaled.amin(dim=-1, keepdim=True) + 1e-3
    return lifted / lifted.sum(dim=-1, keepdim=True)


def mutant_sum__powers_alone(logits, temperature):
    scaled = logits / temperature
    return torch.exp(scaled - scaled.amax(dim=-1, keepdim=True))
