"""Artefacts: each function makes one in ``folder`` and returns it."""

import json
import random
import re

from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression, Ridge

from practicum_labs import data

from _shared import notebook


def _prepared(place):
    """Return the notebook's functions with the stories they work on."""
    lab = notebook(place)
    asked, sentences = ({side: [] for side in ("train", "test")} for _ in range(2))
    told = set()
    for line in (data.path("narrativeqa") / "test.jsonl").read_text("utf-8").splitlines():
        item = json.loads(line)
        side = lab["side"](item["passage"])
        if side not in asked:
            continue
        if item["passage"] not in told:
            told.add(item["passage"])
            parts = re.split(r"(?<=[.!?])\s+", lab["repaired"](item["passage"]))
            sentences[side] += [part for part in parts if len(part.split()) > 2]
        asked[side].append(lab["Asked"](lab["repaired"](item["question"]), item["answer"], item["passage"]))
    random.Random(1).shuffle(asked["train"])
    asked["train"] = asked["train"][:600]
    lab.update(asked=asked, sentences=sentences, K1=1.2, B=0.4)
    return lab


def _read(folder, place, model):
    """Return the notebook's functions and the answers of a reader."""
    lab = _prepared(place)
    learning, trying = lab["candidates"]("train"), lab["candidates"]("test")
    table = DictVectorizer(sparse=False)
    seen = table.fit_transform([found for row in learning for _, found in row])
    worth = [lab["judge"](text, one.accepted)[1]
             for one, row in zip(lab["asked"]["train"], learning) for text, _ in row]
    rate = model(seen, worth)
    answers = []
    for row in trying:
        rated = rate(table.transform([found for _, found in row]))
        answers.append(row[int(rated.argmax())][0])
    return lab, answers


def _ridge(seen, worth):
    return Ridge(alpha=1.0).fit(seen, worth).predict


def _write(folder, lab, answers):
    kept = {one.question: said for one, said in zip(lab["asked"]["test"], answers)}
    (folder / "answers.json").write_text(json.dumps(kept))
    return folder / "answers.json"


def alternative_ridge(folder, place):
    return _write(folder, *_read(folder, place, _ridge))


def alternative_boosted(folder, place):
    def boosted(seen, worth):
        return HistGradientBoostingRegressor(max_iter=60, random_state=0).fit(seen, worth).predict

    return _write(folder, *_read(folder, place, boosted))


def alternative_classifier(folder, place):
    def classifier(seen, worth):
        fitted = LogisticRegression(max_iter=300).fit(seen, [value > 0.5 for value in worth])
        return lambda rows: fitted.decision_function(rows)

    return _write(folder, *_read(folder, place, classifier))


def mutant_gate__worst_stretch(folder, place):
    def turned(seen, worth):
        fitted = Ridge(alpha=1.0).fit(seen, worth)
        return lambda rows: -fitted.predict(rows)

    return _write(folder, *_read(folder, place, turned))


def mutant_gate__first_stretch(folder, place):
    lab = _prepared(place)
    return _write(folder, lab, [row[0][0] for row in lab["candidates"]("test")])


def mutant_too_long__sentences(folder, place):
    lab = _prepared(place)
    return _write(folder, lab, lab["best_sentence"]("test", 1.2, 0.4))


def mutant_not_a_span__made_up(folder, place):
    lab = _prepared(place)
    return _write(folder, lab, ["forty-two" for _ in lab["asked"]["test"]])


def mutant_missing__half(folder, place):
    lab = _prepared(place)
    answers = [row[0][0] for row in lab["candidates"]("test")]
    lab["asked"]["test"] = lab["asked"]["test"][::2]
    return _write(folder, lab, answers[::2])


def mutant_not_json__text(folder, place):
    (folder / "answers.json").write_text("New York")
    return folder / "answers.json"
