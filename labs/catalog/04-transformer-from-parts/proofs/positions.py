import math

import torch


def alternative_exponent_of_e(length, width):
    place = torch.arange(length, dtype=torch.float32)[:, None]
    rate = torch.exp(-math.log(10000) * torch.arange(0, width, 2) / width)
    return torch.stack([torch.sin(place * rate), torch.cos(place * rate)], dim=-1).flatten(1)


def alternative_number_by_number(length, width):
    rows = []
    for p in range(length):
        row = []
        for i in range(width // 2):
            angle = p / 10000 ** (2 * i / width)
            row += [math.sin(angle), math.cos(angle)]
        rows.append(row)
    return torch.tensor(rows)


def _angle(length, width, first=0):
    return torch.arange(first, first + length)[:, None] / 10000 ** (torch.arange(0, width, 2) / width)


def mutant_halves__sines_then_cosines(length, width):
    angle = _angle(length, width)
    return torch.cat([angle.sin(), angle.cos()], dim=1)


def mutant_swapped__cosine_first(length, width):
    angle = _angle(length, width)
    return torch.stack([angle.cos(), angle.sin()], dim=-1).flatten(1)


def mutant_start__counts_from_one(length, width):
    angle = _angle(length, width, first=1)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)


def mutant_exponent__twice_the_two(length, width):
    angle = torch.arange(length)[:, None] / 10000 ** (2 * torch.arange(0, width, 2) / width)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)


def mutant_exponent__i_alone(length, width):
    angle = torch.arange(length)[:, None] / 10000 ** (torch.arange(width // 2) / width)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)


def mutant_value__only_sines(length, width):
    return torch.sin(torch.arange(length)[:, None] / 10000 ** (torch.arange(width) / width))


def mutant_shape__transposed(length, width):
    angle = _angle(length, width)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1).T
