import numpy as np
import torch


def alternative_row_by_row(weight, bits):
    largest = 2 ** (bits - 1) - 1
    levels, scales = [], []
    for row in weight:
        scale = max(float(row.abs().max()), 1e-10) / largest
        levels.append((row / scale).round().clamp(-largest, largest).to(torch.int8))
        scales.append(scale)
    return torch.stack(levels), torch.tensor(scales)[:, None]


def alternative_numpy(weight, bits):
    largest = (1 << (bits - 1)) - 1
    top = np.abs(weight.numpy()).max(axis=1, keepdims=True)
    scale = np.where(top == 0, 1, top) / largest
    levels = np.rint(weight.numpy() / scale).astype(np.int8)
    return torch.from_numpy(levels), torch.from_numpy(scale)


def _scaled(weight, scale):
    return torch.round(weight / scale).to(torch.int8), scale


def mutant_per_tensor__one_scale(weight, bits):
    scale = weight.abs().max() / (2 ** (bits - 1) - 1)
    return _scaled(weight, scale.expand(len(weight), 1))


def mutant_range__always_eight_bits(weight, bits):
    return _scaled(weight, weight.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / 127)


def mutant_zeros__divided_by_zero(weight, bits):
    top = weight.abs().amax(dim=1, keepdim=True)
    return torch.round(weight / top * (2 ** (bits - 1) - 1)).nan_to_num().to(torch.int8), 1 / (1 / top - 1 / top)


def mutant_scale__largest_value_not_absolute(weight, bits):
    largest = 2 ** (bits - 1) - 1
    scale = weight.amax(dim=1, keepdim=True).clamp(min=1e-12) / largest
    return torch.round(weight / scale).clamp(-largest, largest).to(torch.int8), scale


def mutant_scale__one_level_more(weight, bits):
    largest = 2 ** (bits - 1)
    scale = weight.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / largest
    return torch.round(weight / scale).clamp(1 - largest, largest - 1).to(torch.int8), scale


def mutant_rounding__cut_off(weight, bits):
    scale = weight.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / (2 ** (bits - 1) - 1)
    return (weight / scale).to(torch.int8), scale


def mutant_pair__weights_back(weight, bits):
    levels, scale = alternative_row_by_row(weight, bits)
    return levels * scale


def mutant_shape__one_scale_a_column(weight, bits):
    return _scaled(weight, weight.abs().amax(dim=0, keepdim=True).clamp(min=1e-12) / (2 ** (bits - 1) - 1))


def mutant_dtype__levels_as_floats(weight, bits):
    levels, scale = alternative_row_by_row(weight, bits)
    return levels.float(), scale
