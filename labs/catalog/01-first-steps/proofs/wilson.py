import math

import numpy as np

Z = 1.96


def alternative_added_answers(right, total):
    n = total + Z**2
    middle = (right + Z**2 / 2) / n
    half = Z * math.sqrt(right * (total - right) / total + Z**2 / 4) / n
    return right / total, middle - half, middle + half


def alternative_roots(right, total):
    share = right / total
    low, high = sorted(np.roots([1 + Z**2 / total, -(2 * share + Z**2 / total), share**2]).real)
    return [share, float(low), float(high)]


def mutant_form__only_the_ends(right, total):
    return alternative_added_answers(right, total)[1:]


def mutant_share__the_middle(right, total):
    _, low, high = alternative_added_answers(right, total)
    return (low + high) / 2, low, high


def mutant_order__upper_end_first(right, total):
    share, low, high = alternative_added_answers(right, total)
    return share, high, low


def mutant_certain__normal_interval(right, total):
    share = right / total
    half = Z * math.sqrt(share * (1 - share) / total)
    return share, share - half, share + half


def mutant_certain__cut_off(right, total):
    share = right / total
    half = Z * math.sqrt(share * (1 - share) / total)
    return share, max(0.0, share - half), min(1.0, share + half)


def mutant_narrow__one_standard_error(right, total):
    middle = (right + 0.5) / (total + 1)
    half = math.sqrt(right * (total - right) / total + 0.25) / (total + 1)
    return right / total, middle - half, middle + half


def mutant_value__around_the_share(right, total):
    share, low, high = alternative_added_answers(right, total)
    half = (high - low) / 2
    return share, share - half, share + half


def mutant_value__four_without_square(right, total):
    share = right / total
    middle = (share + Z**2 / (2 * total)) / (1 + Z**2 / total)
    half = Z / (1 + Z**2 / total) * math.sqrt(share * (1 - share) / total + Z**2 / (4 * total))
    return share, middle - half, middle + half
