"""Artefacts: each function makes one in ``folder`` and returns it."""

import hashlib
import json
import math
import random
import re
import shutil
from collections import Counter
from pathlib import Path

import torch
from torch.nn import functional as F
from transformers import (
    BertConfig,
    BertLMHeadModel,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    logging,
)

from practicum_labs import data

logging.set_verbosity_error()
logging.disable_progress_bar()
CHINESE = "[\u4e00-\u9fff]+"
TRIGRAM = 197.9  # as the lab's own baseline has it


def _song(place):
    """Return {side: texts} of the ci in the twelve most common forms, split by author."""
    poems, seen = set(), Counter()
    for path in data.path("song-ci", folder=place).glob("ci.song.*.json"):
        for poem in json.loads(path.read_text("utf-8")):
            text = re.sub("[、；]", "，", re.sub("[？！]", "。", "".join(poem["paragraphs"])))
            if len(text) <= 72 and not re.sub("[，。\u4e00-\u9fff]", "", text):
                form = tuple(map(len, re.findall(CHINESE, text)))
                poems.add((poem["author"], form, text))
                seen[form] += 1
    signs = {form: chr(0x2460 + n) for n, form in enumerate(sorted(seen, key=lambda f: (-seen[f], f))[:12])}
    sides = {"train": [], "test": []}
    for author, form, text in sorted(poems):
        tenth = int.from_bytes(hashlib.sha256(author.encode()).digest()[:4], "big") % 10
        if form in signs and author != "无名氏" and tenth:
            sides["test" if tenth == 1 else "train"].append(signs[form] + text + "■")
    lines = {text: re.findall(CHINESE, text) for side in sides.values() for text in side}
    known = {line for text in sides["train"] for line in lines[text]}
    sides["test"] = [t for t in sides["test"] if 3 * sum(n in known for n in lines[t]) <= len(lines[t])]
    return sides


def _vocabulary(texts, size=1500):
    seen = Counter("".join(texts))
    seen.pop("■")
    return ["□", "■", *sorted(seen, key=lambda c: (-seen[c], c))][:size]


def _gpt(size, **options):
    return GPT2LMHeadModel(GPT2Config(
        vocab_size=size, n_positions=80, n_embd=64, n_layer=2, n_head=4, resid_pdrop=0.0, embd_pdrop=0.0,
        attn_pdrop=0.0, bos_token_id=None, eos_token_id=1, use_cache=False, **options))


def _train(model, rows, *, epochs=6, lr=6e-3, seed=1):
    """A plain loop: padded batches in random order, warm-up, cosine."""
    rng, step = random.Random(seed), 0
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    steps = epochs * math.ceil(len(rows) / 16)
    for _ in range(epochs):
        rng.shuffle(rows)
        parts = [rows[i : i + 16] for i in range(0, len(rows), 16)]
        for part in parts:
            step += 1
            optimizer.param_groups[0]["lr"] = lr * min(step / 40, 0.525 + 0.475 * math.cos(math.pi * step / steps))
            ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in part], True, -100)
            loss = F.cross_entropy(model(ids[:, :-1].clamp(min=0)).logits.transpose(1, 2), ids[:, 1:])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
    return model.eval()


def _perplexity(model, rows):
    with torch.inference_mode():
        losses = [F.cross_entropy(model(torch.tensor([row[:-1]])).logits[0], torch.tensor(row[1:]), reduction="sum")
                  for row in rows]
    return math.exp(sum(losses).item() / sum(len(row) - 1 for row in rows))


def _made(folder, place, build, **options):
    torch.set_num_threads(1)
    torch.manual_seed(1)
    sides = _song(place)
    vocabulary = _vocabulary(sides["train"])
    rows = {name: [[vocabulary.index(c) if c in vocabulary else 0 for c in t] for t in texts]
            for name, texts in sides.items()}
    model = _train(build(len(vocabulary)), rows["train"], **options)
    return _save(folder, model, vocabulary, {"perplexity": _perplexity(model, rows["test"]), "trigram": TRIGRAM})


def _save(folder, model, vocabulary, scores):
    model.save_pretrained(folder)
    (folder / "vocabulary.json").write_text(json.dumps(vocabulary, ensure_ascii=False), "utf-8")
    (folder / "scores.json").write_text(json.dumps(scores), "utf-8")
    return folder


def _spoiled(folder, place):
    """Return a copy of one good artefact; it is trained once."""
    good = folder.parent / "good"
    if not (good / "scores.json").exists():
        good.mkdir(parents=True, exist_ok=True)
        _made(good, place, _gpt)
    shutil.rmtree(folder)
    return Path(shutil.copytree(good, folder))


def _scores(folder, **changed):
    scores = json.loads((folder / "scores.json").read_text("utf-8"))
    (folder / "scores.json").write_text(json.dumps(scores | changed), "utf-8")
    return folder


def alternative_another_seed(folder, place):
    return _spoiled(folder, place)


def alternative_llama(folder, place):
    def build(size):
        return LlamaForCausalLM(LlamaConfig(
            vocab_size=size, hidden_size=64, intermediate_size=176, num_hidden_layers=2, num_attention_heads=4,
            max_position_embeddings=80, tie_word_embeddings=True, bos_token_id=None, eos_token_id=1))

    return _made(folder, place, build)


def mutant_layout__no_scores(folder, place):
    made = _spoiled(folder, place)
    (made / "scores.json").unlink()
    return made


def mutant_not_json__python_repr(folder, place):
    made = _spoiled(folder, place)
    (made / "scores.json").write_text("{'perplexity': 80.0, 'trigram': 90.0}", "utf-8")
    return made


def mutant_no_comparison__perplexity_alone(folder, place):
    made = _spoiled(folder, place)
    (made / "scores.json").write_text('{"perplexity": 80.0}', "utf-8")
    return made


def mutant_does_not_load__no_weights(folder, place):
    made = _spoiled(folder, place)
    (made / "model.safetensors").write_bytes(b"x")
    return made


def mutant_vocabulary__fewer_characters(folder, place):
    made = _spoiled(folder, place)
    vocabulary = json.loads((made / "vocabulary.json").read_text("utf-8"))
    (made / "vocabulary.json").write_text(json.dumps(vocabulary[:200], ensure_ascii=False), "utf-8")
    return made


def mutant_vocabulary__of_all_sides(folder, place):
    made = _spoiled(folder, place)
    sides = _song(place)
    words = _vocabulary(sides["train"] + sides["test"])
    (made / "vocabulary.json").write_text(json.dumps(words, ensure_ascii=False), "utf-8")
    return made


def mutant_leaks__looks_both_ways(folder, place):
    made = _spoiled(folder, place)
    torch.manual_seed(0)
    model = BertLMHeadModel(BertConfig(
        vocab_size=1500, hidden_size=32, num_hidden_layers=1, num_attention_heads=4, intermediate_size=64,
        max_position_embeddings=80, initializer_range=0.2, is_decoder=False))
    model.save_pretrained(made)
    return made


def mutant_not_better__never_trained(folder, place):
    made = _spoiled(folder, place)
    torch.manual_seed(0)
    _gpt(1500).save_pretrained(made)
    return made


def mutant_scores_differ__of_the_training_side(folder, place):
    return _scores(_spoiled(folder, place), perplexity=40.0)


def mutant_scores_differ__a_weak_trigram(folder, place):
    return _scores(_spoiled(folder, place), trigram=300.0)
