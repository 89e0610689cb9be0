from datetime import timedelta


def alternative_copy_and_change(today, state, log, tune, compare):
    new = dict(state)
    if (today - state["last"]).days < state["every"]:
        return new, {"decision": "wait", "gain": None}
    new["last"] = today
    if len(log) == 0:
        return new, {"decision": "nothing new", "gain": None}
    model = tune(new["model"], log)
    gain = compare(new["model"], model)
    decision = "kept"
    if gain[1] > 0:
        new["model"], decision = model, "promoted"
        new["version"] += 1
    return new, {"decision": decision, "gain": gain}


def alternative_nested(today, state, log, tune, compare):
    due = state["last"] + timedelta(days=state["every"])
    if today >= due:
        if log:
            model = tune(state["model"], log)
            gain, low, high = compare(state["model"], model)
            better = low > 0
            return (
                {"version": state["version"] + int(better), "model": model if better else state["model"],
                 "last": today, "every": state["every"]},
                {"decision": "promoted" if better else "kept", "gain": (gain, low, high)},
            )
        return state | {"last": today}, {"decision": "nothing new", "gain": None}
    return state, {"decision": "wait", "gain": None}


def mutant_not_due__every_time(today, state, log, tune, compare):
    new, report = alternative_nested(today, state | {"every": -9999}, log, tune, compare)
    return new | {"every": state["every"]}, report


def mutant_not_due__notes_the_run(today, state, log, tune, compare):
    new, report = alternative_nested(today, state, log, tune, compare)
    return new | {"last": today}, report


def mutant_empty__trains_anyway(today, state, log, tune, compare):
    return alternative_nested(today, state, log or ["?"], tune, compare)


def mutant_chance__gain_above_zero(today, state, log, tune, compare):
    def narrow(old, new):
        gain, low, high = compare(old, new)
        return gain, gain, high

    new, report = alternative_nested(today, state, log, tune, narrow)
    return new, report


def mutant_worse__newest_wins(today, state, log, tune, compare):
    new, report = alternative_nested(today, state, log, tune, compare)
    if report["decision"] == "kept" and report["gain"][0] < 0:
        return new | {"version": new["version"] + 1}, {**report, "decision": "promoted"}
    return new, report


def mutant_swapped__new_against_old(today, state, log, tune, compare):
    return alternative_nested(today, state, log, tune, lambda old, new: compare(new, old))


def mutant_swapped__against_itself(today, state, log, tune, compare):
    return alternative_nested(today, state, log, tune, lambda old, new: compare(new, new))


def mutant_training__from_the_name_alone(today, state, log, tune, compare):
    return alternative_nested(today, state, log, lambda model, log: tune(model, log[:1]), compare)


def mutant_changes_input__in_place(today, state, log, tune, compare):
    new, report = alternative_nested(today, state, log, tune, compare)
    state.update(new)
    return state, report


def mutant_every_day__forgets_the_run(today, state, log, tune, compare):
    new, report = alternative_nested(today, state, log, tune, compare)
    return new | {"last": state["last"]}, report


def mutant_version__keeps_the_number(today, state, log, tune, compare):
    new, report = alternative_nested(today, state, log, tune, compare)
    return new | {"version": state["version"]}, report


def mutant_model__old_one_goes_on(today, state, log, tune, compare):
    new, report = alternative_nested(today, state, log, tune, compare)
    return new | {"model": state["model"]}, report


def mutant_decision__other_word(today, state, log, tune, compare):
    new, report = alternative_nested(today, state, log, tune, compare)
    return new, {**report, "decision": report["decision"].upper()}


def mutant_gain__left_out(today, state, log, tune, compare):
    new, report = alternative_nested(today, state, log, tune, compare)
    return new, {**report, "gain": None}


def mutant_pair__state_alone(today, state, log, tune, compare):
    return alternative_nested(today, state, log, tune, compare)[0]
