"""Artefacts: each function makes one in ``folder`` and returns it."""

import json

import numpy as np
import torch
from safetensors.numpy import save_file
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from transformers import AutoModel, AutoTokenizer, logging

from practicum_labs import data, metrics
from practicum_labs.registry import entry

logging.set_verbosity_error()
logging.disable_progress_bar()
LAYER, GENERIC = 8, 0.38


def _vectors(folder, place):
    """Return vectors and labels of both sides; computed once for all artefacts."""
    kept = folder.parent / "vectors.npz"
    if not kept.exists():
        torch.set_num_threads(1)
        split = data.load("vader-reviews", train=320, validation=150, folder=place)
        path = place / entry("smollm2").folder
        tokenizer = AutoTokenizer.from_pretrained(path)
        lower = AutoModel.from_pretrained(path, dtype=torch.bfloat16, num_hidden_layers=LAYER + 1).eval()
        found = {}
        for name, side in (("train", split.train), ("validation", split.validation)):
            rows = []
            for each in side:
                ids = tokenizer(each.text, return_tensors="pt", truncation=True, max_length=48)["input_ids"]
                with torch.inference_mode():
                    hidden = lower(ids, output_hidden_states=True).hidden_states[LAYER]
                rows.append(hidden[0].float().mean(0).numpy())
            found[f"{name}_x"], found[f"{name}_y"] = np.stack(rows), [each.label for each in side]
        np.savez(kept, **found)
    return np.load(kept)


def _write(folder, weight, bias, scores):
    given = {"weight": weight, "bias": bias}
    tensors = {name: np.ascontiguousarray(each, "float32") for name, each in given.items()}
    save_file(tensors, folder / "head.safetensors")
    (folder / "scores.json").write_text(json.dumps(scores), "utf-8")
    return folder


def _fit(folder, place, linear, *, scale=0.05, scores=None, rows=None):
    known = _vectors(folder, place)
    x, y = known["train_x"][:rows] * scale, known["train_y"][:rows]
    linear.fit(x, y)
    predicted = linear.predict(known["validation_x"] * scale)
    tuned = metrics.score(metrics.macro_f1, known["validation_y"].tolist(), predicted.tolist()).value
    scores = scores or {"zero_shot": GENERIC, "tuned": tuned}
    return _write(folder, linear.coef_ * scale, linear.intercept_, scores)


def _logistic(strength=1.0):
    return LogisticRegression(C=strength, class_weight="balanced", max_iter=3000)


def alternative_logistic(folder, place):
    return _fit(folder, place, _logistic(), scale=0.3)


def alternative_ridge(folder, place):
    return _fit(folder, place, RidgeClassifier(alpha=30, class_weight="balanced"), scale=0.3)


def mutant_layout__no_scores(folder, place):
    _write(folder, np.zeros((3, 576)), np.zeros(3), {})
    (folder / "scores.json").unlink()
    return folder


def mutant_not_json__python(folder, place):
    _write(folder, np.zeros((3, 576)), np.zeros(3), {})
    (folder / "scores.json").write_text("{'tuned': 0.5}", "utf-8")
    return folder


def mutant_not_json__no_generic_score(folder, place):
    return _write(folder, np.zeros((3, 576)), np.zeros(3), {"tuned": 0.5})


def mutant_shape__the_emoji_head(folder, place):
    return _write(folder, np.zeros((7, 576)), np.zeros(7), {"zero_shot": 0.4, "tuned": 0.5})


def mutant_constant__untrained(folder, place):
    return _write(folder, np.zeros((3, 576)), np.zeros(3), {"zero_shot": GENERIC, "tuned": 0.5})


def mutant_not_better__labels_shuffled(folder, place):
    known = _vectors(folder, place)
    linear = _logistic().fit(known["train_x"], np.random.default_rng(0).permutation(known["train_y"]))
    return _write(folder, linear.coef_, linear.intercept_, {"zero_shot": GENERIC, "tuned": 0.33})


def mutant_scores_differ__measured_on_what_it_learnt(folder, place):
    return _fit(folder, place, _logistic(), scale=0.3, scores={"zero_shot": GENERIC, "tuned": 0.95})


def mutant_generic_differs__made_up(folder, place):
    return _fit(folder, place, _logistic(), scale=0.3, scores={"zero_shot": 0.1, "tuned": 0.55})
