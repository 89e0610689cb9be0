# %% [markdown] intro
# %% setup
import hashlib
import importlib.util
import json
import math
import random
import re
import time
from collections import Counter, defaultdict
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import torch
from sacrebleu.metrics import CHRF
from safetensors.torch import save_file
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from torch import nn
from torch.nn import functional as F

from practicum_labs import data, metrics, track
from practicum_labs.lab import open_lab
from practicum_labs.registry import sha256_of

lab = open_lab("transformer", language="en")
lab.style()

SEEDS = (0, 1, 2)
device = torch.device(lab.tier.device)
torch.set_num_threads(1)  # models this small only wait for a second thread
print(lab.say("ready", tier=lab.tier.name, device=device, torch=torch.__version__))
# %% [markdown] data
# %% data
KINDS = ("n", "v", "nr", "ns", "nt", "m")
names = [lab.say(f"kind_{tag}") for tag in KINDS]


def package(name):
    """Return the folder of an installed package, without importing it."""
    return Path(importlib.util.find_spec(name).origin).parent


def held_out(text):
    """Whether a text is on the validation side: its own characters decide, and nothing else."""
    return hashlib.sha256(text.encode()).digest()[0] % 4 == 0


def chinese(text):
    return all("\u4e00" <= character <= "\u9fff" for character in text)


def draw(words, train, validation, seed=0):
    """Return as many words of each kind for training and for validation, shuffled."""
    rng = random.Random(seed)
    sides = ([], [])
    for label, tag in enumerate(KINDS):
        pool = sorted(word for word, kind in words.items() if kind == tag)
        rng.shuffle(pool)
        for side, most, validating in zip(sides, (train, validation), (False, True), strict=True):
            chosen = [word for word in pool if held_out(word) == validating][: most // len(KINDS)]
            side += [data.Example(word, label) for word in chosen]
    for side in sides:
        rng.shuffle(side)
    return sides


source = package("jieba") / "dict.txt"
data.note_loaded("jieba-dict", sha256_of(source))
words = {}
for line in source.read_text("utf-8").splitlines():
    word, _, tag = line.split(" ")
    if tag in KINDS and 2 <= len(word) <= 8 and chinese(word):
        words[word] = tag
train_words, valid_words = draw(words, lab.tier.examples(4800), lab.tier.examples(1200))
gold = [example.label for example in valid_words]

shown = [[e.text for e in train_words if e.label == label][:6] for label in range(len(KINDS))]
display(pd.DataFrame(shown, index=names))
print(f"train: {len(train_words)}  validation: {len(valid_words)}")
# %% pairs
known = {e.text for e in train_words}
turned = sorted(
    word for word, kind in words.items()
    if word < word[::-1] and words.get(word[::-1], kind) != kind
    and not known & {word, word[::-1]}
)
random.Random(0).shuffle(turned)
turned = turned[:300]
print(lab.say("pairs", count=len(turned)))
for word in ("国法", "实现", *turned[:3]):
    kinds = [names[KINDS.index(words[w])] for w in (word, word[::-1])]
    print(f"  {word} {kinds[0]}   {word[::-1]} {kinds[1]}")
# %% [markdown] baseline
# %% baseline
def counts_baseline(train, validation, lengths=((1, 1), (1, 2))):
    """Predict from runs of characters, their length and the regularization tuned in training."""
    model = make_pipeline(
        TfidfVectorizer(analyzer="char_wb", sublinear_tf=True), LinearSVC(class_weight="balanced")
    )
    grid = {"tfidfvectorizer__ngram_range": list(lengths), "linearsvc__C": [0.1, 0.3, 1]}
    search = GridSearchCV(model, grid, cv=3).fit([e.text for e in train], [e.label for e in train])
    return search.predict([e.text for e in validation]).tolist()


counted = counts_baseline(train_words, valid_words)
chance = [0] * len(gold)
for name, predicted in ((lab.say("same_answer"), chance), ("TF-IDF", counted)):
    print(f"{name}: accuracy {metrics.score(metrics.accuracy, gold, predicted)}")
# %% [markdown] to_ids
# %% to_ids graded=to_ids
def to_ids(texts, vocabulary, length):
    """Return the numbers of the tokens, every text made exactly `length` long.

    texts: a list of lists of tokens   vocabulary: token -> number
    A token that is not in the vocabulary gets 1. What is short is filled with 0 at its end,
    what is long is cut at its end.
    Returns (texts, length), torch.long.
    """
    rows = []
    for tokens in texts:
        # >>>
        row = [vocabulary.get(token, 1) for token in tokens[:length]]
        row += [0] * (length - len(row))
        # <<<
        rows.append(row)
    return torch.tensor(rows, dtype=torch.long)
# %% to_ids-check
lab.check("to_ids", to_ids)
# %% [markdown] positions
# %% positions graded=positions
def positions(length, width):
    """Return the sinusoidal positional encoding, (length, width); width is even."""
    place = torch.arange(length).unsqueeze(1)  # (length, 1)
    even = torch.arange(0, width, 2)  # 0, 2, 4, ...: the formula's 2i
    # >>>
    angle = place / 10000 ** (even / width)  # (length, width / 2)
    encoding = torch.empty(length, width)
    encoding[:, 0::2] = torch.sin(angle)
    encoding[:, 1::2] = torch.cos(angle)
    return encoding
    # <<<
# %% positions-check
lab.check("positions", positions)
# %% positions-picture
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 2.8))
left.imshow(positions(48, 64), aspect="auto", cmap="RdBu", interpolation="nearest")
left.set(xlabel=lab.say("dimension"), ylabel=lab.say("position"))
left.grid(visible=False)
encoding = positions(48, 64)
for place in (5, 20):
    right.plot((encoding @ encoding[place]).tolist(), label=lab.say("like_position", place=place))
right.set(xlabel=lab.say("position"), ylabel=lab.say("dot_product"))
right.legend()
figure.tight_layout()
plt.show()
# %% [markdown] embed
# %% embed graded=embed
def embed(ids, table, places):
    """Return what enters the first block: the token's vector and its position's.

    ids: (batch, tokens)   table: (vocabulary, width)   places: (at least tokens, width)
    Returns (batch, tokens, width).
    """
    width = table.shape[1]
    # >>>
    return table[ids] * math.sqrt(width) + places[: ids.shape[1]]
    # <<<
# %% embed-check
lab.check("embed", embed)
# %% [markdown] softmax
# %% softmax graded=softmax
def softmax(logits, temperature):
    """Return probabilities over the last dimension; stable for logits of any size."""
    # >>>
    scaled = logits / temperature
    powers = torch.exp(scaled - scaled.amax(dim=-1, keepdim=True))
    return powers / powers.sum(dim=-1, keepdim=True)
    # <<<
# %% softmax-check
lab.check("softmax", softmax)
# %% [markdown] attention
# %% attention graded=attention
def attention(q, k, v, mask):
    """Return scaled dot-product attention.

    q: (..., queries, width)   k: (..., keys, width)   v: (..., keys, any width)
    mask: None, or true where a query may look, broadcastable to (..., queries, keys)
    """
    scores = q @ k.transpose(-2, -1)
    # >>>
    scores = scores / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return torch.softmax(scores, dim=-1) @ v
    # <<<
# %% attention-check
lab.check("attention", attention)
# %% [markdown] solution attention-reading
# %% [markdown] multi_head
# %% multi_head graded=multi_head
def multi_head(x, memory, weights, heads, mask, attend):
    """Return multi-head attention: queries from x, keys and values from memory.

    x: (batch, queries, width)   memory: (batch, keys, width)
    weights.in_proj_weight: (3 * width, width), for q, k and v in this order
    weights.in_proj_bias: (3 * width,)   weights.out_proj: a linear layer
    attend(q, k, v, mask): the function you wrote above
    """

    def split(z):
        """(batch, tokens, width) -> (batch, heads, tokens, width / heads)"""
        # >>>
        return z.unflatten(-1, (heads, -1)).transpose(1, 2)
        # <<<

    w_q, w_k, w_v = weights.in_proj_weight.chunk(3)
    b_q, b_k, b_v = weights.in_proj_bias.chunk(3)
    # >>>
    q = split(F.linear(x, w_q, b_q))
    k = split(F.linear(memory, w_k, b_k))
    v = split(F.linear(memory, w_v, b_v))
    together = attend(q, k, v, mask).transpose(1, 2).flatten(2)
    return weights.out_proj(together)
    # <<<
# %% multi_head-check
lab.check("multi_head", multi_head)
# %% [markdown] solution multi_head-reading
# %% [markdown] feed_forward
# %% feed_forward graded=feed_forward
def feed_forward(x, up, up_bias, down, down_bias):
    """Return max(0, x up^T + up_bias) down^T + down_bias, for each token by itself.

    x: (batch, tokens, width)   up: (inner, width)   down: (width, inner)
    """
    # >>>
    return F.linear(F.relu(F.linear(x, up, up_bias)), down, down_bias)
    # <<<
# %% feed_forward-check
lab.check("feed_forward", feed_forward)
# %% [markdown] sublayer
# %% sublayer graded=sublayer
def sublayer(x, work, norm, residual):
    """Normalize x, let work at it, and add the result to x as it came (unless residual is false)."""
    # >>>
    change = work(norm(x))
    return x + change if residual else change
    # <<<
# %% sublayer-check
lab.check("sublayer", sublayer)
# %% [markdown] solution sublayer-reading
# %% [markdown] assemble
# %% assemble
class Block(nn.Module):
    """Attention and feed-forward, each in a sublayer; parameters are named as torch names them."""

    def __init__(self, width, heads, residual=True, cross=False, dropout=0.1):
        super().__init__()
        self.heads, self.residual, self.dropout = heads, residual, dropout
        self.self_attn = nn.MultiheadAttention(width, heads)  # holds weights; we never call it
        self.multihead_attn = nn.MultiheadAttention(width, heads) if cross else None
        self.linear1, self.linear2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.norm3 = nn.LayerNorm(width) if cross else None

    def forward(self, x, mask, memory=None, memory_mask=None):
        def look(y):
            return self.drop(multi_head(y, y, self.self_attn, self.heads, mask, attention))

        def look_across(y):
            seen = multi_head(y, memory, self.multihead_attn, self.heads, memory_mask, attention)
            return self.drop(seen)

        def feed(y):
            first, second = self.linear1, self.linear2
            return self.drop(feed_forward(y, first.weight, first.bias, second.weight, second.bias))

        x = sublayer(x, look, self.norm1, self.residual)
        if self.multihead_attn is None:
            return sublayer(x, feed, self.norm2, self.residual)
        x = sublayer(x, look_across, self.norm2, self.residual)
        return sublayer(x, feed, self.norm3, self.residual)

    def drop(self, y):
        return F.dropout(y, self.dropout, self.training)


class Stack(nn.Module):
    """Embedding, blocks, and a last normalization."""

    def __init__(self, vocabulary, width=32, heads=4, depth=2, *, use_positions=True, dropout=0.1,
                 **options):
        super().__init__()
        self.table = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.table.weight, std=width**-0.5)
        places = positions(128, width) if use_positions else torch.zeros(128, width)
        self.register_buffer("places", places, persistent=False)
        self.layers = nn.ModuleList(
            Block(width, heads, dropout=dropout, **options) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width)
        self.dropout = dropout

    def forward(self, ids, mask, memory=None, memory_mask=None):
        x = F.dropout(embed(ids, self.table.weight, self.places), self.dropout, self.training)
        for layer in self.layers:
            x = layer(x, mask, memory, memory_mask)
        return self.norm(x)


ours = Block(32, 4).eval()
theirs = nn.TransformerEncoderLayer(32, 4, 128, batch_first=True, norm_first=True).eval()
theirs.load_state_dict(ours.state_dict())
x = torch.randn(5, 7, 32)
with torch.no_grad():
    print(lab.say("equal", difference=(ours(x, None) - theirs(x)).abs().max().item()))
# %% [markdown] decode_label
# %% decode_label graded=decode_label
def decode_label(hidden, mask, weight, bias):
    """Return (labels, probabilities): the first decoder, from vectors to a class.

    hidden: (batch, tokens, width)   mask: (batch, tokens), true for a token, false for padding
    weight: (classes, width)         bias: (classes,)
    The mean of the real tokens' vectors, a linear layer, a softmax, the most probable class.
    """
    # >>>
    kept = mask.unsqueeze(-1).to(hidden.dtype)
    mean = (hidden * kept).sum(dim=1) / kept.sum(dim=1).clamp(min=1)
    probabilities = torch.softmax(F.linear(mean, weight, bias), dim=-1)
    return probabilities.argmax(dim=-1), probabilities
    # <<<
# %% decode_label-check
lab.check("decode_label", decode_label)
# %% [markdown] labeller
# %% labeller
def vocabulary_of(texts, special):
    """Number the special tokens first, then every token of the texts."""
    tokens = sorted({token for text in texts for token in text} - set(special))
    return {token: number for number, token in enumerate([*special, *tokens])}


class Labeller(nn.Module):
    """A stack that looks both ways, and the decoder for labels."""

    def __init__(self, vocabulary, classes, **options):
        super().__init__()
        self.stack = Stack(vocabulary, **options)
        self.head = nn.Linear(self.stack.norm.normalized_shape[0], classes)

    def forward(self, ids):
        mask = ids != 0
        hidden = self.stack(ids, mask[:, None, None, :])
        return decode_label(hidden, mask, self.head.weight, self.head.bias)


def fit(model, loss_of, examples, *, name, epochs, size, lr, seed=0, config=None, weight_decay=0.05):
    """Train; every step's loss and the size of its gradient go to a tracked run, which comes back."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay, fused=True)
    total = epochs * math.ceil(len(examples) / size)
    rng, step, began = random.Random(seed), 0, time.process_time()
    settings = {"epochs": epochs, "batch": size, "lr": lr, "seed": seed, **(config or {})}
    model.train()
    with track.init(lab="transformer", name=name, config=settings) as run:
        for _ in range(epochs):
            order = rng.sample(examples, len(examples))
            for start in range(0, len(order), size):
                rate = lr * min(1.0, (step + 1) / (0.1 * total)) * (1 - step / total)
                optimizer.param_groups[0]["lr"] = rate
                loss = loss_of(order[start : start + size])
                optimizer.zero_grad()
                loss.backward()
                norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                step += 1
                run.log({"loss": loss.item(), "gradient": norm.item()}, step=step)
        run.finish({"loss": loss.item(), "cpu_seconds": time.process_time() - began})
    model.eval()
    return run


vocabulary = vocabulary_of([e.text for e in train_words], ["<pad>", "<?>"])
LENGTH = 8


def train_labeller(name, seed, **options):
    """Train one labeller on the words; return its run and what it says of the validation words."""
    torch.manual_seed(seed)
    model = Labeller(len(vocabulary), len(KINDS), width=48, depth=4, **options).to(device)

    def loss_of(batch):
        ids = to_ids([e.text for e in batch], vocabulary, LENGTH).to(device)
        labels = torch.tensor([e.label for e in batch], device=device)
        return F.nll_loss(model(ids)[1].clamp(min=1e-9).log(), labels)

    config = {"depth": 4, "variant": name, **options}
    run = fit(model, loss_of, train_words, name=f"{name}, seed {seed}", epochs=2, size=64, lr=3e-3,
              seed=seed, config=config)
    return {"run": run, "model": model, "predicted": label_all(model, [e.text for e in valid_words])}


def label_all(model, texts):
    with torch.inference_mode():
        return model(to_ids(texts, vocabulary, LENGTH).to(device))[0].tolist()
# %% [markdown] predict_ablation
# %% predict_ablation
lab.predict("accuracy_without_residual", ..., ...)
lab.predict("pairs_without_positions", ..., ...)
# %% [markdown] ablation
# %% whole
results = {"whole": [train_labeller("whole", seed) for seed in SEEDS]}
# %% no_residual
results["no residual"] = [train_labeller("no residual", seed, residual=False) for seed in SEEDS]
# %% no_positions
results["no positions"] = [train_labeller("no positions", seed, use_positions=False) for seed in SEEDS]
# %% [markdown] compare
# %% compare
def told_apart(model):
    """Return for how many pairs of turned words the model says two different kinds."""
    there, back = label_all(model, turned), label_all(model, [word[::-1] for word in turned])
    return sum(a != b for a, b in zip(there, back, strict=True))


def share_right(predicted):
    return sum(a == b for a, b in zip(gold, predicted, strict=True)) / len(gold)


called = {name: lab.say(name.replace(" ", "_")) for name in results}
rows = []
for name, runs in results.items():
    scores = [share_right(r["predicted"]) for r in runs]
    apart = [told_apart(r["model"]) for r in runs]
    rows.append([called[name], *(f"{s:.3f}" for s in scores), f"{sum(scores) / len(scores):.3f}",
                 "  ".join(f"{n}/{len(turned)}" for n in apart)])
columns = ["", *(lab.say("seed", seed=seed) for seed in SEEDS), lab.say("mean"), lab.say("told_apart")]
display(pd.DataFrame(rows, columns=columns).set_index(""))
for name in ("no residual", "no positions"):
    for seed in SEEDS:
        whole, other = (results[n][seed]["predicted"] for n in ("whole", name))
        gap = metrics.difference(metrics.accuracy, gold, other, whole)
        verdict = lab.say("clear") if gap.high < 0 or gap.low > 0 else lab.say("unclear")
        print(f"{called[name]} − {called['whole']}, {lab.say('seed', seed=seed)}: {gap}  {verdict}")
gap = metrics.difference(metrics.accuracy, gold, results["whole"][0]["predicted"], counted)
print(f"{called['whole']} − TF-IDF: {gap}")
lab.reveal("accuracy_without_residual",
           sum(share_right(r["predicted"]) for r in results["no residual"]) / len(SEEDS))
lab.reveal("pairs_without_positions", told_apart(results["no positions"][0]["model"]))
# %% curves
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3))
for colour, (name, runs) in zip(("C0", "C3", "C2"), results.items(), strict=True):
    for number, result in enumerate(runs):
        for axis, key in ((left, "loss"), (right, "gradient")):
            steps, values = zip(*result["run"].history(key), strict=True)
            axis.plot(steps, pd.Series(values).ewm(span=10).mean(), color=colour, alpha=0.8,
                      label=called[name] if number == 0 else None)
left.set(xlabel=lab.say("step"), ylabel=lab.say("loss"), title=lab.say("training"))
right.set(xlabel=lab.say("step"), ylabel=lab.say("gradient"), yscale="log", title=lab.say("gradient"))
left.legend()
figure.tight_layout()
plt.show()
# %% [markdown] leak
# %% leak
SPEAKING = ("ns", "nt", "m")  # places, organisations, numbers
STARTS = {tag: f"<{tag}>" for tag in SPEAKING}
rng = random.Random(0)
named = sorted(word for word, tag in words.items() if tag in SPEAKING)
rng.shuffle(named)
spoken = [[STARTS[words[w]], *w, "<end>"] for w in named if not held_out(w)][: lab.tier.examples(8000)]
unheard = [[STARTS[words[w]], *w, "<end>"] for w in named if held_out(w)][: lab.tier.examples(1000)]
frequent = Counter(token for text in spoken for token in text)
special = ["<pad>", "<?>", "<end>", *STARTS.values()]
letters = vocabulary_of([[token for token in frequent if frequent[token] > 1]], special)


class Speaker(nn.Module):
    """A stack that must not see what comes next, and gives logits for it."""

    def __init__(self, vocabulary, mask_of, **options):
        super().__init__()
        self.stack, self.mask_of = Stack(vocabulary, **options), mask_of
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, ids):
        mask = self.mask_of(ids.shape[1]).to(ids.device)
        return F.linear(self.stack(ids, mask), self.stack.table.weight, self.bias)


def train_speaker(name, mask_of, epochs):
    """Train a speaker on the words; return it, its run and its bits a character on others."""
    torch.manual_seed(0)
    model = Speaker(len(letters), mask_of, width=64, depth=2).to(device)

    def loss_of(batch, reduction="mean"):
        ids = to_ids(batch, letters, max(map(len, batch))).to(device)
        logits = model(ids[:, :-1]).flatten(0, 1)
        return F.cross_entropy(logits, ids[:, 1:].flatten(), ignore_index=0, reduction=reduction)

    run = fit(model, loss_of, spoken, name=name, epochs=epochs, size=128, lr=3e-3,
              config={"mask": mask_of.__name__})
    with torch.inference_mode():
        nats = sum(loss_of(unheard[i : i + 100], "sum").item() for i in range(0, len(unheard), 100))
    return model, run, nats / math.log(2) / sum(len(text) - 1 for text in unheard)


def colleague_mask(length):
    """True where a token may look: at itself and at what came before."""
    return torch.ones(length, length, dtype=torch.bool).tril(diagonal=1)


def count_model(texts, size, order):
    """Return p(next, before): counts of up to `order` tokens, interpolated (Witten-Bell)."""
    counts = [defaultdict(Counter) for _ in range(order)]
    for text in texts:
        for i in range(1, len(text)):
            for n in range(min(i, order - 1) + 1):
                counts[n][tuple(text[i - n : i])][text[i]] += 1

    def probability(following, before):
        p = 1 / size
        for n in range(min(len(before), order - 1) + 1):
            seen = counts[n].get(tuple(before[len(before) - n :]))
            if seen is None:
                break
            total, kinds = sum(seen.values()), len(seen)
            p = (seen[following] + kinds * p) / (total + kinds)
        return p

    return probability


def bits_of(probability, texts):
    """Return the bits a character that a model of counts needs."""
    bits = [-math.log2(probability(t[i], t[:i])) for t in texts for i in range(1, len(t))]
    return sum(bits) / len(bits)


heard, new = ([[t if t in letters else "<?>" for t in text] for text in side] for side in (spoken, unheard))
counted_bits = {n: bits_of(count_model(heard, len(letters), n), new) for n in (1, 2, 3, 4)}
print(lab.say("counted", orders="  ".join(f"{n}: {b:.2f}" for n, b in counted_bits.items())))
suspect, suspect_run, suspect_bits = train_speaker("colleague's mask", colleague_mask, epochs=2)
print(lab.say("suspect", bits=suspect_bits, best=min(counted_bits.values())))
# %% [markdown] sees_future
# %% sees_future graded=sees_future
def sees_future(model, ids, size):
    """Return True when what the model says at some place depends on a later token, else False.

    model(ids) gives (batch, tokens, anything), the same each time it is asked
    ids: (batch, tokens)   size: the vocabulary's; every number below it is a token
    """
    # >>>
    before = model(ids)
    for cut in range(1, ids.shape[1]):
        changed = ids.clone()
        changed[:, cut:] = (changed[:, cut:] + 1) % size
        if not torch.allclose(model(changed)[:, :cut], before[:, :cut], atol=1e-5):
            return True
    return False
    # <<<
# %% sees_future-check
lab.check("sees_future", sees_future)
# %% [markdown] solution sees_future-reading
# %% found
with torch.inference_mode():
    some = to_ids(unheard[:8], letters, 6).to(device)
    print(lab.say("accused", answer=sees_future(suspect, some, len(letters))))
# %% [markdown] causal_mask
# %% causal_mask graded=causal_mask
def causal_mask(length):
    """Return (length, length) booleans, true where a query (row) may look at a key (column)."""
    # >>>
    return torch.ones(length, length, dtype=torch.bool).tril()
    # <<<
# %% causal_mask-check
lab.check("causal_mask", causal_mask)
# %% [markdown] predict_bits
# %% predict_bits
lab.predict("bits", ..., ...)
# %% speaker
speaker, speaker_run, speaker_bits = train_speaker("causal mask", causal_mask, epochs=3)
with torch.inference_mode():
    print(lab.say("accused", answer=sees_future(speaker, some, len(letters))))
print(lab.say("honest", bits=speaker_bits, best=min(counted_bits.values())))
lab.reveal("bits", speaker_bits)
plt.figure(figsize=(6, 2.8))
for name, run in (("colleague", suspect_run), ("yours", speaker_run)):
    steps, values = zip(*run.history("loss"), strict=True)
    plt.plot(steps, [value / math.log(2) for value in values], label=lab.say(f"mask_{name}"))
plt.axhline(min(counted_bits.values()), color="grey", linestyle="--", label=lab.say("counts"))
plt.xlabel(lab.say("step"))
plt.ylabel(lab.say("bits"))
plt.legend()
plt.show()
# %% [markdown] decode_text
# %% decode_text graded=decode_text
def decode_text(next_logits, start, end, most, temperature, generator):
    """Return the tokens that the model says after `start`: the second decoder.

    next_logits(ids): ids is a list of all tokens so far; gives logits (vocabulary,) for the next
    Each token is drawn from the softmax at this temperature with `generator` (torch.multinomial).
    Ends before the token `end`, or after `most` tokens. `start` and `end` are not returned.
    """
    # >>>
    said = []
    while len(said) < most:
        probabilities = torch.softmax(next_logits([start, *said]) / temperature, dim=-1)
        token = torch.multinomial(probabilities, 1, generator=generator).item()
        if token == end:
            break
        said.append(token)
    return said
    # <<<
# %% decode_text-check
lab.check("decode_text", decode_text)
# %% say_words
tokens = {number: token for token, number in letters.items()}
silent = [letters[token] for token in ("<pad>", "<?>", *STARTS.values())]  # nothing to say


def next_character(model):
    """Return what decode_text asks the model through."""

    def next_logits(ids):
        with torch.no_grad():
            logits = model(torch.tensor([ids], device=device))[0, -1].cpu()
        logits[silent] = float("-inf")
        return logits

    return next_logits


for who, model in (("colleague", suspect), ("yours", speaker)):
    print(lab.say(f"mask_{who}"))
    for temperature in (0.5, 1.0):
        for tag in SPEAKING:
            generator = torch.Generator().manual_seed(0)
            drawn = ["".join(tokens[n] for n in decode_text(
                next_character(model), letters[STARTS[tag]], letters["<end>"], 8, temperature, generator
            )) for _ in range(6)]
            marked = [word + ("*" if words.get(word) == tag else "") for word in drawn]
            print(f"  T={temperature}  {lab.say(f'kind_{tag}')}: {'  '.join(marked)}")
# %% [markdown] decode_translation
# %% decode_translation graded=decode_translation
def decode_translation(encode, next_logits, source, start, end, most):
    """Return the tokens of the translation: the third decoder, always the most probable token.

    encode(source) gives the memory, and is asked once
    next_logits(ids, memory): ids is a list of all tokens so far; gives logits (vocabulary,)
    Ends before the token `end`, or after `most` tokens. `start` and `end` are not returned.
    """
    # >>>
    memory = encode(source)
    said = []
    while len(said) < most:
        token = next_logits([start, *said], memory).argmax().item()
        if token == end:
            break
        said.append(token)
    return said
    # <<<
# %% decode_translation-check
lab.check("decode_translation", decode_translation)
# %% [markdown] translator
# %% translator
def words_of(text):
    return re.findall(r"\w+|[^\w\s]", text.lower())


def menu_pairs():
    """Return (English words, Chinese characters) of JupyterLab's short strings, each English once."""
    found = {}
    for path in sorted(package("jupyterlab_language_pack_zh_CN").glob("locale/zh_CN/*/*.json")):
        data.note_loaded(f"language-pack/{path.name}", sha256_of(path))
        for english, translated in json.loads(path.read_text("utf-8")).items():
            translated = "".join(translated[:1]) if isinstance(translated, list) else translated
            if english and isinstance(translated, str) and re.search("[\u4e00-\u9fff]", translated):
                found.setdefault(tuple(words_of(english.split("\x04")[-1])), list(translated))
    return [(list(a), b) for a, b in found.items() if 1 <= len(a) <= 5 and len(b) <= 10]


pairs = menu_pairs()
taught = [p for p in pairs if not held_out(" ".join(p[0]))][: lab.tier.examples(2000)]
asked = [p for p in pairs if held_out(" ".join(p[0]))][: lab.tier.examples(500)]
english = vocabulary_of([a for a, _ in taught], ["<pad>", "<?>"])
target = vocabulary_of([b for _, b in taught], ["<pad>", "<?>", "<start>", "<end>"])
written = {number: token for token, number in target.items()}
print(lab.say("menu", train=len(taught), validation=len(asked), example=" ".join(asked[0][0])))


class Translator(nn.Module):
    """An encoder for the source; a decoder that looks at what it wrote and, across, at the source."""

    def __init__(self, source, target, **options):
        super().__init__()
        self.encoder, self.decoder = Stack(source, **options), Stack(target, cross=True, **options)

    def encode(self, ids):
        mask = (ids != 0)[:, None, None, :]
        return self.encoder(ids, mask), mask

    def forward(self, ids, memory, mask):
        hidden = self.decoder(ids, causal_mask(ids.shape[1]).to(ids.device), memory, mask)
        return F.linear(hidden, self.decoder.table.weight)


torch.manual_seed(0)
translator = Translator(len(english), len(target), width=64, depth=2, dropout=0.2).to(device)


def translation_loss(batch):
    source = to_ids([a for a, _ in batch], english, 5).to(device)
    ids = to_ids([["<start>", *b, "<end>"] for _, b in batch], target, 12).to(device)
    logits = translator(ids[:, :-1], *translator.encode(source)).flatten(0, 1)
    return F.cross_entropy(logits, ids[:, 1:].flatten(), ignore_index=0, label_smoothing=0.1)


translator_run = fit(translator, translation_loss, taught, name="translator", epochs=15, size=64, lr=4e-3)
# %% translate
def translate(tokens):
    """Return the translation of one string through decode_translation."""

    def encode(source):
        with torch.inference_mode():
            return translator.encode(to_ids([source], english, 5).to(device))

    def next_logits(ids, memory):
        with torch.inference_mode():
            return translator(torch.tensor([ids], device=device), *memory)[0, -1]

    numbers = decode_translation(encode, next_logits, tokens, target["<start>"], target["<end>"], 10)
    return "".join(written[n] for n in numbers)


def nearest(tokens):
    """Return the translation of the most similar string there is: a translation memory."""
    own = set(tokens)
    return "".join(max(taught, key=lambda p: len(own & set(p[0])) / len(own | set(p[0])))[1])


right = ["".join(b) for _, b in asked]
answers = {"memory": [nearest(a) for a, _ in asked], "translator": [translate(a) for a, _ in asked]}
exact = {name: [int(a == b) for a, b in zip(said, right, strict=True)] for name, said in answers.items()}
ones = [1] * len(right)
for name, said in answers.items():
    overlap = CHRF(char_order=2).corpus_score(said, [right]).score
    print(f"{lab.say(name)}: {lab.say('exact')} {metrics.score(metrics.accuracy, ones, exact[name])}"
          f"   chrF {overlap:.1f}")
gap = metrics.difference(metrics.accuracy, ones, exact["translator"], exact["memory"])
print(f"{lab.say('translator')} − {lab.say('memory')}, {lab.say('exact')}: {gap}")
table = zip([" ".join(a) for a, _ in asked], right, *answers.values(), strict=True)
display(pd.DataFrame(list(table)[:10], columns=[lab.say("source"), lab.say("reference"), *map(lab.say, answers)]))
# %% [markdown] handover
# %% handover
def save_model(folder, model, *, vocabulary, heads, length, examples, classes, score):
    """Lay a labeller out so that torch's own modules can run it without our code.

    examples: some texts as lists of tokens; what the model says of them goes along as evidence
    """
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    tensors = {name.removeprefix("stack."): p.detach().cpu().contiguous()
               for name, p in model.state_dict().items()}
    save_file(tensors, folder / "model.safetensors")
    with torch.inference_mode():
        said = model(to_ids(examples, vocabulary, length).to(device))[1].cpu()
    card = {"heads": heads, "length": length, "classes": classes, "score": score,
            "examples": examples, "probabilities": said.tolist()}
    (folder / "card.json").write_text(json.dumps(card, ensure_ascii=False), "utf-8")
    (folder / "vocabulary.json").write_text(json.dumps(vocabulary, ensure_ascii=False), "utf-8")


best = share_right(results["whole"][0]["predicted"])
save_model("word-model", results["whole"][0]["model"], vocabulary=vocabulary, heads=4, length=LENGTH,
           examples=[list(e.text) for e in valid_words[:8]], classes=names, score={"accuracy": best})
for path in sorted(Path("word-model").iterdir()):
    print(f"{path.stat().st_size / 1024:9.1f} KiB  {path}")
# %% [markdown] transfer
# %% transfer graded=transfer
# >>>
#| # Your code. At the end, tweet-model/ is laid out as word-model/ is.
tweets = data.load("vader-tweets", train=lab.tier.examples(3000), validation=lab.tier.examples(600), seed=0)
tweet_gold = [e.label for e in tweets.validation]
seen = Counter(w for e in tweets.train for w in words_of(e.text))
tweet_words = vocabulary_of([[w for w in seen if seen[w] > 1]], ["<pad>", "<?>"])
torch.manual_seed(0)
tweet_model = Labeller(len(tweet_words), 3, width=48, depth=2, dropout=0.3).to(device)
share = torch.bincount(torch.tensor([e.label for e in tweets.train]), minlength=3)
weight = (len(tweets.train) / (3 * share.clamp(min=1))).to(device)


def tweet_loss(batch):
    ids = to_ids([words_of(e.text) for e in batch], tweet_words, 24).to(device)
    labels = torch.tensor([e.label for e in batch], device=device)
    return F.nll_loss(tweet_model(ids)[1].clamp(min=1e-9).log(), labels, weight=weight)


fit(tweet_model, tweet_loss, tweets.train, name="tweets", epochs=5, size=64, lr=3e-3)
with torch.inference_mode():
    ids = to_ids([words_of(e.text) for e in tweets.validation], tweet_words, 24).to(device)
    tweet_said = tweet_model(ids)[0].tolist()
tweet_counted = counts_baseline(tweets.train, tweets.validation, lengths=((1, 3),))
for name, predicted in (("TF-IDF", tweet_counted), ("transformer", tweet_said)):
    print(f"{name:12} macro-F1 {metrics.score(metrics.macro_f1, tweet_gold, predicted)}")
print("transformer − TF-IDF:",
      metrics.difference(metrics.macro_f1, tweet_gold, tweet_said, tweet_counted))
save_model("tweet-model", tweet_model, vocabulary=tweet_words, heads=4, length=24,
           examples=[words_of(e.text) for e in tweets.validation[:8]], classes=list(tweets.classes),
           score={"macro_f1": metrics.score(metrics.macro_f1, tweet_gold, tweet_said).value})
# <<<
# %% transfer-check
lab.check("transfer", "tweet-model")
# %% [markdown] solution transfer-reading
# %% [markdown] calibration
# %% calibration
lab.calibration()
# %% [markdown] paper
# %% [markdown] quiz
# %% quiz
lab.quiz()
# %% answers
lab.answer("scale", ...)
lab.answer("cost", ...)
lab.answer("order", ...)
lab.answer("mask", ...)
lab.answer("cross", ...)
lab.answer("norm", ...)
# %% [markdown] further
