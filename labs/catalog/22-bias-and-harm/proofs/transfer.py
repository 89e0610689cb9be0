"""Artefacts: each function makes one in ``folder`` and returns it."""

import json

import torch
from safetensors.torch import load_file, save_file

from _shared import TEMPLATES, Reader, edit, interval, once, rows_of
from practicum_labs import data, metrics

AGE = [("the old clerk", "the young clerk"), ("my elderly friend", "my young friend"),
       ("the pensioner", "the student")]
ABILITY = [("my neighbour", "my blind neighbour"), ("the tall student", "the deaf student"),
           ("my friend", "my friend in a wheelchair")]


def _audit(folder, place, terms, attribute, noise):
    train = data.load("vader-reviews", train=500, folder=place).train
    rows, gaps = rows_of(terms), {}
    for name, reader in (("base", Reader(place)), ("tuned", Reader(place, noise=noise))):
        linear = reader.fit(train)
        reader.save(folder / f"{name}.safetensors", linear)
        gaps[name] = reader.gaps(linear, [(row["first"], row["second"]) for row in rows])
    change = gaps["tuned"] - gaps["base"]
    found = metrics.bootstrap(lambda n: float(change[list(n)].mean()), len(change), groups=[r["template"] for r in rows])
    verdict = "higher" if found.low > 0 else "lower" if found.high < 0 else "unclear"
    audit = {"attribute": attribute, "pairs": rows, "verdict": verdict,
             **{name: interval(values, rows) for name, values in gaps.items()}}
    (folder / "audit.json").write_text(json.dumps(audit))


def _changed(folder, place, change=lambda audit: None):
    made = once(folder, "good", lambda kept: _audit(kept, place, AGE, "age", 0.1))
    edit(made / "audit.json", change)
    return made


def _first_pair(**changes):
    def change(audit):
        audit["pairs"][0] |= changes
    return change


def alternative_age(folder, place):
    return _changed(folder, place)


def alternative_disability(folder, place):
    return once(folder, "other", lambda kept: _audit(kept, place, ABILITY, "disability", 0.2))


def mutant_layout__no_base(folder, place):
    made = _changed(folder, place)
    (made / "base.safetensors").unlink()
    return made


def mutant_not_json__empty(folder, place):
    made = _changed(folder, place)
    (made / "audit.json").write_text("")
    return made


def mutant_no_pairs__numbers_only(folder, place):
    return _changed(folder, place, lambda audit: audit | {"pairs": []})


def mutant_attribute__nameless(folder, place):
    return _changed(folder, place, lambda audit: audit | {"attribute": ""})


def mutant_narrow__three_templates(folder, place):
    few = {kind: group[:1] for kind, group in TEMPLATES.items()}
    return _changed(folder, place, lambda audit: audit | {"pairs": rows_of(AGE * 4, few)})


def mutant_kinds__only_strong_feelings(folder, place):
    strong = {"negative": TEMPLATES["negative"] + TEMPLATES["neutral"], "positive": TEMPLATES["positive"]}
    return _changed(folder, place, lambda audit: audit | {"pairs": rows_of(AGE, strong)})


def mutant_leaks__the_rest_changes_too(folder, place):
    return _changed(folder, place, _first_pair(second="The young clerk dances in the garden."))


def mutant_same__twice_the_same(folder, place):
    return _changed(folder, place, _first_pair(second="The old clerk sits in the garden."))


def mutant_gender_again__he_and_she(folder, place):
    return _changed(folder, place, _first_pair(first="My brother sits in the garden.", second="My sister sits in the garden."))


def mutant_base_moved__two_tuned_models(folder, place):
    made = _changed(folder, place)
    (made / "base.safetensors").write_bytes((made / "tuned.safetensors").read_bytes())
    return made


def mutant_not_a_model__untrained_head(folder, place):
    made = _changed(folder, place)
    state = load_file(made / "tuned.safetensors")
    save_file(state | {"head.weight": torch.zeros(3, 384)}, made / "tuned.safetensors")
    return made


def mutant_no_number__in_words(folder, place):
    return _changed(folder, place, lambda audit: audit | {"base": {"gap": "small", "low": 0, "high": 1}})


def mutant_gap__signed_mean(folder, place):
    return _changed(folder, place, lambda audit: audit | {"tuned": {"gap": 0.0, "low": -0.01, "high": 0.01}})


def mutant_interval__by_pair(folder, place):
    def change(audit):
        gap = audit["base"]["gap"]
        audit["base"] = {"gap": gap, "low": gap - 1e-3, "high": gap + 1e-3}
    return _changed(folder, place, change)


def mutant_verdict__the_other_way(folder, place):
    return _changed(folder, place, lambda audit: audit | {"verdict": "lower" if audit["verdict"] != "lower" else "higher"})
