# %% [markdown] intro
# %% setup
import hashlib
import json
import math
import random
import re
import time
from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional as F
from transformers import GPT2Config, GPT2LMHeadModel, logging

from practicum_labs import data, metrics, track
from practicum_labs.lab import open_lab
from practicum_labs.tier import use_threads

lab = open_lab("gpt", language="en")
lab.style()
logging.set_verbosity_error()
logging.disable_progress_bar()

SEED = 0
EPOCHS, LAYERS = {"tiny": (1, 2), "cpu": (3, 2), "gpu": (9, 4)}[lab.tier.name]
device = torch.device(lab.tier.device)
print(lab.say("ready", tier=lab.tier.name, device=device, threads=use_threads(), torch=torch.__version__))
# %% [markdown] data
# %% data
UNKNOWN, END = "□", "■"
FORMS = {"⑤": 5, "⑦": 7}  # a poem begins with its form: how many characters a line has
ANONYMOUS = {"不詳", "佚名", "無名氏", "无名氏"}


def poems_in(name, files):
    """Yield (author, text) of each poem in a data set."""
    for path in sorted(data.path(name).glob(files)):
        for poem in json.loads(path.read_text("utf-8")):
            yield poem["author"], "".join(poem["paragraphs"])


def lines_of(text):
    """Return the lines of a poem, without marks."""
    return re.findall("[\u4e00-\u9fff]+", text)


def regular(text):
    """Return a poem as the model reads it: its form, its lines, its end. None if it has another form."""
    lines = lines_of(text)
    whole = "".join(lines) == re.sub("[，。？！；]", "", text)
    for form, length in FORMS.items():
        if whole and len(lines) in {4, 8} and {len(line) for line in lines} == {length}:
            return form + "".join(line + "，。"[n % 2] for n, line in enumerate(lines)) + END
    return None


def side_of(author):
    """Return the side an author is on: the name decides, and nothing else."""
    tenth = int.from_bytes(hashlib.sha256(author.encode()).digest()[:4], "big") % 10
    return {0: "validation", 1: "test"}.get(tenth, "train")


def split_by_author(poems, seed=SEED):
    """Return {side: [(author, text), ...]}; held-out poems that stand in training too are left out."""
    sides = {"train": [], "validation": [], "test": []}
    for author, text in sorted(set(poems)):
        if author not in ANONYMOUS:
            sides[side_of(author)].append((author, text))
    known = {line for _, text in sides["train"] for line in lines_of(text)}
    for name in ("validation", "test"):
        sides[name] = [(author, text) for author, text in sides[name]
                       if 3 * sum(line in known for line in lines_of(text)) <= len(lines_of(text))]
    rng = random.Random(seed)
    for side, most in zip(sides.values(), (6000, 600, 900), strict=True):
        rng.shuffle(side)
        del side[lab.tier.examples(most):]
    return sides


def describe(sides):
    for name, side in sides.items():
        print(lab.say("side", name=name, poems=len(side), authors=len({author for author, _ in side}),
                      characters=sum(len(text) for _, text in side)))


found = poems_in("tang-poems", "poet.tang.*.json")
tang = split_by_author((author, regular(text)) for author, text in found if regular(text))
describe(tang)
display(pd.DataFrame(tang["train"][:6], columns=[lab.say("author"), lab.say("text")]))
# %% [markdown] vocabulary
# %% vocabulary
def vocabulary_of(texts, size=1500):
    """Return the tokens a model knows: unknown, the end, and the most frequent characters."""
    seen = Counter("".join(texts))
    del seen[END]
    return [UNKNOWN, END, *sorted(seen, key=lambda c: (-seen[c], c))][:size]


def encode(side, vocabulary):
    """Return each poem as a list of numbers; 0 stands for every character not in the vocabulary."""
    index = {character: number for number, character in enumerate(vocabulary)}
    return [[index.get(character, 0) for character in text] for _, text in side]


vocabulary = vocabulary_of(text for _, text in tang["train"])
ids = {name: encode(side, vocabulary) for name, side in tang.items()}
unknown = {name: sum(row.count(0) for row in rows) / sum(map(len, rows)) for name, rows in ids.items()}
print(len(vocabulary), "".join(vocabulary[:60]))
print(lab.say("unknown", train=unknown["train"], test=unknown["test"]))
# %% [markdown] baseline
# %% baseline
MODELS = {  # what each mixes, and what its weights depend on
    "unigram": (("unigram",), "unigram"),
    "bigram": (("unigram", "bigram"), "bigram"),
    "trigram": (("unigram", "bigram", "trigram"), "trigram"),
    "trigram + place": (("unigram", "place", "bigram", "trigram"), "place"),
}


def events(rows):
    """Return the tokens to predict, and for each the contexts that the models go by, as numbers."""
    table = [(row[i - 2] if i > 1 else 0, row[i - 1], row[i], 100 * row[0] + i)
             for row in rows for i in range(1, len(row))]
    before, last, token, place = np.array(table, dtype=np.int64).T
    return token, {"unigram": 0 * token, "bigram": last, "trigram": 10000 * before + last, "place": place}


def lookup(table, keys):
    """Return how often each key was counted."""
    known, counts = table
    found = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[found] == keys, counts[found], 0)


class Counts:
    """How often each token followed each context in the training poems."""

    def __init__(self, rows, size):
        token, contexts = events(rows)
        self.size = size
        self.contexts, self.pairs = {}, {}
        for name, keys in contexts.items():
            self.contexts[name] = np.unique(keys, return_counts=True)
            self.pairs[name] = np.unique(10000 * keys + token, return_counts=True)

    def parts(self, rows, names, by):
        """Return (tokens, parts) probabilities, a uniform one first, and (tokens,) kinds of context."""
        token, contexts = events(rows)
        columns = [np.full(len(token), 1 / self.size)]
        for name in names:
            often = lookup(self.contexts[name], contexts[name])
            both = lookup(self.pairs[name], 10000 * contexts[name] + token)
            columns.append(both / np.maximum(often, 1))
        if by == "place":
            kinds = np.searchsorted(self.contexts[by][0], contexts[by])
        else:
            kinds = np.log2(1 + lookup(self.contexts[by], contexts[by])).astype(int)
        return np.stack(columns, axis=1), kinds


def tune(parts, kinds, rounds=40):
    """Return weights (kinds, parts) that make the validation poems most probable (expectation-maximization)."""
    weights = np.full((4000, parts.shape[1]), 1 / parts.shape[1])
    for _ in range(rounds):
        share = parts * weights[kinds]
        share /= share.sum(axis=1, keepdims=True)
        total = np.stack([np.bincount(kinds, column, minlength=4000) for column in share.T], axis=1)
        weights = (total + 1 / parts.shape[1]) / (total.sum(axis=1, keepdims=True) + 1)
    return weights


def ngram_losses(ids, size):
    """Return {model: loss of every test token}; counted in training, tuned on validation poems."""
    counts, losses = Counts(ids["train"], size), {}
    for name, (names, by) in MODELS.items():
        weights = tune(*counts.parts(ids["validation"], names, by))
        parts, kinds = counts.parts(ids["test"], names, by)
        losses[name] = -np.log((parts * weights[kinds]).sum(axis=1))
    return losses


losses = ngram_losses(ids, len(vocabulary))
for name, each in losses.items():
    print(f"{name:16} perplexity {np.exp(each.mean()):6.1f}")
# %% [markdown] pack
# %% pack graded=pack
def pack(rows):
    """Return (inputs, targets): at each place the target is the token that comes next.

    rows: poems as lists of numbers, of different lengths
    Both are (poems, length of the longest - 1), torch.long. Short poems are filled up at their
    end: inputs with 0, targets with -100, which no loss counts.
    """
    longest = max(len(row) for row in rows)
    inputs = torch.zeros(len(rows), longest - 1, dtype=torch.long)
    targets = torch.full((len(rows), longest - 1), -100)
    for n, row in enumerate(rows):
        # >>>
        inputs[n, : len(row) - 1] = torch.tensor(row[:-1])
        targets[n, : len(row) - 1] = torch.tensor(row[1:])
        # <<<
    return inputs, targets
# %% pack-check
lab.check("pack", pack)
# %% [markdown] solution pack-reading
# %% [markdown] causal_loss
# %% causal_loss graded=causal_loss
def causal_loss(logits, targets):
    """Return the mean of -log p(target) over all real targets of the batch.

    logits: (poems, places, vocabulary)   targets: (poems, places), -100 where nothing is to be predicted
    """
    # >>>
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)
    # <<<
# %% causal_loss-check
lab.check("causal_loss", causal_loss)
# %% [markdown] solution causal_loss-reading
# %% [markdown] learning_rate
# %% learning_rate graded=learning_rate
def learning_rate(step, steps, warmup, peak, least):
    """Return the learning rate of step 0, 1, ..., steps - 1.

    Up in a straight line: peak / warmup at step 0, peak at step warmup - 1.
    Then down half a wave of the cosine: peak at step warmup, least at step `steps`.
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    # >>>
    done = (step - warmup) / (steps - warmup)  # 0 ... 1
    return least + (peak - least) * (1 + math.cos(math.pi * done)) / 2
    # <<<
# %% learning_rate-check
lab.check("learning_rate", learning_rate)
# %% learning_rate-picture
plt.figure(figsize=(5, 2.2))
plt.plot([learning_rate(step, 700, 40, 6e-3, 3e-4) for step in range(700)])
plt.xlabel(lab.say("step"))
plt.ylabel(lab.say("rate"))
plt.show()
# %% [markdown] perplexity
# %% perplexity graded=perplexity
def perplexity(losses):
    """Return the perplexity of a set of poems: exp of the mean loss of a token.

    losses: a list of tensors, one a poem, (tokens of the poem,), in nats
    """
    # >>>
    return torch.cat(losses).mean().exp().item()
    # <<<
# %% perplexity-check
lab.check("perplexity", perplexity)
# %% [markdown] next_probabilities
# %% next_probabilities graded=next_probabilities
def next_probabilities(logits, temperature, top_k, top_p):
    """Return the probabilities to draw the next token from, (vocabulary,).

    temperature: the logits are divided by it
    top_k: only the k most probable tokens stay; 0 keeps all
    top_p: of those, the most probable ones stay until together they have at least this share; 1.0 keeps all
    What is left sums to 1, what was cut off is exactly 0.
    """
    probabilities = torch.softmax(logits / temperature, dim=-1)
    # >>>
    ordered, order = probabilities.sort(descending=True)
    if top_k:
        ordered[top_k:] = 0
    ordered = ordered / ordered.sum()
    before = ordered.cumsum(dim=-1) - ordered  # what the more probable ones have already
    ordered[before >= top_p] = 0
    return torch.zeros_like(probabilities).scatter(0, order, ordered / ordered.sum())
    # <<<
# %% next_probabilities-check
lab.check("next_probabilities", next_probabilities)
# %% [markdown] solution next_probabilities-reading
# %% [markdown] model
# %% model
def new_model(size, layers=LAYERS, width=64, heads=4, context=80, seed=SEED):
    """Return a GPT that knows nothing yet."""
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=size, n_positions=context, n_embd=width, n_layer=layers, n_head=heads,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=None, eos_token_id=1, use_cache=False,
    )
    return GPT2LMHeadModel(config).to(device)


def batches(rows, size, rng=None):
    """Yield the numbers of the poems in each batch: of each two batches one has the shorter poems."""
    order = list(range(len(rows)))
    if rng:
        rng.shuffle(order)
    pairs = [sorted(order[i : i + 2 * size], key=lambda n: len(rows[n])) for i in range(0, len(order), 2 * size)]
    parts = [pair[i : i + size] for pair in pairs for i in range(0, len(pair), size)]
    if rng:
        rng.shuffle(parts)
    yield from parts


def poem_losses(model, rows):
    """Return the losses of each poem's tokens, in order."""
    found = [None] * len(rows)
    with torch.inference_mode():
        for numbers in batches(rows, 64):
            inputs, targets = (part.to(device) for part in pack([rows[n] for n in numbers]))
            each = F.cross_entropy(model(inputs).logits.transpose(1, 2), targets, reduction="none").cpu()
            for n, row in zip(numbers, each, strict=True):
                found[n] = row[: len(rows[n]) - 1]
    return found


def layout(form, lines, vocabulary):
    """Return what may stand at each place of a poem, (places, vocabulary): true for what may."""
    characters = torch.tensor(["\u4e00" <= c <= "\u9fff" for c in vocabulary])
    only = {mark: torch.tensor([c == mark for c in vocabulary]) for mark in ("，", "。", END)}
    places = []
    for n in range(lines):
        places += [characters] * FORMS[form] + [only["，。"[n % 2]]]
    return torch.stack([*places, only[END]])


def write_poems(model, form, lines, count, *, temperature=1.0, top_k=0, top_p=1.0, seed=SEED):
    """Return poems drawn from the model, in the form asked for."""
    generator = torch.Generator().manual_seed(seed)
    written = torch.full((count, 1), vocabulary.index(form))
    with torch.inference_mode():
        for allowed in layout(form, lines, vocabulary):
            logits = model(written.to(device)).logits[:, -1].cpu().masked_fill(~allowed, float("-inf"))
            drawn = torch.stack([next_probabilities(row, temperature, top_k, top_p) for row in logits])
            written = torch.cat([written, drawn.multinomial(1, generator=generator)], dim=1)
    return ["".join(vocabulary[n] for n in row[1:-1]) for row in written.tolist()]


fresh = new_model(len(vocabulary))
blocks = sum(p.numel() for p in fresh.transformer.h.parameters())
print(lab.say("size", total=fresh.num_parameters(), tokens=fresh.lm_head.weight.numel(), blocks=blocks))
# %% [markdown] pretrain
# %% pretrain
def pretrain(model, ids, *, name, epochs=EPOCHS, peak=6e-3, size=16, seed=SEED, sample=None):
    """Train the model on the training poems, report every step, and return the run."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=peak, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    steps = epochs * math.ceil(len(ids["train"]) / size)
    rng, step, cpu = random.Random(seed), 0, time.process_time()
    config = {"epochs": epochs, "peak": peak, "batch": size, "seed": seed, "train": len(ids["train"]),
              "vocabulary": model.config.vocab_size, "parameters": model.num_parameters()}
    with track.init(lab="gpt", name=name, config=config) as run:
        for _ in range(epochs):
            for numbers in batches(ids["train"], size, rng):
                inputs, targets = (part.to(device) for part in pack([ids["train"][n] for n in numbers]))
                rate = learning_rate(step, steps, max(1, steps // 16), peak, peak / 20)
                for group in optimizer.param_groups:
                    group["lr"] = rate
                loss = causal_loss(model(inputs).logits, targets)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                step += 1
                run.log({"loss": loss.item(), "lr": rate}, step=step)
                if step % (steps // 6) == 0 or step == steps:
                    reached = perplexity(poem_losses(model, ids["validation"]))
                    run.log({"perplexity": reached}, step=step)
                    if sample:
                        print(f"{step:5}  {reached:7.1f}  {sample(model)}")
        run.finish({"perplexity": reached, "cpu_seconds": time.process_time() - cpu})
    return run
# %% [markdown] predict_gpt
# %% predict_gpt
lab.predict("perplexity", ..., ...)
# %% [markdown] gpt
# %% gpt
gpt = new_model(len(vocabulary))
run = pretrain(gpt, ids, name="Tang poems", sample=lambda model: write_poems(model, "⑤", 4, 1)[0])
# %% curves
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3))
steps, values = zip(*run.history("loss"), strict=True)
left.plot(steps, values, alpha=0.3)
left.plot(steps, pd.Series(values).ewm(span=25).mean(), color="C0")
left.set(xlabel=lab.say("step"), ylabel=lab.say("loss"), title=lab.say("training"))
right.plot(*zip(*run.history("perplexity"), strict=True), marker="o", label="GPT")
for color, (name, each) in zip(("C1", "C2", "C3", "C4"), losses.items(), strict=True):
    right.axhline(np.exp(each.mean()), linestyle="--", color=color, label=name)
right.set(xlabel=lab.say("step"), yscale="log", title=lab.say("validation"))
right.legend(fontsize=8)
figure.tight_layout()
plt.show()
# %% [markdown] compare
# %% compare
losses["GPT"] = torch.cat(poem_losses(gpt, ids["test"])).numpy()
token, contexts = events(ids["test"])
is_mark = np.isin(token, [vocabulary.index(mark) for mark in ("，", "。", END)])
display(pd.DataFrame([
    {"": name, lab.say("all"): np.exp(each.mean()), lab.say("characters"): np.exp(each[~is_mark].mean()),
     lab.say("marks"): np.exp(each[is_mark].mean())} for name, each in losses.items()
]).set_index("").round(2))
lab.reveal("perplexity", np.exp(losses["GPT"].mean()))

starts = np.cumsum([0] + [len(row) - 1 for row in ids["test"][:-1]])
authors = [author for author, _ in tang["test"]]


def saved(ours, theirs, counted):
    """Return by how many nats a token ours is better, with an interval; whole authors are drawn."""
    better = np.add.reduceat((losses[theirs] - losses[ours]) * counted, starts)
    tokens = np.add.reduceat(counted.astype(float), starts)
    return metrics.bootstrap(lambda rows: better[list(rows)].sum() / tokens[list(rows)].sum(),
                             len(starts), groups=authors)


for theirs in ("trigram", "trigram + place"):
    for kind, counted in (("all", np.ones_like(is_mark)), ("characters", ~is_mark)):
        gain = saved("GPT", theirs, counted)
        verdict = "clear" if gain.low > 0 or gain.high < 0 else "unclear"
        print(lab.say("gain", theirs=theirs, kind=lab.say(kind), gain=gain, verdict=lab.say(verdict)))
# %% by_place
place = contexts["place"] % 100
form = np.array([FORMS[vocabulary[row[0]]] for row in ids["test"] for _ in row[1:]])
eight = np.array([len(row) > 60 or len(row) == 50 for row in ids["test"] for _ in row[1:]])
line = (place - 1) // (form + 1)
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.2), width_ratios=(3, 2))
for name in ("trigram", "trigram + place", "GPT"):
    left.plot([losses[name][eight & (form == 5) & (place == i)].mean() for i in range(1, 50)], label=name)
left.set(xlabel=lab.say("place"), ylabel=lab.say("loss"))
left.legend(fontsize=8, loc="lower right")
right.bar(range(1, 9), [(losses["trigram + place"] - losses["GPT"])[eight & ~is_mark & (line == n)].mean()
                        for n in range(8)])
right.set(xlabel=lab.say("line"), ylabel=lab.say("nats_saved"), title="trigram + place − GPT")
figure.tight_layout()
plt.show()
# %% [markdown] leak
# %% leak
def hers(model, rows):
    """A colleague's code: the logits, and what they are compared with."""
    return model(rows).logits, rows  # the library shifts the labels itself, so I leave them as they are


colleague = new_model(len(vocabulary))
optimizer = torch.optim.AdamW(colleague.parameters(), lr=3e-3)
falling = []
for numbers in list(batches(ids["train"], 16, random.Random(SEED)))[:80]:
    rows, targets = pack([ids["train"][n] for n in numbers])
    logits, labels = hers(colleague, rows.to(device))
    loss = F.cross_entropy(logits[targets >= 0], labels[targets >= 0])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    falling.append(loss.item())
plt.figure(figsize=(6, 2.6))
plt.plot(np.exp(falling), label=lab.say("colleague"))
plt.plot(np.exp([value for _, value in run.history("loss")][:80]), label=lab.say("yours"))
plt.yscale("log")
plt.xlabel(lab.say("step"))
plt.ylabel(lab.say("perplexity"))
plt.legend()
plt.show()
print(lab.say("too_good", steps=len(falling), perplexity=math.exp(falling[-1])))
print(write_poems(colleague, "⑤", 4, 1, temperature=0.1)[0])
# %% [markdown] total_probability
# %% total_probability graded=total_probability
def total_probability(score, row, place, size):
    """Return the sum, over all tokens, of the probability reported for that token at one place of a poem.

    score(rows): rows (n, tokens); returns (n, tokens), the log of the probability reported for each token
    row: (tokens,), a poem   place: which token of it is put in turn   size: how many tokens there are
    """
    # >>>
    rows = row.repeat(size, 1)
    rows[:, place] = torch.arange(size)
    return score(rows)[:, place].exp().sum().item()
    # <<<
# %% total_probability-check
lab.check("total_probability", total_probability)
# %% [markdown] solution total_probability-reading
# %% verdict
def ours(model, rows):
    """The logits for the second token on, and what they are compared with."""
    return model(rows[:, :-1]).logits, rows[:, 1:]


def reported(pipeline, model):
    """Return a function that says which log-probability a pipeline reports for each token of each row."""

    def score(rows):
        logits, labels = pipeline(model, rows.to(device))
        each = torch.log_softmax(logits, dim=-1).gather(2, labels.unsqueeze(2)).squeeze(2)
        return F.pad(each, (rows.shape[1] - each.shape[1], 0)).cpu()

    return score


some = torch.tensor(ids["test"][0][:12])
with torch.inference_mode():
    for name, pipeline, model in (("yours", ours, gpt), ("colleague", hers, colleague)):
        sums = [total_probability(reported(pipeline, model), some, place, len(vocabulary)) for place in (3, 6, 9)]
        print(f"{lab.say(name):12}", "  ".join(f"{total:9.3f}" for total in sums))
# %% [markdown] greedy
# %% greedy graded=greedy
def greedy(next_logits, start, end, most):
    """Return what follows `start`, each time the most probable token, without start and end.

    next_logits(tokens): tokens is the list of all numbers so far; gives logits (vocabulary,) for the next
    start: a list of numbers   end: the number that ends a text   most: never write more tokens than this
    """
    written = []
    for _ in range(most):
        # >>>
        token = next_logits([*start, *written]).argmax().item()
        if token == end:
            break
        written.append(token)
        # <<<
    return written
# %% greedy-check
lab.check("greedy", greedy)
# %% [markdown] beam_search
# %% beam_search graded=beam_search
def beam_search(next_logits, start, end, most, width):
    """Return the most probable text that a beam of this width finds, without start and end.

    As greedy, but the `width` best beginnings are kept at each step; a text's score is the sum of
    the log-probabilities of its tokens, `end` included. A text that `most` cuts off counts as it is.
    """
    beams, finished = [([], 0.0)], []
    for _ in range(most):
        grown = []
        for tokens, score in beams:
            log_p = torch.log_softmax(next_logits([*start, *tokens]), dim=-1)
            # >>>
            best = log_p.topk(min(width, len(log_p)))
            grown += [([*tokens, n], score + p) for p, n in zip(best.values.tolist(), best.indices.tolist())]
            # <<<
        # >>>
        grown = sorted(grown, key=lambda beam: -beam[1])[:width]
        finished += [beam for beam in grown if beam[0][-1] == end]
        beams = [beam for beam in grown if beam[0][-1] != end]
        # <<<
    tokens, _ = max(finished + beams, key=lambda beam: beam[1])
    return tokens[:-1] if tokens[-1:] == [end] else tokens
# %% beam_search-check
lab.check("beam_search", beam_search)
# %% [markdown] solution beam_search-reading
# %% [markdown] predict_decoding
# %% predict_decoding
lab.predict("beam_minus_real", ..., ...)
lab.predict("copied_percent", ..., ...)
# %% [markdown] decoding
# %% decoding
def continuing(model, form, lines):
    """Return next_logits for greedy and beam search: the model's, where the form allows a token."""
    allowed = layout(form, lines, vocabulary)

    def next_logits(tokens):
        with torch.inference_mode():
            logits = model(torch.tensor([tokens], device=device)).logits[0, -1].cpu()
        return logits.masked_fill(~allowed[len(tokens) - 1], float("-inf"))

    return next_logits


FORM, LINES, COUNT = "⑦", 4, max(4, lab.tier.examples(60) // 4 * 4)
searched = continuing(gpt, FORM, LINES)
start, end, most = [vocabulary.index(FORM)], vocabulary.index(END), LINES * (FORMS[FORM] + 1) + 1
written = {
    "greedy": [greedy(searched, start, end, most)],
    "beam 5": [beam_search(searched, start, end, most, 5)],
}
written = {name: ["".join(vocabulary[n] for n in row) for row in rows] for name, rows in written.items()}
written["temperature 1"] = write_poems(gpt, FORM, LINES, COUNT)
written["top-k 20"] = write_poems(gpt, FORM, LINES, COUNT, top_k=20)
written["top-p 0.8"] = write_poems(gpt, FORM, LINES, COUNT, top_p=0.8)
written[lab.say("real")] = [text[1:-1] for _, text in tang["test"] if len(text) == most + 1][:COUNT]

def runs_of(lines, length=4):
    """Return all runs of so many characters in the lines."""
    return [line[i : i + length] for line in lines for i in range(len(line) - length + 1)]


known = {line for _, text in tang["train"] for line in lines_of(text)}
known_runs = set(runs_of(known))
rows = []
for name, texts in written.items():
    lines = [line for text in texts for line in lines_of(text)]
    codes = encode([("", FORM + text + END) for text in texts], vocabulary)
    rows.append({
        "": name,
        lab.say("nats"): torch.cat(poem_losses(gpt, codes)).mean().item(),
        lab.say("different"): np.mean([len(set("".join(lines_of(t)))) / (most - 1 - LINES) for t in texts]),
        lab.say("copied"): 100 * np.mean([line in known for line in lines]),
        lab.say("runs"): 100 * np.mean([run in known_runs for run in runs_of(lines)]),
        lab.say("text"): texts[0],
    })
table = pd.DataFrame(rows).set_index("")
display(table.round(2))
lab.reveal("beam_minus_real", table[lab.say("nats")]["beam 5"] - table[lab.say("nats")][lab.say("real")])
lab.reveal("copied_percent", table[lab.say("copied")]["temperature 1"])
# %% repository
def save_model(folder, model, vocabulary, scores):
    """Lay a model out so that the library can load it and others can judge it."""
    folder = Path(folder)
    model.save_pretrained(folder)
    (folder / "vocabulary.json").write_text(json.dumps(vocabulary, ensure_ascii=False), "utf-8")
    (folder / "scores.json").write_text(json.dumps(scores, indent=1), "utf-8")


scores = {name: float(np.exp(each.mean())) for name, each in losses.items()}
save_model("tang-model", gpt, vocabulary, {"perplexity": scores["GPT"], **scores})
again = GPT2LMHeadModel.from_pretrained("tang-model").to(device)
same = perplexity(poem_losses(again, ids["test"])) == perplexity(poem_losses(gpt, ids["test"]))
for path in sorted(Path("tang-model").iterdir()):
    print(f"{path.stat().st_size / 1024:9.1f} KiB  {path}")
print(lab.say("loaded_again", same=same))
# %% [markdown] transfer
# %% song
def read_ci(forms=12):
    """Yield (author, text) of the ci in the most common forms; a text begins with its form's sign."""
    poems, seen = [], Counter()
    for author, text in poems_in("song-ci", "ci.song.*.json"):
        if len(text) <= 72 and not re.sub("[，。、？！；\u4e00-\u9fff]", "", text):
            text = re.sub("[、；]", "，", re.sub("[？！]", "。", text))
            form = tuple(len(line) for line in lines_of(text))
            poems.append((author, form, text))
            seen[form] += 1
    common = sorted(seen, key=lambda form: (-seen[form], form))[:forms]
    signs = dict(zip(common, "①②③④⑤⑥⑦⑧⑨⑩⑪⑫", strict=True))
    for author, form, text in poems:
        if form in signs:
            yield author, signs[form] + text + END


song = split_by_author(read_ci())
describe(song)
for author, text in song["train"][:4]:
    print(author, text)
# %% transfer graded=transfer
# >>>
#| # Your code. At the end, ci-model/ is laid out as tang-model/ is.
ci_vocabulary = vocabulary_of(text for _, text in song["train"])
ci_ids = {name: encode(side, ci_vocabulary) for name, side in song.items()}
ci_losses = ngram_losses(ci_ids, len(ci_vocabulary))
ci_gpt = new_model(len(ci_vocabulary))
pretrain(ci_gpt, ci_ids, name="Song ci", epochs=8 * EPOCHS // 3)
reached = perplexity(poem_losses(ci_gpt, ci_ids["test"]))
for name, each in ci_losses.items():
    print(f"{name:16} perplexity {np.exp(each.mean()):6.1f}")
print(f"{'GPT':16} perplexity {reached:6.1f}")
save_model("ci-model", ci_gpt, ci_vocabulary, {
    "perplexity": reached, "trigram": float(np.exp(ci_losses["trigram"].mean())),
})
# <<<
# %% transfer-check
lab.check("transfer", "ci-model")
# %% [markdown] solution transfer-reading
# %% [markdown] calibration
# %% calibration
lab.calibration()
# %% [markdown] quiz
# %% quiz
lab.quiz()
# %% answers
lab.answer("shift", ...)
lab.answer("perplexity", ...)
lab.answer("sum", ...)
lab.answer("decode", ...)
lab.answer("baseline", ...)
# %% [markdown] further
