"""Artefacts: each function makes one in ``folder`` and returns it."""

import json
import re

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from _shared import edit, once, side_of
from practicum_labs import data
from practicum_labs.registry import entry


def _card(folder, place):
    split = data.load("vader-tweets", folder=place)
    every = [*split.train, *split.validation]
    texts = [example.text for example in every]
    toxic = [
        line for name in sorted(entry("toxic-prompts").files)
        for line in (data.path("toxic-prompts", folder=place) / name).read_text("utf-8").splitlines()
    ]
    reviews = data.load("vader-reviews", folder=place)
    known, clean = [t for t in toxic if side_of(t)], [e.text for e in reviews.train[:1200]]
    scorer = make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=10, max_iter=500))
    scorer.fit(known + clean, [1] * len(known) + [0] * len(clean))
    groups = {"recall": [t for t in toxic if not side_of(t)],
              "false_alarms": [e.text for e in reviews.validation], "flagged": texts}
    rates = {name: float((scorer.predict_proba(asked)[:, 1] > 0.5).mean()) for name, asked in groups.items()}
    card = {
        "name": "vader-tweets", "purpose": "Teaching sentiment analysis on a small scale.",
        "source": "PyPI, vaderSentiment 3.3.2, sdist", "sha256": entry("vader-tweets").sha256,
        "licence": "MIT", "language": "English (Twitter)", "labels": "Twenty raters each, mean, three classes",
        "gaps": "Old, one platform, few minorities", "not_for": "Decisions about persons",
        "contact": "course team", "texts": len(every),
        "classes": [sum(e.label == label for e in every) for label in range(3)],
        "gender": {"m": 330, "f": 190},
        "personal_data": {
            "email": 0, "id": 0, "phone": 1,
            "handle": sum(len(re.findall(r"(?<![A-Za-z0-9._%+-])@[A-Za-z0-9_]+", text)) for text in texts),
        },
        "toxicity": {"threshold": 0.5, **rates},
    }
    (folder / "data_card.json").write_text(json.dumps(card))


def _changed(folder, place, change):
    made = once(folder, "good", lambda kept: _card(kept, place))
    return edit(made / "data_card.json", change)


def alternative_another_threshold(folder, place):
    return _changed(folder, place, lambda card: None)


def alternative_in_chinese(folder, place):
    said = {"purpose": "用于教学的小规模情感分析数据", "gaps": "只有英文推文，年代较早", "not_for": "不得用于对个人做决定"}
    return _changed(folder, place, lambda card: card | said)


def mutant_not_json__text(folder, place):
    folder.mkdir(exist_ok=True)
    (folder / "data_card.json").write_text("name: vader-tweets")
    return folder / "data_card.json"


def mutant_incomplete__todo(folder, place):
    return _changed(folder, place, lambda card: card | {"gaps": "TODO: ask the authors"})


def mutant_incomplete__no_contact(folder, place):
    return _changed(folder, place, lambda card: card | {"contact": ""})


def mutant_sha256__of_something_else(folder, place):
    return _changed(folder, place, lambda card: card | {"sha256": entry("minilm").sha256})


def mutant_licence__of_the_model(folder, place):
    return _changed(folder, place, lambda card: card | {"licence": "Apache-2.0"})


def mutant_texts__training_side(folder, place):
    return _changed(folder, place, lambda card: card | {"texts": 3150})


def mutant_classes__shares(folder, place):
    return _changed(folder, place, lambda card: card | {"classes": [n / card["texts"] for n in card["classes"]]})


def mutant_gender__left_out(folder, place):
    return _changed(folder, place, lambda card: {k: v for k, v in card.items() if k != "gender"})


def mutant_personal_missing__zero_left_out(folder, place):
    return _changed(folder, place, lambda card: card | {"personal_data": {"handle": 2668}})


def mutant_personal__says_nothing_found(folder, place):
    return _changed(folder, place, lambda card: card | {"personal_data": card["personal_data"] | {"handle": 0}})


def mutant_no_number__in_words(folder, place):
    return _changed(folder, place, lambda card: card | {"personal_data": card["personal_data"] | {"phone": "few"}})


def mutant_toxicity_missing__share_alone(folder, place):
    return _changed(folder, place, lambda card: card | {"toxicity": {"flagged": 0.1}})


def mutant_toxicity__recall_on_what_it_learnt(folder, place):
    return _changed(folder, place, lambda card: card | {"toxicity": card["toxicity"] | {"recall": 0.999}})
