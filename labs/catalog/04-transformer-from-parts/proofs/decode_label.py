import torch
from torch.nn import functional as F


def alternative_text_by_text(hidden, mask, weight, bias):
    rows = [F.softmax(weight @ h[m].mean(dim=0) + bias, dim=-1) for h, m in zip(hidden, mask)]
    said = torch.stack(rows)
    return said.max(dim=-1).indices, said


def alternative_einsum(hidden, mask, weight, bias):
    share = mask / mask.sum(dim=1, keepdim=True)
    said = (torch.einsum("btw,bt->bw", hidden, share) @ weight.T + bias).softmax(-1)
    return said.argmax(-1), said


def _mean(hidden, mask):
    kept = mask.unsqueeze(-1).float()
    return (hidden * kept).sum(1) / kept.sum(1)


def mutant_padding__plain_mean(hidden, mask, weight, bias):
    said = F.linear(hidden.mean(1), weight, bias).softmax(-1)
    return said.argmax(-1), said


def mutant_padding__divided_by_the_length(hidden, mask, weight, bias):
    said = F.linear((hidden * mask.unsqueeze(-1)).mean(1), weight, bias).softmax(-1)
    return said.argmax(-1), said


def mutant_first__token(hidden, mask, weight, bias):
    said = F.linear(hidden[:, 0], weight, bias).softmax(-1)
    return said.argmax(-1), said


def mutant_logits__no_softmax(hidden, mask, weight, bias):
    said = F.linear(_mean(hidden, mask), weight, bias)
    return said.argmax(-1), said


def mutant_labels__least_probable(hidden, mask, weight, bias):
    said = F.linear(_mean(hidden, mask), weight, bias).softmax(-1)
    return said.argmin(-1), said


def mutant_pair__probabilities_alone(hidden, mask, weight, bias):
    return F.linear(_mean(hidden, mask), weight, bias).softmax(-1)


def mutant_value__over_the_batch(hidden, mask, weight, bias):
    said = F.linear(_mean(hidden, mask), weight, bias).softmax(0)
    return said.argmax(-1), said


def mutant_shape__a_label_for_each_token(hidden, mask, weight, bias):
    said = F.linear(hidden, weight, bias).softmax(-1)
    return said.argmax(-1), said
