import math


def _bill(replicas, per_day, price, upkeep):
    day = replicas * 24 * price + upkeep
    return {"replicas": replicas, "day": day, "thousand": 1000 * day / per_day}


def alternative_by_hours(tokens_per_second, tokens, per_day, peak, price, upkeep):
    busiest_hour = per_day / 24 * peak
    can = 3600 * tokens_per_second / tokens * 0.7
    return _bill(max(1, -int(-busiest_hour // can)), per_day, price, upkeep)


def alternative_counts_up(tokens_per_second, tokens, per_day, peak, price, upkeep):
    replicas = 1
    while replicas * tokens_per_second * 0.7 < per_day * peak / 86400 * tokens:
        replicas += 1
    day = upkeep + sum(replicas * price for _ in range(24))
    return {"thousand": day / (per_day / 1000), "day": day, "replicas": replicas}


def _load(tokens_per_second, tokens, per_day):
    return per_day / 86400 * tokens / tokens_per_second


def mutant_average__ignores_the_peak(tokens_per_second, tokens, per_day, peak, price, upkeep):
    replicas = math.ceil(_load(tokens_per_second, tokens, per_day) / 0.7)
    return _bill(replicas, per_day, price, upkeep)


def mutant_busy__no_room(tokens_per_second, tokens, per_day, peak, price, upkeep):
    replicas = max(1, math.ceil(_load(tokens_per_second, tokens, per_day) * peak))
    return _bill(replicas, per_day, price, upkeep)


def mutant_fraction__not_rounded(tokens_per_second, tokens, per_day, peak, price, upkeep):
    return _bill(_load(tokens_per_second, tokens, per_day) * peak / 0.7, per_day, price, upkeep)


def mutant_replicas__rounded_down(tokens_per_second, tokens, per_day, peak, price, upkeep):
    replicas = int(_load(tokens_per_second, tokens, per_day) * peak / 0.7)
    return _bill(replicas, per_day, price, upkeep)


def mutant_upkeep__left_out(tokens_per_second, tokens, per_day, peak, price, upkeep):
    return alternative_by_hours(tokens_per_second, tokens, per_day, peak, price, 0)


def mutant_idle__pays_for_busy_seconds(tokens_per_second, tokens, per_day, peak, price, upkeep):
    bill = alternative_by_hours(tokens_per_second, tokens, per_day, peak, price, upkeep)
    day = per_day * tokens / tokens_per_second / 3600 * price + upkeep
    return bill | {"day": day, "thousand": 1000 * day / per_day}


def mutant_day__upkeep_for_each_replica(tokens_per_second, tokens, per_day, peak, price, upkeep):
    bill = alternative_by_hours(tokens_per_second, tokens, per_day, peak, price, upkeep)
    day = bill["replicas"] * (24 * price + upkeep)
    return bill | {"day": day, "thousand": 1000 * day / per_day}


def mutant_thousand__for_one(tokens_per_second, tokens, per_day, peak, price, upkeep):
    bill = alternative_by_hours(tokens_per_second, tokens, per_day, peak, price, upkeep)
    return bill | {"thousand": bill["day"] / per_day}


def mutant_keys__a_number(tokens_per_second, tokens, per_day, peak, price, upkeep):
    return alternative_by_hours(tokens_per_second, tokens, per_day, peak, price, upkeep)["day"]
