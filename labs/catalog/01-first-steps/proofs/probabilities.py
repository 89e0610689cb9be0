import math

import numpy as np


def alternative_numpy(logits, temperature):
    scaled = np.asarray(logits) / temperature
    powers = np.exp(scaled - scaled.max())
    return (powers / powers.sum()).tolist()


def alternative_log_of_the_sum(logits, temperature):
    scaled = [score / temperature for score in logits]
    total = float(np.logaddexp.reduce(scaled))
    return [math.exp(score - total) for score in scaled]


def alternative_pairwise(logits, temperature):
    return [1 / sum(math.exp(min((other - score) / temperature, 700)) for other in logits) for score in logits]


def mutant_form__the_best_only(logits, temperature):
    return [max(alternative_numpy(logits, temperature))]


def mutant_raised__too_large_for_exp(logits, temperature):
    powers = [math.exp(score / temperature) for score in logits]
    return [power / sum(powers) for power in powers]


def mutant_sum__not_divided(logits, temperature):
    highest = max(logits)
    return [math.exp((score - highest) / temperature) for score in logits]


def mutant_temperature__forgotten(logits, temperature):
    return alternative_numpy(logits, 1.0)


def mutant_inverted__multiplied(logits, temperature):
    return alternative_numpy(logits, 1 / temperature)


def mutant_linear__without_exp(logits, temperature):
    return [score / sum(logits) for score in logits]


def mutant_value__base_two(logits, temperature):
    powers = [2 ** ((score - max(logits)) / temperature) for score in logits]
    return [power / sum(powers) for power in powers]


def mutant_value__temperature_after_exp(logits, temperature):
    powers = [math.exp(score - max(logits)) / temperature + 0.01 for score in logits]
    return [power / sum(powers) for power in powers]
