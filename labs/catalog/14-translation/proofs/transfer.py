"""Artefacts: each function makes one in ``folder`` and returns it."""

import hashlib
import json
import random
import re
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from practicum_labs import data, metrics

CODE = '''
import json
import re
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn


class Model(nn.Module):
    def __init__(self, source, target, width):
        super().__init__()
        self.ours, self.theirs = nn.Embedding(source, width), nn.Embedding(target, width)
        for table in (self.ours, self.theirs):
            nn.init.normal_(table.weight, std=width**-0.5)
        self.places = nn.Parameter(0.1 * torch.randn(64, width))
        self.body = nn.Transformer(width, 4, 1, 1, 4 * width, 0.2, batch_first=True, norm_first=True)
        self.width = width

    def forward(self, source, target):
        hidden, length = source == 0, target.shape[1]
        out = self.body(
            self.ours(source) * self.width**0.5 + self.places[: source.shape[1]],
            self.theirs(target) * self.width**0.5 + self.places[:length],
            tgt_mask=torch.ones(length, length, dtype=torch.bool).triu(1),
            src_key_padding_mask=hidden, memory_key_padding_mask=hidden,
        )
        return out @ self.theirs.weight.T


def padded(rows):
    longest = max(map(len, rows))
    return torch.tensor([row + [0] * (longest - len(row)) for row in rows])


def load_translator(folder):
    source, target, width = json.loads((Path(folder) / "vocabulary.json").read_text("utf-8"))
    model = Model(len(source), len(target), width).eval()
    model.load_state_dict(load_file(Path(folder) / "model.safetensors"))
    words = {number: word for word, number in target.items()}

    def translate(texts):
        said = []
        for text in texts:
            ids = torch.tensor([[source.get(c, 1) for c in text if c != " "]])
            out = [2]
            while len(out) < 16:
                with torch.inference_mode():
                    logits = model(ids, torch.tensor([out]))[0, -1, 3:]
                out.append(3 + int(logits.argmax()))
                if out[-1] == 3:
                    break
            text = " ".join(words[n] for n in out[1:] if n != 3)
            said.append(re.sub(r" ([:,.!?])", r"\\1", text).replace(" - ", "-"))
        return said

    return translate
'''
MEMORY = '''
import json
from pathlib import Path


def load_translator(folder):
    pairs = json.loads((Path(folder) / "pairs.json").read_text("utf-8"))

    def near(text):
        own = set(text)
        return max(pairs, key=lambda p: len(own & set(p[0])) / len(own | set(p[0])))[1]

    return lambda texts: [near(text) for text in texts]
'''


def _labels(place, language):
    items = json.loads((place / language / "compact.json").read_text("utf-8"))
    return {e["hexcode"]: e["label"] for item in items for e in (item, *item.get("skins", ()))}


def _rows(place):
    """Return (code, concept, Chinese, English)."""
    folder, rows = data.path("emojibase", folder=place), []
    english, chinese = _labels(folder, "en"), _labels(folder, "zh")
    for code, label in sorted(english.items()):
        points = code.split("-")
        if {"1F3FC", "1F3FD", "1F3FE"} & set(points) or code.count("1F3F") > 1:
            continue
        if label.startswith(("flag:", "regional")):
            continue
        kept = re.sub(r"-(1F3F[B-F]|264[02]|200D|FE0F)(?=-|$)", "", code)
        key = kept.replace("1F468", "1F9D1").replace("1F469", "1F9D1")
        rows.append((code, key, chinese[code].replace(": ", "："), label.lower()))
    return rows


def _is_held(key, seed):
    return hashlib.sha256(f"{seed} {key}".encode()).digest()[0] < 38


def _train(place, *, seed, width=64, epochs=24, leak=False):
    """Return (model, vocabularies and width, held-out rows) of a plain training loop."""
    scope = {}
    exec(CODE, scope)  # noqa: S102 (our own code, which goes into the artefact too)
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rows = _rows(place)
    held = [row for row in rows if _is_held(row[1], seed)]
    kept = rows if leak else [row for row in rows if not _is_held(row[1], seed)]
    pairs = [([c for c in r[2] if c != " "], re.findall(r"\w+|[^\w\s]", r[3])) for r in kept]
    special = ["<pad>", "<?>", "<start>", "<end>"]
    vocabularies = [{token: n for n, token in enumerate([*special, *sorted({t for p in pairs for t in p[side]})])}
                    for side in (0, 1)]  # fmt: skip
    model = scope["Model"](*map(len, vocabularies), width)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, betas=(0.9, 0.98), fused=True)
    rng, steps, step = random.Random(seed), epochs * (len(pairs) // 64 + 1), 0
    for _ in range(epochs):
        order = sorted(pairs, key=lambda p: len(p[1]) + rng.random())
        parts = [order[i : i + 64] for i in range(0, len(order), 64)]
        rng.shuffle(parts)
        for part in parts:
            step += 1
            optimizer.param_groups[0]["lr"] = 5e-3 * min(1.0, 10 * step / steps) * (1.001 - step / steps)
            source = scope["padded"]([[vocabularies[0][t] for t in a] for a, _ in part])
            target = scope["padded"]([[2, *(vocabularies[1][t] for t in b), 3] for _, b in part])
            logits = model(source, target[:, :-1]).flatten(0, 1)
            loss = F.cross_entropy(logits, target[:, 1:].flatten(), ignore_index=0, label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
    return model.eval(), [*vocabularies, width], held


def _save(folder, model, vocabularies, held):
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: t.detach().contiguous() for name, t in model.state_dict().items()},
              folder / "model.safetensors")  # fmt: skip
    (folder / "translator.py").write_text(CODE)
    (folder / "vocabulary.json").write_text(json.dumps(vocabularies))
    (folder / "held_out.json").write_text(json.dumps([row[0] for row in held]))
    scope = {}
    exec(CODE, scope)  # noqa: S102
    said = scope["load_translator"](folder)([row[2] for row in held])
    score = metrics.bleu(said, [row[3] for row in held], language="en")
    _write_scores(folder, bleu=score.value, signature=score.signature)
    return folder


def _write_scores(folder, **scores):
    (folder / "scores.json").write_text(json.dumps(scores))
    return folder


def _spoiled(folder, place):
    """Train once; most mutants spoil a good artefact in one way."""
    kept = folder.parent / "good"
    if not (kept / "scores.json").exists():
        _save(kept, *_train(place, seed=1))
    shutil.rmtree(folder)
    return Path(shutil.copytree(kept, folder))


def _scores(folder):
    return json.loads((folder / "scores.json").read_text())


def alternative_torchs_transformer(folder, place):
    return _spoiled(folder, place)


def alternative_smaller_and_longer(folder, place):
    return _save(folder, *_train(place, seed=2, width=48, epochs=30))


def mutant_layout__no_scores(folder, place):
    made = _spoiled(folder, place)
    (made / "scores.json").unlink()
    return made


def mutant_pickle__torch_save(folder, place):
    made = _spoiled(folder, place)
    (made / "model.pt").write_bytes(b"x")
    return made


def mutant_does_not_load__other_vocabulary(folder, place):
    made = _spoiled(folder, place)
    (made / "vocabulary.json").write_text(json.dumps([{"a": 0}, {"b": 0}, 64]))
    return made


def mutant_does_not_load__no_such_function(folder, place):
    made = _spoiled(folder, place)
    (made / "translator.py").write_text("print('see notebook')\n")
    return made


def mutant_too_few__a_handful(folder, place):
    made = _spoiled(folder, place)
    codes = json.loads((made / "held_out.json").read_text())
    (made / "held_out.json").write_text(json.dumps(codes[:20]))
    return made


def mutant_not_texts__one_text(folder, place):
    made = _spoiled(folder, place)
    (made / "translator.py").write_text("def load_translator(folder):\n    return lambda texts: 'face'\n")
    return made


def mutant_constant__the_same_for_all(folder, place):
    made = _spoiled(folder, place)
    (made / "translator.py").write_text(
        "def load_translator(folder):\n    return lambda texts: ['face'] * len(texts)\n"
    )
    return made


def mutant_leaked__trained_on_what_it_holds_out(folder, place):
    return _save(folder, *_train(place, seed=1, leak=True))


def mutant_recalls__a_translation_memory(folder, place):
    made = _spoiled(folder, place)
    held = set(json.loads((made / "held_out.json").read_text()))
    pairs = [row[2:] for row in _rows(place) if row[0] not in held]
    (made / "pairs.json").write_text(json.dumps(pairs))
    (made / "translator.py").write_text(MEMORY)
    return made


def mutant_below_gate__first_word_only(folder, place):
    made = _spoiled(folder, place)
    (made / "translator.py").write_text(
        CODE.replace("    return translate\n",
                     "    return lambda texts: [s.split()[0] + ' x ' + t[:1] for s, t in zip(translate(texts), texts)]\n")
    )  # fmt: skip
    return made


def mutant_signature__tokenized_as_chinese(folder, place):
    made = _spoiled(folder, place)
    return _write_scores(made, bleu=_scores(made)["bleu"], signature="nrefs:1|case:mixed|tok:zh|version:2.6.0")


def mutant_no_bleu__only_the_signature(folder, place):
    made = _spoiled(folder, place)
    return _write_scores(made, signature=_scores(made)["signature"])


def mutant_scores_differ__measured_on_training_data(folder, place):
    made = _spoiled(folder, place)
    return _write_scores(made, bleu=91.0, signature=_scores(made)["signature"])
