import numpy as np
import torch


def _rarity(counts):
    containing = (counts > 0).sum(dim=0)
    return torch.log(1 + (len(counts) - containing + 0.5) / (containing + 0.5))


def _long(counts, b):
    length = counts.sum(dim=1, keepdim=True)
    return 1 - b + b * length / length.mean()


def alternative_loop(counts, k1, b):
    rarity, long = _rarity(counts), _long(counts, b)
    weights = torch.zeros_like(counts)
    for row in range(len(counts)):
        for term in range(counts.shape[1]):
            n = counts[row, term]
            weights[row, term] = rarity[term] * n * (k1 + 1) / (n + k1 * long[row, 0])
    return weights


def alternative_numpy(counts, k1, b):
    n = counts.numpy().astype(np.float64)
    containing = np.count_nonzero(n, axis=0)
    rarity = np.log1p((len(n) - containing + 0.5) / (containing + 0.5))
    length = n.sum(axis=1)[:, None]
    scaled = n / (1 - b + b * length / length.mean())
    return torch.tensor(rarity * scaled * (k1 + 1) / (scaled + k1)).float()


def mutant_no_saturation__counts(counts, k1, b):
    return _rarity(counts) * counts


def mutant_length__ignored(counts, k1, b):
    return _rarity(counts) * counts * (k1 + 1) / (counts + k1)


def mutant_rarity__forgotten(counts, k1, b):
    return counts * (k1 + 1) / (counts + k1 * _long(counts, b))


def mutant_scale__no_k1_above(counts, k1, b):
    return _rarity(counts) * counts / (counts + k1 * _long(counts, b))


def mutant_turned__mean_over_length(counts, k1, b):
    length = counts.sum(dim=1, keepdim=True)
    return _rarity(counts) * counts * (k1 + 1) / (counts + k1 * (1 - b + b * length.mean() / length))


def mutant_k1__not_below(counts, k1, b):
    return _rarity(counts) * counts * (k1 + 1) / (counts + _long(counts, b))


def mutant_value__length_not_compared(counts, k1, b):
    length = counts.sum(dim=1, keepdim=True)
    return _rarity(counts) * counts * (k1 + 1) / (counts + k1 * (1 - b + b * length))


def mutant_not_finite__divides_counts(counts, k1, b):
    return _rarity(counts) * (k1 + 1) / (1 + k1 * _long(counts, b) / counts) / (counts > 0)
