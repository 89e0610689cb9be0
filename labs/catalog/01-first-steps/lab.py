# %% [markdown] intro
# %% setup
import hashlib
import json
import math
import os
import random
import re
import time
from collections import defaultdict
from copy import deepcopy
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.patches import FancyBboxPatch
from safetensors.numpy import save_file
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler
from torch.nn import functional as F
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer, logging

from practicum_labs import data, metrics, models, track
from practicum_labs.lab import open_lab
from practicum_labs.tier import use_threads

lab = open_lab("first-steps", language="en")
lab.style()
logging.set_verbosity_error()
logging.disable_progress_bar()

SEED = 0
device = torch.device(lab.tier.device)
print(lab.say("ready", tier=lab.tier.name, device=device, threads=use_threads()))
# %% [markdown] map
# %% map
def box(axes, key, x, y, width, height, color, top=True):
    """Draw a box with its label from the lab's own words."""
    form = "round,pad=0,rounding_size=.25"
    axes.add_patch(FancyBboxPatch((x, y), width, height, boxstyle=form, fc=color, ec="white", lw=2))
    place = (x + 0.2, y + height - 0.2) if top else (x + width / 2, y + height / 2)
    sides = {"ha": "left", "va": "top"} if top else {"ha": "center", "va": "center"}
    axes.text(*place, lab.say(key), fontsize=8.5, linespacing=1.4, **sides)


_, axes = plt.subplots(figsize=(9.5, 5.4))
box(axes, "map_ai", 0, 2, 12, 5, "#dbe7f3")
box(axes, "map_ml", 3.2, 2.15, 8.6, 4.05, "#b9d3ea")
box(axes, "map_nlp", 0.2, 2.35, 8.3, 2.0, "#f6d8a899")
box(axes, "map_dl", 5.2, 2.3, 6.4, 3.1, "#8fb8dd99")
box(axes, "map_lm", 5.5, 2.5, 2.8, 1.5, "#f0a868", top=False)
for n, key in enumerate(("hear", "read", "reason", "plan", "speak")):
    box(axes, f"chain_{key}", 2.45 * n, 0, 2.1, 1.4, "#e8e8e8", top=False)
    if n:
        axes.annotate("", (2.45 * n, 0.7), (2.45 * n - 0.35, 0.7), arrowprops={"arrowstyle": "->"})
axes.set(xlim=(-0.1, 12.1), ylim=(-0.1, 7.1))
axes.axis("off")
plt.show()
# %% [markdown] model
# %% model
tokenizer = AutoTokenizer.from_pretrained(models.path("smollm2"), padding_side="left")
model = AutoModelForCausalLM.from_pretrained(models.path("smollm2"), dtype=torch.bfloat16).to(device).eval()
print(lab.say("numbers", count=sum(p.numel() for p in model.parameters()), vocabulary=len(tokenizer)))

sentence = "For breakfast I like to drink a cup of"
ids = tokenizer(sentence, return_tensors="pt").to(device)
print([tokenizer.decode(i) for i in ids["input_ids"][0]])
with torch.inference_mode():
    logits = model(**ids, logits_to_keep=1).logits[0, -1].float()
best = logits.topk(1000)
words, scores = [tokenizer.decode(i) for i in best.indices], best.values.tolist()
print({word: round(score, 1) for word, score in zip(words[:10], scores, strict=False)})
# %% [markdown] probabilities
# %% probabilities graded=probabilities
def probabilities(logits, temperature):
    """Turn scores into probabilities: exp(score / temperature), divided by their sum.

    logits: list of floats, perhaps in the thousands   temperature: a float above 0
    Returns a list of floats that sum to 1.
    """
    scaled = [score / temperature for score in logits]
    # >>>
    highest = max(scaled)
    powers = [math.exp(score - highest) for score in scaled]
    total = sum(powers)
    return [power / total for power in powers]
    # <<<
# %% probabilities-check
lab.check("probabilities", probabilities)
# %% [markdown] solution probabilities-reading
# %% [markdown] temperature
# %% temperature
_, panels = plt.subplots(1, 3, figsize=(9.5, 2.9), sharey=True)
for panel, temperature in zip(panels, (0.5, 1.0, 2.0), strict=True):
    share = probabilities(scores, temperature)
    panel.barh([repr(word) for word in words[:10]], share[:10], color="#4a7fb5")
    panel.set(title=lab.say("temperature", value=temperature), xlabel=lab.say("probability"), xlim=(0, 1))
    print(lab.say("drawn", value=temperature), random.Random(SEED).choices(words, share, k=6))
panels[0].invert_yaxis()
plt.tight_layout()
plt.show()
# %% [markdown] build_messages
# %% build_messages graded=build_messages
def build_messages(instruction, examples, request):
    """Return a conversation that ends with the request, as a list of {"role": …, "content": …}.

    instruction: what the model shall do; the content of the first message, its role "system"
    examples:    (text, label) pairs, maybe none; each is a "user" message and the "assistant"'s answer
    request:     the last message, from the "user"
    """
    messages = [{"role": "system", "content": instruction}]
    # >>>
    for text, label in examples:
        messages.append({"role": "user", "content": text})
        messages.append({"role": "assistant", "content": label})
    messages.append({"role": "user", "content": request})
    # <<<
    return messages
# %% build_messages-check
lab.check("build_messages", build_messages)
# %% [markdown] talk
# %% talk
def as_prompt(messages):
    """Return the text that the model really reads."""
    return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)


def talk(prompts, tokens):
    """Return what the model writes after each prompt, always taking the most probable token."""
    batch = tokenizer(prompts, return_tensors="pt", padding=True).to(device)
    with torch.inference_mode():
        out = model.generate(**batch, max_new_tokens=tokens, do_sample=False)
    return tokenizer.batch_decode(out[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)


apples = "I have 3 apples, eat 1 and buy 4. How many have I got?"
questions = ["What is the capital of France?", apples, "用中文说：早上好。"]
prompts = [as_prompt(build_messages("Answer in one short sentence.", [], each)) for each in questions]
print(prompts[0])
began = time.process_time()
for question, answer in zip(questions, talk(prompts, 24), strict=True):
    print(f"> {question}\n  {answer}")
print(lab.say("talked", seconds=time.process_time() - began))
# %% [markdown] task
# %% task
GROUPS = {0: "faces", 3: "nature", 4: "food", 5: "travel", 6: "games", 7: "objects", 8: "symbols"}
LABELS = list(GROUPS.values())


def read_emoji():
    """Return (train, validation): lists of (name, label, emoji, Chinese name), no last word on both sides."""
    place = data.path("emojibase")
    english, chinese = (json.loads((place / f"{tongue}/compact.json").read_text("utf-8")) for tongue in ("en", "zh"))
    in_chinese = {each["hexcode"]: each["label"] for each in chinese}
    families = defaultdict(list)
    for each in english:
        if each.get("group") in GROUPS and not re.search(r"\d", each["label"]):
            row = (each["label"], GROUPS[each["group"]], each["unicode"], in_chinese[each["hexcode"]])
            families[re.findall(r"[a-z]+", each["label"].lower())[-1]].append(row)
    train, validation, rng = [], [], random.Random(SEED)
    for last, rows in sorted(families.items()):
        if hashlib.sha256(last.encode()).digest()[0] < 90:
            validation.append(rng.choice(rows))  # one of each family: no two that are nearly the same
        else:
            train += rng.sample(rows, min(3, len(rows)))
    return rng.sample(train, len(train)), rng.sample(validation, len(validation))


known, held_out = read_emoji()
shots = [next(row[:2] for row in known if row[1] == label) for label in LABELS]
known, held_out = known[: lab.tier.examples(420)], held_out[: lab.tier.examples(100)]
names, wanted = [row[0] for row in held_out], [row[1] for row in held_out]
gold = [LABELS.index(label) for label in wanted]
pd.set_option("display.max_colwidth", 100)
display(pd.DataFrame(known[:12], columns=[lab.say(key) for key in ("name", "label", "emoji", "chinese")]))
print(lab.say("sizes", known=len(known), held_out=len(held_out)))
# %% [markdown] baseline
# %% baseline
KEYWORDS = {
    "faces": "face smiling smile eyes cat heart", "nature": "animal bird fish flower tree leaf dog",
    "food": "fruit bread cake drink rice cup cooked", "travel": "car train building house clock moon sun rain",
    "games": "ball game medal sport party art", "objects": "phone book tool paper lock shoe shirt bag",
    "symbols": "button sign symbol arrow mark circle square",
}


def by_rule(name):
    """Return the group with most of its keywords in the name, or the commonest group."""
    hits = {label: len(set(name.lower().split()) & set(words.split())) for label, words in KEYWORDS.items()}
    return max(hits, key=hits.get) if any(hits.values()) else commonest


def with_best_strength(before, strengths, rows, labels):
    """Return a linear model; how freely it may fit is chosen on a quarter of the known examples."""
    def fitted(strength, end):
        linear = LogisticRegression(C=strength, class_weight="balanced", max_iter=1000)
        return make_pipeline(clone(before), linear).fit(rows[:end], labels[:end])

    part = len(labels) * 3 // 4
    scores = [fitted(strength, part).score(rows[part:], labels[part:]) for strength in strengths]
    return fitted(strengths[int(np.argmax(scores))], len(labels))


def word_counts(rows, labels):
    """Learn from words and pieces of words alone."""
    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    return with_best_strength(make_union(TfidfVectorizer(sublinear_tf=True), pieces), (1, 3, 10, 30), rows, labels)


commonest = max(LABELS, key=[row[1] for row in known].count)
counted = word_counts([row[0] for row in known], [row[1] for row in known]).predict(names)
ruled = [by_rule(name) for name in names]
answers = {"majority": [commonest] * len(names), "rule": ruled, "word counts": list(counted)}
for method, given in answers.items():
    print(f"{method:12}", sum(a == b for a, b in zip(given, wanted, strict=True)), "/", len(wanted))
# %% [markdown] wilson
# %% wilson graded=wilson
def wilson(right, total):
    """Return (accuracy, low, high): the share of right answers and its 95 % interval by Wilson.

    right: how many of total answers were right; total is at least 1
    """
    z = 1.96
    share = right / total
    # >>>
    middle = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    return share, middle - half, middle + half
    # <<<
# %% wilson-check
lab.check("wilson", wilson)
# %% [markdown] solution wilson-reading
# %% [markdown] predict_zero
# %% predict_zero
lab.predict("zero_shot", ..., ...)
# %% [markdown] free
# %% free
def colleagues_reader(answer):
    """Whatever label occurs in the answer is the answer. What can go wrong?"""
    return next((label for label in LABELS if label in answer.lower()), "")


few, groups = names[:24], ", ".join(LABELS)
asked = [f'To which group does the emoji "{name}" belong: {groups}?' for name in few]
free = talk([as_prompt([{"role": "user", "content": question}]) for question in asked], 16)
read = [colleagues_reader(answer) for answer in free]
columns = [lab.say(key) for key in ("name", "label", "free", "read")]
display(pd.DataFrame(list(zip(few, wanted, free, read, strict=False))[:12], columns=columns))
print(lab.say("colleague", right=sum(a == b for a, b in zip(read, wanted, strict=False)), of=len(few)))
print([colleagues_reader(said) for said in ("This is not food.", "It could be faces, nature, food or travel.")])
# %% [markdown] parse_answer
# %% parse_answer graded=parse_answer
def parse_answer(answer, labels):
    """Return the label that the answer consists of, as it is written in labels, or "" if it is none.

    Forgiven: blanks around it, one full stop at its end, and capital letters. Nothing else.
    """
    # >>>
    said = answer.strip().removesuffix(".").strip().lower()
    return next((label for label in labels if label.lower() == said), "")
    # <<<
# %% parse_answer-check
lab.check("parse_answer", parse_answer)
# %% [markdown] solution parse_answer-reading
# %% strict
strict = [parse_answer(answer, LABELS) for answer in free]
right = sum(a == b for a, b in zip(strict, wanted, strict=False))
print(lab.say("strict", right=right, of=len(few), none=strict.count("")))
# %% [markdown] choose
# %% choose graded=choose
def choose(logprobs, tokens, prior):
    """Return the label that gains most on what the model would say to a request that says nothing.

    logprobs: logarithms of the probability of each token in the vocabulary to come next
    tokens:   {label: number of its token}
    prior:    {label: logarithm of its probability after an empty request}
    """
    # >>>
    return max(tokens, key=lambda label: logprobs[tokens[label]] - prior[label])
    # <<<
# %% choose-check
lab.check("choose", choose)
# %% [markdown] solution choose-reading
# %% [markdown] zero
# %% zero
INSTRUCTION = f"Sort the name of an emoji into one of these groups: {groups}. Answer with the group only."
MARK = "<|im_start|>"


def next_logprobs(prompts, size=16):
    """Return log-probabilities of what comes next, (prompts, vocabulary), and tokens read."""
    start = os.path.commonprefix(prompts)
    start = start[: start.rfind(MARK)]
    rest, found = [prompt.removeprefix(start) for prompt in prompts], [None] * len(prompts)
    order = sorted(range(len(rest)), key=lambda n: len(rest[n]))
    first = tokenizer(start, return_tensors="pt").to(device)["input_ids"]
    read = first.shape[1]
    with torch.inference_mode():
        kept = model(first, use_cache=True, logits_to_keep=1).past_key_values
        for chunk in (order[i : i + size] for i in range(0, len(order), size)):
            batch = tokenizer([rest[n] for n in chunk], return_tensors="pt", padding=True).to(device)
            cache = deepcopy(kept)
            cache.batch_repeat_interleave(len(chunk))
            mask = F.pad(batch["attention_mask"], (first.shape[1], 0), value=1)
            places = mask.cumsum(1)[:, first.shape[1] :] - 1
            out = model(batch["input_ids"], attention_mask=mask, position_ids=places,
                        past_key_values=cache, logits_to_keep=1)
            read += int(batch["attention_mask"].sum())
            for n, row in zip(chunk, out.logits[:, -1].float().log_softmax(-1).cpu().numpy(), strict=True):
                found[n] = row
    return np.stack(found), read


def ask(requests, examples, instruction, labels):
    """Return labels chosen with and without calibration, and tokens read; examples: a list for each request."""
    tokens = {label: tokenizer.encode(label)[0] for label in labels}
    both = zip(examples, requests, strict=True)
    rows, read = next_logprobs([as_prompt(build_messages(instruction, *each)) for each in both])
    empty, more = next_logprobs([as_prompt(build_messages(instruction, examples[0], "N/A"))])
    prior = {label: float(empty[0][token]) for label, token in tokens.items()}
    raw = [choose(row, tokens, dict.fromkeys(labels, 0.0)) for row in rows]
    return [choose(row, tokens, prior) for row in rows], raw, read + more


table = {}


def note(method, given, began, *, tokens=0, trained=0, labelled=0):
    """Score a method, keep its row of the table, and track it."""
    share, low, high = wilson(sum(a == b for a, b in zip(given, wanted, strict=True)), len(wanted))
    cost = {"accuracy": share, "cpu_ms": 1000 * (time.process_time() - began) / len(wanted),
            "tokens": tokens / len(wanted), "trained": trained, "labelled": labelled}
    answers[method], table[method] = list(given), {**cost, "low": low, "high": high}
    with track.init(lab="first-steps", name=method, config={"validation": len(wanted), "seed": SEED}) as run:
        run.finish(cost)
    print(f"{method:22} {share:.3f} [{low:.3f}, {high:.3f}]")


for method in ("majority", "rule", "word counts"):
    note(method, answers[method], time.process_time(), labelled=0 if method == "rule" else len(known))
began = time.process_time()
calibrated, raw, read = ask(names, [[]] * len(names), INSTRUCTION, LABELS)
note("zero-shot", raw, began, tokens=read)
note("zero-shot, calibrated", calibrated, began, tokens=read)
lab.reveal("zero_shot", table["zero-shot"]["accuracy"])
said = {**{method: answers[method] for method in ("zero-shot", "zero-shot, calibrated")}, lab.say("right"): wanted}
counts = {method: [given.count(label) for label in LABELS] for method, given in said.items()}
pd.DataFrame(counts, index=LABELS).plot.bar(figsize=(7.5, 2.8), rot=0, ylabel=lab.say("answers"))
plt.show()
# %% [markdown] few
# %% few
print(shots)
began = time.process_time()
calibrated, _, read = ask(names, [shots] * len(names), INSTRUCTION, LABELS)
note("few-shot", calibrated, began, tokens=read, labelled=len(shots))
# %% [markdown] nearest
# %% nearest graded=nearest
def nearest(query, vectors, k):
    """Return the numbers of the k rows most like the query, the most alike first (a list of ints).

    query: numpy array (width,)   vectors: numpy array (rows, width)
    Alike is a high cosine: the product of two vectors after each was divided by its length.
    """
    # >>>
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
    cosine = vectors @ query / lengths
    return np.argsort(-cosine)[:k].tolist()
    # <<<
# %% nearest-check
lab.check("nearest", nearest)
# %% [markdown] solution nearest-reading
# %% [markdown] predict_retrieval
# %% predict_retrieval
lab.predict("retrieval", ..., ...)
# %% [markdown] retrieve
# %% retrieve
def mean_vectors(reader, tokens, texts, layer=-1):
    """Return one vector a text: the mean of its token vectors in one layer of a model, (texts, width)."""
    found = [None] * len(texts)
    order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
    for chunk in (order[i : i + 32] for i in range(0, len(order), 32)):
        chosen = [texts[n] for n in chunk]
        batch = tokens(chosen, return_tensors="pt", padding=True, truncation=True, max_length=48).to(device)
        with torch.inference_mode():
            hidden = reader(**batch, output_hidden_states=True).hidden_states[layer].float()
        weight = batch["attention_mask"].unsqueeze(-1)
        for n, vector in zip(chunk, ((hidden * weight).sum(1) / weight.sum(1)).cpu().numpy(), strict=True):
            found[n] = vector
    return np.stack(found)


began = time.process_time()
minilm = AutoModel.from_pretrained(models.path("minilm")).to(device).eval()
minilm_tokens = AutoTokenizer.from_pretrained(models.path("minilm"))
shelf = mean_vectors(minilm, minilm_tokens, [row[0] for row in known])
asked = mean_vectors(minilm, minilm_tokens, names)
neighbours = [[known[n][:2] for n in nearest(query, shelf, 4)] for query in asked]
for name, like in list(zip(names, neighbours, strict=True))[:5]:
    print(name, "<-", like)
found = [max(LABELS, key=[label for _, label in like].count) for like in neighbours]
note("nearest, vote", found, began, labelled=len(known))
calibrated, raw, read = ask(names, [like[::-1] for like in neighbours], INSTRUCTION, LABELS)
note("retrieval", raw, began, tokens=read, labelled=len(known))
lab.reveal("retrieval", table["retrieval"]["accuracy"])
# %% [markdown] tune
# %% tune
LAYER = 8
lower = AutoModel.from_pretrained(models.path("smollm2"), dtype=torch.bfloat16, num_hidden_layers=LAYER + 1)
lower = lower.to(device).eval()


def tune(vectors, classes):
    """Learn a linear head on vectors: the part that training changes."""
    return with_best_strength(StandardScaler(), (1e-3, 3e-3, 1e-2, 3e-2, 1e-1), vectors, classes)


began = time.process_time()
vectors = mean_vectors(lower, tokenizer, [row[0] for row in known], LAYER)
head = tune(vectors, [LABELS.index(row[1]) for row in known])
given = head.predict(mean_vectors(lower, tokenizer, names, LAYER))
trained = head[-1].coef_.size + head[-1].intercept_.size
note("tuned head", [LABELS[n] for n in given], began, trained=trained, labelled=len(known),
     tokens=sum(map(len, tokenizer([*names, *(row[0] for row in known)])["input_ids"])))
# %% [markdown] compare
# %% compare
columns = ["accuracy", "low", "high", "tokens", "cpu_ms", "trained", "labelled"]
overview = pd.DataFrame(table).T[columns].rename(columns=lab.say)
display(overview.round(3))
shares = np.array([[row["accuracy"], row["low"], row["high"]] for row in table.values()])
_, axes = plt.subplots(figsize=(8, 3.2))
sides = [shares[:, 0] - shares[:, 1], shares[:, 2] - shares[:, 0]]
axes.errorbar(shares[:, 0], list(table), xerr=sides, fmt="o", capsize=3)
axes.axvline(table["majority"]["accuracy"], color="gray", ls=":")
axes.set(xlabel=lab.say("accuracy"), xlim=(0, 1))
axes.invert_yaxis()
plt.show()

pairs = [("zero-shot, calibrated", "zero-shot"), ("few-shot", "zero-shot, calibrated"), ("retrieval", "few-shot"),
         ("retrieval", "nearest, vote"), ("tuned head", "zero-shot, calibrated"), ("tuned head", "word counts"),
         ("tuned head", "retrieval")]
numbered = {method: [LABELS.index(label) for label in given] for method, given in answers.items()}
for better, than in pairs:
    gain = metrics.difference(metrics.accuracy, gold, numbered[better], numbered[than])
    verdict = lab.say("clear") if gain.low > 0 or gain.high < 0 else lab.say("unclear")
    print(f"{better:22} - {than:22} {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]  {verdict}")
# %% [markdown] save
# %% save
def save_head(folder, head, classes, scores):
    """Lay out a tuned head: its numbers as plain tensors, and the scores it claims."""
    scaler, linear = head
    weight, bias = np.zeros((classes, len(scaler.mean_)), "float32"), np.full(classes, -1e4, "float32")
    weight[linear.classes_] = linear.coef_ / scaler.scale_
    bias[linear.classes_] = linear.intercept_ - linear.coef_ @ (scaler.mean_ / scaler.scale_)
    Path(folder).mkdir(exist_ok=True)
    save_file({"weight": weight, "bias": bias}, Path(folder) / "head.safetensors")
    (Path(folder) / "scores.json").write_text(json.dumps(scores), "utf-8")


generic, tuned = table["zero-shot, calibrated"]["accuracy"], table["tuned head"]["accuracy"]
save_head("emoji-head", head, len(LABELS), {"zero_shot": generic, "tuned": tuned})
print(sum(path.stat().st_size for path in Path("emoji-head").iterdir()) // 1024, "KiB")
# %% [markdown] transfer
# %% transfer graded=transfer
REVIEW = "Say whether a sentence from a product review is negative, neutral or positive. Answer with the word only."
reviews = data.load("vader-reviews", train=lab.tier.examples(320), validation=lab.tier.examples(120), seed=SEED)
print([(reviews.classes[each.label], each.text[:70]) for each in reviews.train[:4]])
# >>>
texts, right = [each.text for each in reviews.validation], [each.label for each in reviews.validation]
chosen, _, _ = ask(texts, [[]] * len(texts), REVIEW, reviews.classes)
generic = [reviews.classes.index(label) for label in chosen]
vectors = mean_vectors(lower, tokenizer, [each.text for each in reviews.train], LAYER)
review_head = tune(vectors, [each.label for each in reviews.train])
tuned = review_head.predict(mean_vectors(lower, tokenizer, texts, LAYER)).tolist()
given = {"zero_shot": generic, "tuned": tuned}
claims = {name: metrics.score(metrics.macro_f1, right, labels) for name, labels in given.items()}
print({name: str(score) for name, score in claims.items()})
print("tuned - zero_shot", metrics.difference(metrics.macro_f1, right, tuned, generic))
save_head("review-head", review_head, 3, {name: score.value for name, score in claims.items()})
# <<<
# %% transfer-check
lab.check("transfer", "review-head")
# %% [markdown] solution transfer-reading
# %% [markdown] calibration
# %% calibration
lab.calibration()
# %% [markdown] quiz
# %% quiz
lab.quiz()
# %% answers
lab.answer("abilities", ...)
lab.answer("learned", ...)
lab.answer("speech", ...)
lab.answer("architecture", ...)
lab.answer("decoder", ...)
lab.answer("translate", ...)
lab.answer("leak", ...)
lab.answer("choose", ...)
# %% [markdown] further
