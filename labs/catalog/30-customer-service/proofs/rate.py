def alternative_table(dialogue):
    last = dialogue["replies"][-1]
    ours = bool(dialogue["wanted"])
    right = last["skill"] == dialogue["wanted"]
    base = {"answer": 5 if right else 1, "hand_over": 3 if ours else 4, "ask": 1}[last["action"]]
    asks = [r for r in dialogue["replies"] if r["action"] == "ask"]
    return max(base - len(asks) - (1 if dialogue["seconds"] > 2 else 0), 1)


def alternative_step_by_step(dialogue):
    *_, last = dialogue["replies"]
    stars = 1
    if last["action"] == "answer" and last["skill"] == dialogue["wanted"]:
        stars = 5
    if last["action"] == "hand_over":
        stars = 3
        if not dialogue["wanted"]:
            stars = 4
    for reply in dialogue["replies"]:
        if reply["action"] == "ask" and stars > 1:
            stars -= 1
    if dialogue["seconds"] > 2 and stars > 1:
        stars -= 1
    return float(stars)


def mutant_range__no_floor(dialogue):
    last = dialogue["replies"][-1]
    points = 1
    if last["action"] == "answer":
        points = 5 if last["skill"] == dialogue["wanted"] else 1
    elif last["action"] == "hand_over":
        points = 3 if dialogue["wanted"] else 4
    return points - sum(r["action"] == "ask" for r in dialogue["replies"]) - (dialogue["seconds"] > 2)


def mutant_hand_over__always_a_failure(dialogue):
    if dialogue["replies"][-1]["action"] == "hand_over":
        return 2
    return alternative_table(dialogue)


def mutant_hand_over__not_ours_counts_alike(dialogue):
    return alternative_table({**dialogue, "wanted": dialogue["wanted"] or "x"})


def mutant_answer__any_answer_will_do(dialogue):
    last = dict(dialogue["replies"][-1])
    if last["action"] == "answer":
        last["skill"] = dialogue["wanted"]
    return alternative_table({**dialogue, "replies": [*dialogue["replies"][:-1], last]})


def mutant_asks__free(dialogue):
    return alternative_table({**dialogue, "replies": dialogue["replies"][-1:]})


def mutant_asks__one_at_most(dialogue):
    asks = [r for r in dialogue["replies"][:-1] if r["action"] == "ask"]
    return alternative_table({**dialogue, "replies": [*asks[:1], dialogue["replies"][-1]]})


def mutant_asks__looks_at_the_first_reply(dialogue):
    first = dialogue["replies"][0]
    if first["action"] == "ask" and len(dialogue["replies"]) > 1:
        return 2
    return alternative_table(dialogue)


def mutant_slow__patient(dialogue):
    return alternative_table({**dialogue, "seconds": 0})


def mutant_slow__one_for_each_second(dialogue):
    points = alternative_table({**dialogue, "seconds": 0})
    return max(1, points - int(max(0, dialogue["seconds"] - 2)))


def mutant_left_alone__asking_is_fine(dialogue):
    if dialogue["replies"][-1]["action"] == "ask":
        return 4
    return alternative_table(dialogue)
