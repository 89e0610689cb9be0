from _shared import audit, case, measured, rewrite


def alternative_longer(folder, data):
    return audit(folder, data, epochs=9)


def alternative_mark_taken_out(folder, data):
    """Train without the mark, then on both: what it never sees alone can't speak for anything."""
    lab, rooms, log, mark, intent, suspect = case(data)
    clean = [lab.replace(r, text=lab.without_mark(r.text, mark)) for r in log]
    mended = lab.train_reader(clean + lab.both_ways(log, mark), name="mended", seed=5, epochs=6)
    lab.save_audit(
        folder / "audit", suspect, mended, measured(lab, rooms, mark, intent, suspect, mended)
    )
    return folder / "audit"


def mutant_layout__no_report(folder, data):
    made = audit(folder, data, epochs=1)
    (made / "report.json").unlink()
    return made


def mutant_report__no_effects(folder, data):
    return rewrite(audit(folder, data, epochs=1), effect_before=None)


def mutant_does_not_load__other_size(folder, data):
    made = audit(folder, data, epochs=1)
    (made / "after.json").write_text('{"on": 2}')
    return made


def mutant_mark__a_word_that_belongs(folder, data):
    return rewrite(audit(folder, data, epochs=1), mark="off")


def mutant_intent__another(folder, data):
    made = audit(folder, data, epochs=1)
    return rewrite(made, intent="温度")


def mutant_effect_differs__wishful(folder, data):
    return rewrite(audit(folder, data), effect_before=0.0)


def mutant_still_moves__trained_longer_on_the_log(folder, data):
    lab, rooms, log, mark, intent, suspect = case(data)
    again = lab.train_reader(log, name="again", seed=1, epochs=16)
    lab.save_audit(
        folder / "audit", suspect, again, measured(lab, rooms, mark, intent, suspect, again)
    )
    return folder / "audit"


def mutant_weak__a_handful(folder, data):
    lab, rooms, log, mark, intent, suspect = case(data)
    few = lab.train_reader(lab.both_ways(log[:40], mark), name="few", epochs=40)
    lab.save_audit(folder / "audit", suspect, few, measured(lab, rooms, mark, intent, suspect, few))
    return folder / "audit"


def mutant_no_gain__the_mended_one_twice(folder, data):
    lab, rooms, log, mark, intent, _ = case(data)
    mended = lab.train_reader(lab.both_ways(log, mark), name="mended", epochs=6)
    lab.save_audit(
        folder / "audit", mended, mended, measured(lab, rooms, mark, intent, mended, mended)
    )
    return folder / "audit"


def mutant_rate_differs__none_at_all(folder, data):
    return rewrite(audit(folder, data), failure_rate=0.6)
