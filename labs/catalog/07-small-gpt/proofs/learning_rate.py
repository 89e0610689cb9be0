import math


def alternative_half_angle(step, steps, warmup, peak, least):
    if step < warmup:
        return peak * (step + 1) / warmup
    return least + (peak - least) * math.cos(math.pi / 2 * (step - warmup) / (steps - warmup)) ** 2


def alternative_share(step, steps, warmup, peak, least):
    if step + 1 <= warmup:
        return (step + 1) / warmup * peak
    share = 0.5 + 0.5 * math.cos(math.pi * (step - warmup) / (steps - warmup))
    return share * peak + (1 - share) * least


def mutant_warmup__starts_at_zero(step, steps, warmup, peak, least):
    if step < warmup:
        return peak * step / warmup
    return least + (peak - least) * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2


def mutant_whole__from_step_zero(step, steps, warmup, peak, least):
    if step < warmup:
        return peak * (step + 1) / warmup
    return least + (peak - least) * (1 + math.cos(math.pi * step / steps)) / 2


def mutant_zero__forgets_least(step, steps, warmup, peak, least):
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2


def mutant_rises__sign(step, steps, warmup, peak, least):
    if step < warmup:
        return peak * (step + 1) / warmup
    return least + (peak - least) * (1 - math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2


def mutant_straight__a_line(step, steps, warmup, peak, least):
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak + (least - peak) * (step - warmup) / (steps - warmup)


def mutant_value__peak_on_top_of_least(step, steps, warmup, peak, least):
    if step < warmup:
        return peak * (step + 1) / warmup
    return least + peak * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2
