"""Artefacts: each function makes one in ``folder`` and returns it. All with torch's own modules."""

import json
import random
import re
import shutil
from collections import Counter
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from practicum_labs import data, metrics


class _Model(nn.Module):
    def __init__(self, size, width, heads, depth, classes=3, dropout=0.3):
        super().__init__()
        self.table = nn.Embedding(size, width)
        nn.init.normal_(self.table.weight, std=width**-0.5)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, heads, 4 * width, dropout, batch_first=True, norm_first=True)
            for _ in range(depth)
        )
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, classes)
        self.use_positions = True

    def forward(self, ids):
        width, mask = self.table.embedding_dim, ids != 0
        angle = torch.arange(ids.shape[1])[:, None] / 10000 ** (torch.arange(0, width, 2) / width)
        places = torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)
        x = self.table(ids) * width**0.5 + places * self.use_positions
        x = F.dropout(x, 0.3, self.training)
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=~mask)
        kept = mask.unsqueeze(-1).float()
        return self.head((self.norm(x) * kept).sum(1) / kept.sum(1).clamp(min=1))


def _words(text):
    return re.findall(r"\w+|[^\w\s]", text.lower())


def _ids(texts, vocabulary, length):
    rows = [[vocabulary.get(t, 1) for t in text][:length] or [1] for text in texts]
    return torch.tensor([row + [0] * (length - len(row)) for row in rows])


def _train(place, *, width=48, heads=4, depth=2, epochs=5, seed=1, length=24, least=2, use_positions=True):
    """Return (model, vocabulary, examples, score on validation data)."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    split = data.load("vader-tweets", train=3000, validation=600, folder=place)
    seen = Counter(w for e in split.train for w in _words(e.text))
    known = sorted(w for w in seen if seen[w] >= least)
    vocabulary = {w: n for n, w in enumerate(["<pad>", "<?>", *known])}
    model = _Model(len(vocabulary), width, heads, depth)
    model.use_positions = use_positions
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    counts = torch.bincount(torch.tensor([e.label for e in split.train]), minlength=3)
    rng, steps = random.Random(seed), epochs * (len(split.train) // 64 + 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps + 1, pct_start=0.1)
    for _ in range(epochs):
        order = rng.sample(split.train, len(split.train))
        for i in range(0, len(order), 64):
            part = order[i : i + 64]
            logits = model(_ids([_words(e.text) for e in part], vocabulary, length))
            labels = torch.tensor([e.label for e in part])
            loss = F.cross_entropy(logits, labels, weight=len(split.train) / (3 * counts))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    model.eval()
    with torch.no_grad():
        said = model(_ids([_words(e.text) for e in split.validation], vocabulary, length)).argmax(-1)
    gold = [e.label for e in split.validation]
    score = metrics.score(metrics.macro_f1, gold, said.tolist()).value
    return model, vocabulary, [_words(e.text) for e in split.validation[:8]], score


def _save(folder, model, vocabulary, examples, score, *, heads=4, length=24, classes=3):
    save_file(model.state_dict(), folder / "model.safetensors")
    with torch.no_grad():
        said = model(_ids(examples, vocabulary, length)).softmax(-1).tolist()
    card = {"heads": heads, "length": length, "classes": ["a", "b", "c", "d"][:classes],
            "score": {"macro_f1": score}, "examples": examples, "probabilities": said}
    (folder / "card.json").write_text(json.dumps(card))
    (folder / "vocabulary.json").write_text(json.dumps(vocabulary))
    return folder


def _spoiled(folder, place):
    """Return a copy of a good artefact, trained once."""
    kept = folder.parent / "good"
    if not (kept / "card.json").exists():
        kept.mkdir(parents=True, exist_ok=True)
        _save(kept, *_train(place))
    shutil.rmtree(folder)
    return Path(shutil.copytree(kept, folder))


def _change(folder, **values):
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, **values}))
    return folder


def alternative_torch_modules(folder, place):
    return _spoiled(folder, place)


def alternative_one_block_two_heads(folder, place):
    return _save(folder, *_train(place, width=64, heads=2, depth=1, seed=2), heads=2)


def mutant_layout__no_vocabulary(folder, place):
    made = _spoiled(folder, place)
    (made / "vocabulary.json").unlink()
    return made


def mutant_pickle__torch_save(folder, place):
    made = _spoiled(folder, place)
    (made / "model.pt").write_bytes(b"x")
    return made


def mutant_too_large__optimizer_too(folder, place):
    made = _spoiled(folder, place)
    (made / "optimizer.safetensors").write_bytes(bytes(6 * 2**20))
    return made


def mutant_does_not_load__other_names(folder, place):
    made = _spoiled(folder, place)
    save_file({"weight": torch.ones(3, 3)}, made / "model.safetensors")
    return made


def mutant_does_not_load__not_json(folder, place):
    made = _spoiled(folder, place)
    (made / "card.json").write_text("{'heads': 4}")
    return made


def mutant_card__no_score(folder, place):
    return _change(_spoiled(folder, place), score={})


def mutant_classes__four(folder, place):
    return _change(_spoiled(folder, place), classes=["a", "b", "c", "d"])


def mutant_differs__other_number_of_heads(folder, place):
    return _change(_spoiled(folder, place), heads=2)


def mutant_differs__trained_without_positions(folder, place):
    return _save(folder, *_train(place, epochs=1, use_positions=False))


def mutant_scores_differ__measured_on_training_data(folder, place):
    return _change(_spoiled(folder, place), score={"macro_f1": 0.95})


def _untrained(folder, bias):
    torch.manual_seed(0)
    vocabulary = {w: n for n, w in enumerate(["<pad>", "<?>", "good", "bad", "the", "a", "i", "!"])}
    model = _Model(len(vocabulary), 48, 4, 1).eval()
    with torch.no_grad():
        model.head.bias.copy_(torch.tensor(bias))
    return _save(folder, model, vocabulary, [["good", "!"]], 0.3)


def mutant_constant__always_positive(folder, place):
    return _untrained(folder, [0.0, 0.0, 90.0])


def mutant_not_better__never_trained(folder, place):
    return _untrained(folder, [0.1, 0.0, 0.1])


def mutant_far_behind__eight_words(folder, place):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    split = data.load("vader-tweets", train=3000, validation=600, folder=place)
    known = [":", ")", "!", "love", "good", "not", "bad", "hate"]
    vocabulary = {w: n for n, w in enumerate(["<pad>", "<?>", *known])}
    model = _Model(len(vocabulary), 48, 4, 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    counts = torch.bincount(torch.tensor([e.label for e in split.train]), minlength=3)
    for i in range(0, 2 * len(split.train), 64):
        part = [split.train[n % len(split.train)] for n in range(i, i + 64)]
        labels = torch.tensor([e.label for e in part])
        logits = model(_ids([_words(e.text) for e in part], vocabulary, 24))
        loss = F.cross_entropy(logits, labels, weight=len(split.train) / (3 * counts))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return _save(folder, model.eval(), vocabulary, [["good", "!"]], 0.45)
