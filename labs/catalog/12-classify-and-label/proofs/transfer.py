"""Artefacts: each function makes one in ``folder`` and returns it."""

from _shared import changed, recoded, spoiled, trained

def alternative_other_seeds(folder, data):
    return spoiled(folder, data)


def alternative_three_that_vote(folder, data):
    return trained(folder, data, seeds=(0, 1, 2))


def mutant_layout__no_json(folder, data):
    made = spoiled(folder, data)
    (made / "reader.json").unlink()
    return made


def mutant_pickle__torch_save(folder, data):
    made = spoiled(folder, data)
    (made / "weights.pt").write_bytes(b"x")
    return made


def mutant_too_large__checkpoints_left(folder, data):
    made = spoiled(folder, data)
    (made / "epoch-1.safetensors").write_bytes(bytes(5 * 2**20))
    return made


def mutant_no_scores__a_sentence(folder, data):
    return changed(spoiled(folder, data), scores="better than before")


def mutant_no_code__see_notebook(folder, data):
    made = spoiled(folder, data)
    (made / "reader.py").write_text("print('see notebook')\n", "utf-8")
    return made


def mutant_does_not_load__another_width(folder, data):
    return recoded(spoiled(folder, data), "width=64", "width=32")


def mutant_bad_answer__tags_for_spans(folder, data):
    made = spoiled(folder, data)
    return recoded(made, "spans_of([self.tags[t] for t in path])", "[self.tags[t] for t in path]")


def mutant_nothing_right__inclusive_ends(folder, data):
    made = spoiled(folder, data)
    return recoded(made, "spans_of([self.tags[t] for t in path])",
                   "[(s, e - 1, k) for s, e, k in spans_of([self.tags[t] for t in path])]")


def mutant_not_better__one_slot_a_request(folder, data):
    made = changed(spoiled(folder, data), scores={"entity_f1": 0.3, "accuracy": 0.6})
    found = "spans_of([self.tags[t] for t in path])"
    return recoded(made, found, f"{found}[:1]")


def mutant_scores_differ__of_a_random_split(folder, data):
    return changed(spoiled(folder, data), scores={"entity_f1": 0.95, "accuracy": 0.99})


def mutant_scores_differ__percent(folder, data):
    return changed(spoiled(folder, data), scores={"entity_f1": 55.0, "accuracy": 0.6})
