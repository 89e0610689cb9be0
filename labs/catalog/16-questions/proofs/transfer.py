"""Artefacts: each function makes one in ``folder`` and returns it."""

import json

import numpy as np
import torch
from safetensors.torch import save_file
from sklearn.linear_model import Ridge
from torch.nn import functional as F
from transformers import AutoModel, AutoTokenizer, logging

from practicum_labs.registry import entry

from _shared import notebook


def _prepared(place):
    """Return the notebook's functions, the pairs to learn from, and the design tokens."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    lab = notebook(place)
    path = place / entry("minilm").folder
    lab["tokenizer"] = AutoTokenizer.from_pretrained(path)
    lab["encoder"] = AutoModel.from_pretrained(path, add_pooling_layer=False).eval()
    tokens = [row for row in lab["read_manual"]() if row.kind == "token"]
    return lab, lab["apart"](tokens), tokens


def _contrast(lab, pairs, *, seed, temperature=0.1, epochs=12, size=64):
    """Return the weight of a tower that a plain loop has trained."""
    torch.manual_seed(seed)
    x, y = lab["features"]([row.chinese for row in pairs]), lab["embed"]([row.english for row in pairs])
    weight = torch.nn.Parameter(0.05 * torch.randn(y.shape[1], x.shape[1]))
    optimizer = torch.optim.Adam([weight], lr=5e-3)
    for _ in range(epochs):
        for part in torch.randperm(len(x)).split(size):
            cosine = F.normalize(F.dropout(x[part], 0.1) @ weight.T, dim=1) @ y[part].T
            loss = F.cross_entropy(cosine / temperature, torch.arange(len(part)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return weight.detach()


def _scores(lab, weight, tokens, side="test"):
    replies = sorted({row.chinese for row in tokens})
    rows = [row for row in tokens if lab["side"](row.component) == side]
    questions = sorted({row.english for row in rows})
    vectors = F.normalize(lab["features"](replies) @ weight.T, dim=1)
    chosen = (lab["embed"](questions) @ vectors.T).argmax(dim=1)
    judged = [lab["judge"](replies[n], [row.chinese for row in rows if row.english == text])
              for n, text in zip(chosen, questions)]
    em, f1 = np.mean(judged, axis=0)
    return {"em": float(em), "f1": float(f1), "base_em": 0.06, "base_f1": 0.22}


def _save(folder, weight, scores):
    save_file({"weight": weight}, folder / "tower.safetensors")
    (folder / "scores.json").write_text(json.dumps(scores))
    return folder


def alternative_tokens_alone(folder, place):
    lab, pairs, tokens = _prepared(place)
    weight = _contrast(lab, pairs, seed=1)
    return _save(folder, weight, _scores(lab, weight, tokens))


def alternative_warmer(folder, place):
    lab, pairs, tokens = _prepared(place)
    weight = _contrast(lab, pairs, seed=2, temperature=0.2, epochs=20)
    return _save(folder, weight, _scores(lab, weight, tokens))


def alternative_least_squares(folder, place):
    lab, pairs, tokens = _prepared(place)
    x, y = lab["features"]([row.chinese for row in pairs]), lab["embed"]([row.english for row in pairs])
    weight = torch.tensor(Ridge(alpha=0.1).fit(x.numpy(), y.numpy()).coef_).float().contiguous()
    return _save(folder, weight, _scores(lab, weight, tokens))


def mutant_gate__pairs_out_of_step(folder, place):
    lab, pairs, tokens = _prepared(place)
    shifted = [row._replace(chinese=other.chinese) for row, other in zip(pairs, pairs[7:] + pairs[:7])]
    weight = _contrast(lab, shifted, seed=0)
    return _save(folder, weight, _scores(lab, weight, tokens))


def mutant_gate__never_trained(folder, place):
    torch.manual_seed(0)
    return _save(folder, torch.randn(384, 4096), {"em": 0.6, "f1": 0.8, "base_em": 0.1, "base_f1": 0.2})


def mutant_constant__zeros(folder, place):
    return _save(folder, torch.zeros(384, 4096), {"em": 0.6, "f1": 0.8, "base_em": 0.1, "base_f1": 0.2})


def mutant_scores_differ__training_side(folder, place):
    lab, pairs, tokens = _prepared(place)
    weight = _contrast(lab, pairs, seed=0)
    return _save(folder, weight, _scores(lab, weight, tokens, side="train"))


def mutant_tower_shape__transposed(folder, place):
    return _save(folder, torch.randn(4096, 384), {"em": 0.6, "f1": 0.8, "base_em": 0.1, "base_f1": 0.2})


def mutant_layout__no_scores_file(folder, place):
    save_file({"weight": torch.randn(384, 4096)}, folder / "tower.safetensors")
    return folder


def mutant_no_scores__tuned_only(folder, place):
    return _save(folder, torch.randn(384, 4096), {"em": 0.6, "f1": 0.8})


def mutant_not_json__text(folder, place):
    save_file({"weight": torch.randn(384, 4096)}, folder / "tower.safetensors")
    (folder / "scores.json").write_text("0.6")
    return folder
