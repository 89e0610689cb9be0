"""Artefacts: each function makes one in ``folder`` and returns it."""

import json
import random
import shutil
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn import functional as F
from transformers import AutoModel, AutoTokenizer, logging

from practicum_labs import data, metrics
from practicum_labs.registry import entry

logging.set_verbosity_error()
logging.disable_progress_bar()
LAYERS = ["query", "key", "value", "dense"]
CODE = "def load_pretrained():\n    ...\n\n\ndef load_finetuned(folder):\n    ...\n"


def _embed(encoder, batch):
    hidden = encoder(**batch).last_hidden_state
    weight = batch["attention_mask"].unsqueeze(-1).to(hidden.dtype)
    return (hidden * weight).sum(1) / weight.sum(1)


def _train(place, *, rank, lr, layers=LAYERS, seed=1, name="vader-reviews", examples=640, epochs=2):
    """Return (encoder, head, score on validation data) of a plain training loop."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    split = data.load(name, train=examples, validation=400, folder=place)
    path = place / entry("minilm").folder
    tokenizer = AutoTokenizer.from_pretrained(path)
    encoder = AutoModel.from_pretrained(path, add_pooling_layer=False)
    encoder = get_peft_model(encoder, LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=layers))
    head = nn.Linear(encoder.config.hidden_size, 3)
    learning = [p for p in (*encoder.parameters(), *head.parameters()) if p.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=lr, fused=True)
    counts = torch.bincount(torch.tensor([e.label for e in split.train]), minlength=3)
    weight = len(split.train) / (3 * counts)
    rng = random.Random(seed)
    for epoch in range(epochs):
        order = sorted(split.train, key=lambda e: len(e.text) + rng.random() * 20)
        parts = [order[i : i + 16] for i in range(0, len(order), 16)]
        rng.shuffle(parts)
        for n, part in enumerate(parts):
            done = (epoch * len(parts) + n) / (epochs * len(parts))
            optimizer.param_groups[0]["lr"] = lr * min(1.0, 10 * done + 0.05) * (1 - done)
            batch = _batch(tokenizer, [e.text for e in part])
            labels = torch.tensor([e.label for e in part])
            loss = F.cross_entropy(head(_embed(encoder, batch)), labels, weight=weight)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return encoder, head, _score(encoder.eval(), head, tokenizer, split.validation)


def _batch(tokenizer, texts):
    made = tokenizer(texts, padding=True, truncation=True, max_length=48, return_tensors="pt")
    return {key: made[key] for key in ("input_ids", "attention_mask")}


def _score(encoder, head, tokenizer, examples):
    predicted = []
    with torch.inference_mode():
        for i in range(0, len(examples), 50):
            batch = _batch(tokenizer, [e.text for e in examples[i : i + 50]])
            predicted += head(_embed(encoder, batch)).argmax(-1).tolist()
    return metrics.score(metrics.macro_f1, [e.label for e in examples], predicted).value


def _save(folder, encoder, head, *, base=0.5, tuned=0.6):
    encoder.save_pretrained(folder / "adapter")
    save_file(head.state_dict(), folder / "head.safetensors")
    origin = {"model": "minilm", "sha256": entry("minilm").sha256}
    (folder / "pretrained.json").write_text(json.dumps(origin))
    (folder / "scores.json").write_text(json.dumps({"base": base, "tuned": tuned}))
    (folder / "model.py").write_text(CODE)
    return folder


def _untrained(folder, place, bias=(0.0, 0.0, 0.0), **scores):
    torch.manual_seed(0)
    encoder = AutoModel.from_pretrained(place / entry("minilm").folder, add_pooling_layer=False)
    encoder = get_peft_model(encoder, LoraConfig(r=4, target_modules=LAYERS))
    head = nn.Linear(encoder.config.hidden_size, 3)
    with torch.no_grad():
        head.bias.copy_(torch.tensor(bias))
    return _save(folder, encoder, head, **scores)


def _base(place):
    """Return the score of a linear model on the frozen encoder's vectors."""
    split = data.load("vader-reviews", train=640, validation=400, folder=place)
    path = place / entry("minilm").folder
    tokenizer = AutoTokenizer.from_pretrained(path)
    encoder = AutoModel.from_pretrained(path, add_pooling_layer=False).eval()
    with torch.inference_mode():
        known, asked = (
            torch.cat([_embed(encoder, _batch(tokenizer, [e.text])) for e in side]).numpy()
            for side in (split.train, split.validation)
        )
    linear = LogisticRegression(class_weight="balanced", max_iter=2000)
    linear.fit(known, [e.label for e in split.train])
    gold = [e.label for e in split.validation]
    return metrics.score(metrics.macro_f1, gold, linear.predict(asked).tolist()).value


def _good(kept, place):
    """Train once; most mutants spoil a good artefact in one way."""
    if not (kept / "scores.json").exists():
        encoder, head, tuned = _train(place, rank=4, lr=2e-3)
        kept.mkdir(parents=True, exist_ok=True)
        _save(kept, encoder, head, base=_base(place), tuned=tuned)
    return kept


def _spoiled(folder, place):
    shutil.rmtree(folder)
    return Path(shutil.copytree(_good(folder.parent / "good", place), folder))


def alternative_lower_rank(folder, place):
    return _spoiled(folder, place)


def alternative_attention_only(folder, place):
    encoder, head, tuned = _train(place, rank=8, lr=4e-3, layers=["query", "value"], seed=2)
    return _save(folder, encoder, head, base=_base(place), tuned=tuned)


def mutant_layout__no_scores(folder, place):
    made = _spoiled(folder, place)
    (made / "scores.json").unlink()
    return made


def mutant_pickle__torch_save(folder, place):
    made = _spoiled(folder, place)
    (made / "head.pt").write_bytes(b"x")
    return made


def mutant_too_large__whole_model(folder, place):
    made = _spoiled(folder, place)
    (made / "model.safetensors").write_bytes(bytes(90 * 2**20))
    return made


def mutant_wrong_base__another_model(folder, place):
    made = _spoiled(folder, place)
    (made / "pretrained.json").write_text('{"model": "bert-base", "sha256": "0"}')
    return made


def mutant_no_code__nothing_to_load_it(folder, place):
    made = _spoiled(folder, place)
    (made / "model.py").write_text("print('see notebook')\n")
    return made


def mutant_no_comparison__tuned_only(folder, place):
    made = _spoiled(folder, place)
    (made / "scores.json").write_text('{"tuned": 0.7}')
    return made


def mutant_not_json__python_repr(folder, place):
    made = _spoiled(folder, place)
    (made / "scores.json").write_text("{'base': 0.5, 'tuned': 0.7}")
    return made


def mutant_scores_differ__measured_on_training_data(folder, place):
    made = _spoiled(folder, place)
    (made / "scores.json").write_text('{"base": 0.5, "tuned": 0.97}')
    return made


def mutant_base_differs__an_invented_baseline(folder, place):
    made = _spoiled(folder, place)
    scores = json.loads((made / "scores.json").read_text())
    (made / "scores.json").write_text(json.dumps(scores | {"base": 0.2}))
    return made


def mutant_does_not_load__other_head(folder, place):
    made = _spoiled(folder, place)
    save_file(nn.Linear(384, 5).state_dict(), made / "head.safetensors")
    return made


def mutant_constant__always_positive(folder, place):
    return _untrained(folder, place, bias=(0.0, 0.0, 100.0))


def mutant_not_better__never_trained(folder, place):
    return _untrained(folder, place, bias=(0.0, 0.0, 0.0))
