"""Artefacts: each function makes one in ``folder`` and returns it."""

import json
import math
import random
import re
import shutil
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from torch import nn
from torch.nn import functional as F
from transformers import AutoModel, AutoTokenizer, logging

from practicum_labs import data
from practicum_labs.authoring.source import read_cells
from practicum_labs.registry import entry

logging.set_verbosity_error()
logging.disable_progress_bar()


def _lab(place):
    """Return what the lab gives: normalise, words_of, word_scores, choose_cuts, lexicon and names."""
    scope = {"re": re, "math": math, "np": np, "random": random}
    cells = {cell.anchor: cell.code for cell in read_cells(Path(__file__).parents[1] / "lab.py") if cell.code}
    exec("\n".join(cells[name] for name in ("normalise", "word_scores", "choose_cuts")), scope)
    exec(cells["words"].partition("lines = ")[0], scope)
    rows = (place / entry("vader-lexicon").folder / "vader_lexicon.txt").read_text("utf-8").splitlines()
    scope["LEXICON"] = {row.split("\t")[0]: float(row.split("\t")[1]) for row in rows if row}
    emoji = json.loads((place / entry("emojibase").folder / "en/compact.json").read_text("utf-8"))
    scope["NAMES"] = {each["unicode"]: each["label"] for each in emoji}
    return scope


def _rows(lab, texts, place):
    """Return MiniLM's mean vectors and the lexicon's three columns."""
    torch.set_num_threads(1)
    path = place / entry("minilm").folder
    tokenizer, encoder = AutoTokenizer.from_pretrained(path), AutoModel.from_pretrained(path, add_pooling_layer=False)
    rows = [None] * len(texts)
    order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
    with torch.inference_mode():
        for start in range(0, len(order), 32):
            part = order[start : start + 32]
            batch = tokenizer([texts[n] for n in part], padding=True, truncation=True, max_length=48, return_tensors="pt")
            hidden = encoder(batch["input_ids"], batch["attention_mask"]).last_hidden_state
            for n, vectors, mask in zip(part, hidden, batch["attention_mask"].bool()):
                scores = lab["word_scores"](lab["words_of"](texts[n]), lab["LEXICON"])
                total = sum(scores)
                columns = total / math.sqrt(total**2 + 15), sum(s for s in scores if s > 0), sum(s for s in scores if s < 0)
                rows[n] = np.r_[vectors[mask].mean(0).numpy(), columns]
    return np.array(rows, "float32")


def _sides(place, kept):
    """Return (rows, labels) of the three sides and the lexicon's score; computed once."""
    if not kept.exists():
        lab, split = _lab(place), data.load("vader-reviews", folder=place)
        sides = split.train[:400], split.train[400:1300], split.validation[:800]
        texts = [[lab["normalise"](e.text, lab["NAMES"]) for e in side] for side in sides]
        labels = [np.array([e.label for e in side]) for side in sides]
        sums = [np.array([sum(lab["word_scores"](lab["words_of"](t), lab["LEXICON"])) for t in side]) for side in texts]
        low, high = lab["choose_cuts"](np.concatenate(sums[:2]), np.concatenate(labels[:2]))
        said = np.where(sums[2] < low, 0, np.where(sums[2] > high, 2, 1))
        kept.parent.mkdir(parents=True, exist_ok=True)
        save_file(
            {f"x{n}": _rows(lab, side, place) for n, side in enumerate(texts)}
            | {f"y{n}": each for n, each in enumerate(labels)}
            | {"lexicon": np.array([f1_score(labels[2], said, average="macro")])}, kept)
    found = load_file(kept)
    return [(found[f"x{n}"], found[f"y{n}"]) for n in range(3)], float(found["lexicon"][0])


def _p(head, x, temperature=1.0):
    logits = torch.tensor(((x - head["mean"]) / head["scale"]) @ head["weight"].T + head["bias"])
    return (logits / temperature).softmax(-1).numpy()


def _save(folder, head, place, threshold=0.55):
    sides, lexicon = _sides(place, folder.parent / "kept.safetensors")
    (x, y), (x_test, y_test) = sides[0], sides[2]
    temperature = min(np.geomspace(0.2, 5, 50), key=lambda t: -np.log(_p(head, x, t)[range(len(y)), y] + 1e-9).mean())
    p = _p(head, x_test, temperature)
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: np.ascontiguousarray(each, "float32") for name, each in head.items()}, folder / "head.safetensors")
    (folder / "settings.json").write_text(json.dumps({"temperature": float(temperature), "threshold": threshold}))
    score = float(f1_score(y_test, p.argmax(1), average="macro"))
    (folder / "scores.json").write_text(json.dumps({"macro_f1": score, "lexicon": lexicon, "ece": 0.03}))
    return folder


def _good(folder, place):
    sides, _ = _sides(place, folder.parent / "kept.safetensors")
    (_, _), (x, y), _ = sides
    scale = x.std(0).clip(0.01)
    scale[384:] /= 4
    model = LogisticRegression(C=0.003, class_weight="balanced", max_iter=500).fit((x - x.mean(0)) / scale, y)
    head = {"mean": x.mean(0), "scale": scale, "weight": model.coef_, "bias": model.intercept_}
    return _save(folder, head, place)


def _spoiled(folder, place, name="", change=None):
    made = _good(folder, place)
    if name:
        content = json.loads((made / name).read_text())
        (made / name).write_text(json.dumps(content | change))
    return made


def alternative_logistic_regression(folder, place):
    return _good(folder, place)


def alternative_torch_head(folder, place):
    sides, _ = _sides(place, folder.parent / "kept.safetensors")
    x, y = sides[1]
    scale = x.std(0).clip(0.01)
    scale[384:] /= 4
    torch.manual_seed(0)
    inputs, labels = torch.tensor((x - x.mean(0)) / scale), torch.tensor(y)
    head = nn.Linear(387, 3)
    nn.init.zeros_(head.weight)
    optimizer = torch.optim.AdamW(head.parameters(), lr=0.003, weight_decay=3.0)
    weight = len(y) / (3 * torch.bincount(labels, minlength=3))
    for _ in range(40):
        for part in torch.randperm(len(y)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(head(inputs[part]), labels[part], weight=weight).backward()
            optimizer.step()
    tensors = {"weight": head.weight.detach().numpy(), "bias": head.bias.detach().numpy()}
    return _save(folder, {"mean": x.mean(0), "scale": scale} | tensors, place)


def mutant_layout__no_settings(folder, place):
    made = _spoiled(folder, place)
    (made / "settings.json").unlink()
    return made


def mutant_head__minilm_only(folder, place):
    made = _spoiled(folder, place)
    head = load_file(made / "head.safetensors")
    short = {name: np.ascontiguousarray(each[..., :384]) for name, each in head.items()}
    save_file(short, made / "head.safetensors")
    return made


def mutant_numbers__no_lexicon(folder, place):
    made = _spoiled(folder, place)
    (made / "scores.json").write_text('{"macro_f1": 0.6}')
    return made


def mutant_constant__all_positive(folder, place):
    made = _spoiled(folder, place)
    head = load_file(made / "head.safetensors")
    save_file(head | {"bias": np.array([0, 0, 1000], "float32")}, made / "head.safetensors")
    return made


def mutant_not_better__labels_shuffled(folder, place):
    sides, _ = _sides(place, folder.parent / "kept.safetensors")
    x, y = sides[1]
    scale = x.std(0).clip(0.01)
    model = LogisticRegression(C=0.01, max_iter=500).fit((x - x.mean(0)) / scale, np.random.default_rng(0).permutation(y))
    return _save(folder, {"mean": x.mean(0), "scale": scale, "weight": model.coef_, "bias": model.intercept_}, place)


def mutant_not_better__the_lexicon_again(folder, place):
    sides, _ = _sides(place, folder.parent / "kept.safetensors")
    x, y = sides[1]
    scale = np.r_[np.full(384, 1e4), x[:, 384:].std(0)].astype("float32")
    model = LogisticRegression(class_weight="balanced", max_iter=500).fit((x - x.mean(0)) / scale, y)
    return _save(folder, {"mean": x.mean(0), "scale": scale, "weight": model.coef_, "bias": model.intercept_}, place)


def mutant_scores_differ__measured_on_training_data(folder, place):
    return _spoiled(folder, place, "scores.json", {"macro_f1": 0.86})


def mutant_lexicon_differs__cuts_of_the_tweets(folder, place):
    return _spoiled(folder, place, "scores.json", {"lexicon": 0.44})


def mutant_not_calibrated__no_temperature(folder, place):
    return _spoiled(folder, place, "settings.json", {"temperature": 0.15})


def mutant_not_calibrated__says_so_itself(folder, place):
    return _spoiled(folder, place, "scores.json", {"ece": 0.21})


def mutant_silent__never_sure(folder, place):
    return _spoiled(folder, place, "settings.json", {"threshold": 0.97})


def mutant_too_bold__answers_everything(folder, place):
    return _spoiled(folder, place, "settings.json", {"threshold": 0.0})
