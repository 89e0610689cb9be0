# %% [markdown] intro
# %% setup
import json
import random
import re
import time
from collections import Counter, defaultdict
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file, save_file
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from torch import nn
from torch.nn import functional as F
from transformers import AutoModel, AutoTokenizer, logging

from practicum_labs import data, metrics, models, track
from practicum_labs.lab import open_lab
from practicum_labs.tier import use_threads

lab = open_lab("optimise", language="en")
lab.style()
logging.set_verbosity_error()
logging.disable_progress_bar()

TINY = lab.tier.name == "tiny"
SEEDS = (0, 1, 2)
print(lab.say("ready", tier=lab.tier.name, threads=use_threads(), torch=torch.__version__))
# %% [markdown] vectors
# %% vectors
def embed(texts, device):
    """Return MiniLM's vector of each text, (texts, 384): the mean of its token vectors."""
    tokenizer = AutoTokenizer.from_pretrained(models.path("minilm"))
    encoder = AutoModel.from_pretrained(models.path("minilm"), add_pooling_layer=False).to(device)
    order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
    vectors = torch.empty(len(texts), encoder.config.hidden_size)
    with torch.inference_mode():
        for start in range(0, len(order), 64):
            part = order[start : start + 64]
            batch = tokenizer([texts[n] for n in part], padding=True, truncation=True, max_length=48,
                              return_tensors="pt").to(device)
            hidden = encoder(batch["input_ids"], batch["attention_mask"]).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1)
            vectors[part] = ((hidden * mask).sum(1) / mask.sum(1)).cpu()
    return vectors


def three_sides(name):
    """Return train, validation and test side of a data set, each (vectors, labels).

    The vectors are computed once and kept in a file. What the catalogue calls validation is
    the test side here: nothing is chosen by it.
    """
    sizes = [lab.tier.examples(400), lab.tier.examples(400), lab.tier.examples(800)]
    split = data.load(name, train=sizes[0] + sizes[1], validation=sizes[2])
    examples = [*split.train, *split.validation]
    kept = Path(f"{name}-{len(examples)}.safetensors")
    if not kept.exists():
        save_file({"vectors": embed([e.text for e in examples], lab.tier.device)}, kept)
    vectors = load_file(kept)["vectors"].split([*sizes[:2], len(examples) - sum(sizes[:2])])
    labels = torch.tensor([e.label for e in examples]).split([len(v) for v in vectors])
    return list(zip(vectors, labels, strict=True))


began = time.process_time()
tweets = three_sides("vader-tweets")
torch.set_num_threads(1)  # heads this small only wait for a second thread
for name, (vectors, labels) in zip(("train", "validation", "test"), tweets, strict=True):
    print(f"{name:10} {tuple(vectors.shape)}  {torch.bincount(labels, minlength=3).tolist()}")
print(lab.say("cpu", seconds=time.process_time() - began))
# %% [markdown] given
# %% given
EPOCHS, WIDTH = 5 if TINY else 30, 128


def macro_f1(gold, found):
    """Return the mean F1 of three classes."""
    table = np.bincount(3 * np.asarray(gold) + np.asarray(found), minlength=9).reshape(3, 3)
    return float(np.mean(2 * table.diagonal() / (table.sum(0) + table.sum(1)).clip(min=1)))


def class_weights(y):
    """Return weights with which every class counts alike, however rare it is."""
    return len(y) / (3 * torch.bincount(y, minlength=3).clamp(min=1))


def given_head(sides, seed):
    """Train the head as it was handed over, and return its test answers."""
    (x, y), _, (x_test, _) = sides
    torch.manual_seed(seed)
    head = nn.Sequential(nn.Linear(x.shape[1], WIDTH), nn.ReLU(), nn.Linear(WIDTH, 3))
    optimizer = torch.optim.SGD(head.parameters(), lr=0.001)
    for _ in range(EPOCHS):
        for part in torch.randperm(len(x)).split(32):
            loss = F.cross_entropy(head((x[part] - x.mean(0)) / x.std(0)), y[part], weight=class_weights(y))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.inference_mode():
        return head((x_test - x.mean(0)) / x.std(0)).argmax(1).numpy()


def linear_probe(sides):
    """Return the test answers of logistic regression, its strength tuned on the validation side."""
    scale = sides[0][0].mean(0), sides[0][0].std(0)
    x, x_valid, x_test = (((vectors - scale[0]) / scale[1]).numpy() for vectors, _ in sides)
    tried = []
    for c in (0.001, 0.003, 0.01, 0.03, 0.1, 1):
        probe = LogisticRegression(C=c, class_weight="balanced", max_iter=300).fit(x, sides[0][1])
        tried.append((macro_f1(sides[1][1], probe.predict(x_valid)), c, probe.predict(x_test)))
    return max(tried, key=lambda each: each[0])[2]


gold = tweets[2][1].numpy()
answers = {"given": np.stack([given_head(tweets, seed) for seed in SEEDS])}
answers["linear probe"] = np.stack([linear_probe(tweets)] * len(SEEDS))
for name, found in answers.items():
    print(f"{name:14} macro-F1", [round(macro_f1(gold, each), 3) for each in found])
# %% [markdown] adam_step
# %% adam_step graded=adam_step
def adam_step(weight, grad, m, v, step, lr, l2=0.0, decay=0.0):
    """Take step number `step` (from 1) of Adam; return the new (weight, m, v), the old ones untouched.

    l2:    strength of a penalty in the loss, l2 / 2 times the sum of the squared weights
    decay: strength of decoupled weight decay, as in AdamW
    """
    # >>> the penalty is part of the loss: what does it add to the gradient?
    grad = grad + l2 * weight
    # <<<
    m = 0.9 * m + 0.1 * grad
    v = 0.999 * v + 0.001 * grad**2
    update = (m / (1 - 0.9**step)) / ((v / (1 - 0.999**step)).sqrt() + 1e-8)
    # >>> decoupled: the weight shrinks by itself, past m and v
    return weight - lr * update - lr * decay * weight, m, v
    # <<<
# %% adam_step-check
lab.check("adam_step", adam_step)
# %% [markdown] solution adam_step-reading
# %% [markdown] two_decays
# %% two_decays
lab.predict("ratio_l2", ..., ...)
lab.predict("ratio_decay", ..., ...)
# %% two_decays_shown
def shrink(size, **decays):
    """Return a weight of 1 after 100 steps of Adam with random gradients of a size."""
    generator = torch.Generator().manual_seed(0)
    weight, m, v = torch.ones(200), torch.zeros(200), torch.zeros(200)
    for step in range(1, 101):
        grad = size * torch.randn(200, generator=generator)
        weight, m, v = adam_step(weight, grad, m, v, step, lr=0.01, **decays)
    return weight.mean().item()


for name, decays in (("l2", {"l2": 0.5}), ("decay", {"decay": 0.5})):
    small, large = shrink(0.1, **decays), shrink(10.0, **decays)
    print(lab.say("shrunk", name=name, small=small, large=large))
    lab.reveal(f"ratio_{name}", (1 - small) / (1 - large))
# %% [markdown] two_decays_read
# %% [markdown] dropout
# %% dropout graded=dropout
def dropout(x, p, training):
    """Return x with each number dropped with probability p and the rest scaled, inverted dropout.

    x: any shape, floating point   p: from 0 up to, not including, 1
    Outside training, x comes back as it is.
    """
    # >>>
    if not training or p == 0:
        return x
    keep = (torch.rand_like(x) >= p).to(x.dtype)
    return x * keep / (1 - p)
    # <<<
# %% dropout-check
lab.check("dropout", dropout)
# %% [markdown] solution dropout-reading
# %% [markdown] train
# %% train
def new_head(x, seed):
    """Return the tensors of a new head; mean and scale are those of the training vectors."""
    torch.manual_seed(seed)
    first, second = nn.Linear(x.shape[1], WIDTH), nn.Linear(WIDTH, 3)
    return {"w1": first.weight, "b1": first.bias, "w2": second.weight, "b2": second.bias,
            "mean": x.mean(0), "scale": x.std(0)}


def logits(head, x, p=0.0, training=False):
    """Return (texts, 3)."""
    hidden = F.relu(F.linear((x - head["mean"]) / head["scale"], head["w1"], head["b1"]))
    return F.linear(dropout(hidden, p, training), head["w2"], head["b2"])


def fit(sides, seed, *, lr, optimiser="Adam", l2=0.0, decay=0.0, p=0.0):
    """Train a head; return it, and for each epoch (training loss, validation loss, macro-F1)."""
    (x, y), (x_valid, y_valid), _ = sides
    weights, head, curve, step = class_weights(y), new_head(x, seed), [], 0
    names = ("w1", "b1", "w2", "b2")
    moments = {name: (torch.zeros_like(head[name]),) * 2 for name in names}
    for _ in range(EPOCHS):
        for part in torch.randperm(len(x)).split(32):
            step += 1
            loss = F.cross_entropy(logits(head, x[part], p, training=True), y[part], weight=weights)
            grads = torch.autograd.grad(loss, [head[name] for name in names])
            with torch.no_grad():
                for name, grad in zip(names, grads, strict=True):
                    if optimiser == "SGD":
                        new = head[name] - lr * grad
                    else:
                        decays = {"l2": l2, "decay": decay} if name[0] == "w" else {}
                        state = head[name], grad, *moments[name], step, lr
                        new, *moments[name] = adam_step(*state, **decays)
                    head[name] = new.requires_grad_()
        with torch.no_grad():
            said = logits(head, x_valid)
            losses = [F.cross_entropy(each, labels, weight=weights).item()
                      for each, labels in ((logits(head, x), y), (said, y_valid))]
            curve.append((*losses, macro_f1(y_valid, said.argmax(1))))
    return {name: tensor.detach() for name, tensor in head.items()}, curve


def try_out(sides, setting, task="tweets", **settings):
    """Train a head with each seed in one tracked run; return a row for each seed."""
    rows, (x_test, y_test) = [], sides[2]
    with track.init(lab="optimise", name=f"{task}: {setting}",
                    config={**settings, "epochs": EPOCHS, "seeds": list(SEEDS), "seed": SEEDS[0]}) as run:
        for seed in SEEDS:
            head, curve = fit(sides, seed, **settings)
            last = curve[-1][2] if np.isfinite(curve[-1][1]) else float("nan")
            found = logits(head, x_test).argmax(1).numpy()
            rows.append({
                "setting": setting, "seed": seed, "validation": last,
                "epochs": next((n for n, point in enumerate(curve, 1) if point[2] >= 0.98 * last), EPOCHS),
                "gap": curve[-1][1] - curve[-1][0],
                "norm": float(torch.hypot(head["w1"].norm(), head["w2"].norm())),
                "test": macro_f1(y_test, found), "found": found, "head": head, "curve": curve,
            })
        for epoch, points in enumerate(np.mean([row["curve"] for row in rows], axis=0), 1):
            run.log(dict(zip(("loss", "validation_loss", "macro_f1"), points, strict=True)), step=epoch)
        run.finish({name: float(np.mean([row[name] for row in rows])) for name in ("gap", "norm", "epochs")})
    return rows
# %% [markdown] predict_sweep
# %% predict_sweep
lab.predict("sweep_gain", ..., ...)
# %% [markdown] sweep
# %% sweep
RATES = {"SGD": (0.001, 0.01, 0.1, 1.0), "Adam": (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)}
began = time.process_time()
runs = [row for optimiser, rates in RATES.items() for lr in rates
        for row in try_out(tweets, f"{optimiser} {lr:g}", optimiser=optimiser, lr=lr)]
print(lab.say("cpu", seconds=time.process_time() - began))


def table_of(runs):
    """Return a table: a line a setting, the mean and the range over seeds."""
    frame = pd.DataFrame(runs)[["setting", "validation", "epochs", "gap", "norm"]]
    table = frame.groupby("setting", sort=False).mean().round(3)
    low, high = (frame.groupby("setting")["validation"].agg(side).round(3) for side in ("min", "max"))
    table.insert(1, lab.say("range"), [f"{low[name]:.3f}–{high[name]:.3f}" for name in table.index])
    return table


display(table_of(runs))
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3))
for optimiser, rates in RATES.items():
    scores = [[row["validation"] for row in runs if row["setting"] == f"{optimiser} {lr:g}"] for lr in rates]
    left.plot(rates, np.mean(scores, axis=1), label=optimiser)
    left.scatter(np.repeat(rates, len(SEEDS)), np.ravel(scores), s=12)
for row in runs:
    if row["seed"] == 0 and row["setting"] in {"SGD 0.001", "SGD 0.1", "Adam 0.0003", "Adam 0.03"}:
        right.plot(range(1, EPOCHS + 1), [point[2] for point in row["curve"]], label=row["setting"])
left.set(xscale="log", xlabel=lab.say("lr"), ylabel=lab.say("validation_f1"))
right.set(xlabel=lab.say("epoch"), ylabel=lab.say("validation_f1"))
left.legend()
right.legend(fontsize=8)
figure.tight_layout()
plt.show()
# %% [markdown] select
# %% select graded=select
def select(runs, slack):
    """Return the name of the setting to use, by the rule in the text.

    runs: a list of {"setting": str, "seed": int, "validation": float, "epochs": int, "test": float}
    """
    # >>>
    by_setting = defaultdict(list)
    for run in runs:
        by_setting[run["setting"]].append(run)
    mean = {
        setting: (np.mean([run["validation"] for run in rows]), np.mean([run["epochs"] for run in rows]))
        for setting, rows in by_setting.items()
        if all(np.isfinite(run["validation"]) for run in rows)
    }
    best = max(score for score, _ in mean.values())
    return min((epochs, setting) for setting, (score, epochs) in mean.items() if score >= best - slack)[1]
    # <<<
# %% select-check
lab.check("select", select)
# %% chosen
chosen = select(runs, slack=0.01)
optimiser, rate = chosen.split()
best = {"optimiser": optimiser, "lr": float(rate)}
answers["tuned rate"] = np.stack([row["found"] for row in runs if row["setting"] == chosen])


def gain(ours, theirs):
    """Return how much better ours answer than theirs, mean of the seeds, on the same test texts."""
    def difference(index):
        index = np.asarray(index)
        return np.mean([macro_f1(gold[index], a[index]) - macro_f1(gold[index], b[index])
                        for a, b in zip(answers[ours], answers[theirs], strict=True)])

    return metrics.bootstrap(difference, len(gold))


print(chosen, [round(macro_f1(gold, each), 3) for each in answers["tuned rate"]])
improved = gain("tuned rate", "given")
print("tuned rate − given:", improved)
lab.reveal("sweep_gain", improved.value)
# %% [markdown] solution select-reading
# %% [markdown] colleague
# %% colleague
def random_head(rng):
    """Return the test answers of a linear head with settings out of a hat."""
    columns = rng.choice(tweets[0][0].shape[1], size=96, replace=False)
    head = RidgeClassifier(alpha=10 ** rng.uniform(0, 3), class_weight="balanced")
    head.fit(tweets[0][0][:, columns].numpy(), tweets[0][1].numpy())
    return head.predict(tweets[2][0][:, columns].numpy())


rng = np.random.default_rng(0)
seen = rng.permutation(len(gold)) < len(gold) // 10  # the colleague's test set
tried = [random_head(rng) for _ in range(20 if TINY else 200)]
theirs = np.array([macro_f1(gold[seen], found[seen]) for found in tried])
winner = int(theirs.argmax())
print(lab.say("colleague", tried=len(tried), texts=int(seen.sum()), score=theirs[winner]))
# %% predict_colleague
lab.predict("colleague_again", ..., ...)
# %% [markdown] curse
# %% curse
fresh = np.array([macro_f1(gold[~seen], found[~seen]) for found in tried])
lab.reveal("colleague_again", fresh[winner])
leaders = []  # who is in front after each setting, for a hundred orders of trying
for order in (rng.permutation(len(tried)) for _ in range(100)):
    in_front = np.maximum.accumulate(theirs[order])
    leaders.append([order[(theirs[order] == score).argmax()] for score in in_front])
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3))
left.plot(theirs[np.array(leaders)].mean(0), label=lab.say("reported"))
left.plot(fresh[np.array(leaders)].mean(0), label=lab.say("on_fresh"))
left.set(xlabel=lab.say("tried"), ylabel="macro-F1")
left.legend()
right.scatter(theirs, fresh, s=10)
right.scatter(theirs[winner], fresh[winner], color="red", label=lab.say("winner"))
right.set(xlabel=lab.say("reported"), ylabel=lab.say("on_fresh"))
right.legend()
figure.tight_layout()
plt.show()
print(lab.say("curse", reported=theirs[winner], fresh=fresh[winner], mean=fresh.mean(),
              together=np.corrcoef(theirs, fresh)[0, 1]))
# %% [markdown] predict_gap
# %% predict_gap
lab.predict("gap_left", ..., ...)
# %% [markdown] regularise
# %% regularise
GRID = {
    "l2": (0.0, 0.03, 0.1, 0.3, 1.0), "decay": (0.0, 1.0, 3.0, 10.0, 30.0), "p": (0.0, 0.5, 0.8, 0.9, 0.95),
}
STEEP = {"optimiser": "Adam", "lr": 0.001}  # a rate at which the head learns its training side by heart
began, swept = time.process_time(), {}
for name, values in GRID.items():
    swept[name] = [swept["l2"][0] if name != "l2" and not value else
                   try_out(tweets, f"{name} {value:g}", **STEEP, **{name: value}) for value in values]
print(lab.say("cpu", seconds=time.process_time() - began))
display(table_of([row for rows in swept.values() for each in rows for row in each]).drop_duplicates())
figure, axes = plt.subplots(1, 3, figsize=(11, 3))
for axis, (name, rows) in zip(axes, swept.items(), strict=True):
    places, values = range(len(rows)), GRID[name]
    ends = [np.mean([row["curve"][-1][:2] for row in each], axis=0) for each in rows]
    axis.plot(places, [end[0] for end in ends], marker="o", label=lab.say("training"))
    axis.plot(places, [end[1] for end in ends], marker="o", label=lab.say("validation"))
    axis.set_xticks(places, [f"{value:g}" for value in values])
    norms = [np.mean([row["norm"] for row in each]) for each in rows]
    axis.set(xlabel=name, ylabel=lab.say("loss"))
    other = axis.twinx()
    other.plot(places, norms, color="grey", linestyle="--")
    other.set_ylabel(lab.say("norm"))
    other.grid(visible=False)
axes[0].legend()
figure.tight_layout()
plt.show()

plain = np.mean([row["gap"] for row in swept["l2"][0]])
for name, rows in swept.items():
    setting = select([row for each in rows for row in each], slack=0.0)
    picked = next(each for each in rows if each[0]["setting"] == setting)
    answers[name] = np.stack([row["found"] for row in picked])
    left_over = np.mean([row["gap"] for row in picked]) / plain
    print(lab.say("picked", setting=setting, left=100 * left_over), gain(name, "tuned rate"))
strongest = np.mean([row["gap"] for row in swept["l2"][-1]]) / plain
lab.reveal("gap_left", 100 * strongest)
# %% [markdown] chinese
# %% chinese
INTENTS = (
    "TurnOn TurnOff LightSet StartTimer CancelTimer PauseTimer UnpauseTimer IncreaseTimer DecreaseTimer "
    "TimerStatus MediaPause MediaUnpause MediaNext MediaPrevious SetVolume SetVolumeRelative"
).split()
WORDS = {
    "area": "客厅 卧室 主卧 厨房 书房 餐厅 阳台 车库", "floor": "一 二 三",
    "timer_name": "煮面 泡茶 午睡", "timer_command": "关灯 打开窗帘 播放音乐",
}
grammar = json.loads((data.path("ha-intents") / "zh-CN.json").read_text("utf-8"))
rules, slots = grammar["expansion_rules"], {name: words.split() for name, words in WORDS.items()}
for name, known in grammar["lists"].items():
    if "values" in known:
        slots[name] = [value["in"] for value in known["values"]]
    elif "range" in known:
        slots[name] = "5 10 15 20 30 40".split()


def parse(template):
    """Return a template as nested (kind, content): (a|b) one of, [a] perhaps, {slot}, <rule>."""
    def read(at, end):
        branches = [[]]
        while at < len(template) and template[at] != end:
            mark = template[at]
            if mark in "([":
                inside, at = read(at + 1, ")" if mark == "(" else "]")
                branches[-1].append(("perhaps", inside) if mark == "[" else inside)
            elif mark in "{<":
                close = template.index("}" if mark == "{" else ">", at)
                name = template[at + 1 : close].split(":")[0]
                branches[-1].append(("words", slots[name] if mark == "{" else [rules[name]]))
                at = close + 1
            elif mark == "|":
                branches.append([])
                at += 1
            else:
                branches[-1].append(("text", mark))
                at += 1
        return ("one", branches), at + 1

    return read(0, None)[0]


def expand(node, rng):
    """Return one sentence that a parsed template allows."""
    kind, inside = node
    if kind == "text":
        return inside
    if kind == "perhaps":
        return expand(inside, rng) if rng.random() < 0.5 else ""
    if kind == "words":
        return expand(parse(rng.choice(inside)), rng)
    return "".join(expand(part, rng) for part in rng.choice(inside))


def pattern(node):
    """Return the regular expression of every sentence that a parsed template allows."""
    kind, inside = node
    if kind == "text":
        return re.escape(inside)
    if kind == "perhaps":
        return f"(?:{pattern(inside)})?"
    if kind == "words":
        return "(?:" + "|".join(pattern(parse(word)) for word in inside) + ")"
    return "(?:" + "|".join("".join(map(pattern, branch)) for branch in inside) + ")"


def family_of(template):
    """Return a template without options, places and times: what is left says how it is put."""
    before, text = None, template
    while text != before:
        before, text = text, re.sub(r"\[[^\[\]]*\]", "", text)
    text = re.sub(r"\{(area|floor)[^}]*\}|<(area|home|all)>", "", text)
    text = re.sub(r"\{timer_(hours|minutes|seconds)[^}]*\}(\([^()]*\)|分钟|分|秒)?", "#", text)
    return re.sub(r"#[和又]*(?=#)", "", re.sub(r"\s+", "", text))


families = defaultdict(list)
for intent in INTENTS:
    for block in grammar["intents"][f"Hass{intent}"]["data"]:
        for template in block["sentences"]:
            if "{name" not in template and "<name>" not in template:  # names depend on the house
                families[intent, family_of(template)].append(template)
patterns = [(intent, re.compile(pattern(parse(t)))) for (intent, _), ts in families.items() for t in ts]


def judge(text):
    """Return the intents whose templates allow the sentence: none, one or several."""
    return {intent for intent, known in patterns if known.fullmatch(text)}


print(len(families), sum(map(len, families.values())))
for text in ("打开客厅的灯", "取消煮面计时器", "停止计时器"):
    print(text, sorted(judge(text)))
# %% [markdown] alternatives
# %% alternatives
def split_families(seed):
    """Return train, validation and test families; each intent has some on every side."""
    rng, sides = random.Random(seed), ([], [], [])
    for intent in INTENTS:
        own = sorted(family for family in families if family[0] == intent)
        rng.shuffle(own)
        third = max(1, len(own) // 3)
        for side, part in zip(sides, (own[2 * third :], own[third : 2 * third], own[:third]), strict=True):
            side += part
    return sides


def draw(side, each, seed):
    """Return so many sentences of each intent as (text, intent, family), drawn from its families."""
    rng, found = random.Random(seed), {}
    for intent in INTENTS:
        own = [family for family in side if family[0] == intent]
        for _ in range(3 * each):
            if sum(e[1] == intent for e in found.values()) < each:
                family = rng.choice(own)
                text = expand(parse(rng.choice(families[family])), rng)
                found.setdefault(text, (text, intent, family))
    return list(found.values())


def alternatives(side):
    """Return the groups of words that templates of these families, or the rules, list side by side."""
    texts = [template for family in side for template in families[family]] + list(rules.values())
    groups = {frozenset(found.split("|")) for text in texts
              for found in re.findall(r"\(([^()\[\]{}<>]*\|[^()\[\]{}<>]*)\)", text)}
    groups = [sorted(group) for group in groups if not any(group < other for other in groups)]
    return sorted([*groups, ["开关"], ["开始"], ["关上"]])  # a word alone: to be left as it is


def merged(groups):
    """Join groups that share a word, as if what is alike in one place were alike in every place."""
    joined = []
    for group in groups:
        touching = [other for other in joined if set(other) & set(group)]
        joined = [other for other in joined if other not in touching]
        joined.append(sorted(set(group).union(*touching)))
    return joined


groups = alternatives(split_families(0)[0])
print(*(" | ".join(group) for group in groups if len(group) > 1), sep="\n")
print()
print(" | ".join(next(group for group in merged(groups) if "停止" in group)))
# %% [markdown] paraphrase
# %% paraphrase graded=paraphrase
def paraphrase(text, groups, rng, share=0.5):
    """Return the text with about a share of its known words replaced by a near-synonym.

    groups: lists of words that mean the same. Of several words that begin at one place the
    longest counts. A word that stands in several groups is neither replaced nor put in.
    rng: a random.Random
    """
    # >>>
    count = Counter(word for group in groups for word in set(group))
    others = {
        word: [other for other in group if other != word and count[other] == count[word] == 1]
        for group in groups for word in group
    }
    said, at = "", 0
    while at < len(text):
        known = [word for word in others if text.startswith(word, at)]
        word = max(known, key=len, default=text[at])
        choices = others.get(word)
        said += rng.choice(choices) if choices and rng.random() < share else word
        at += len(word)
    return said
    # <<<
# %% paraphrase-check
lab.check("paraphrase", paraphrase)
# %% [markdown] solution paraphrase-reading
# %% [markdown] kept
# %% kept
def rates(groups, examples):
    """Return what the grammar says of the sentences that changed, counted, and some of them."""
    rng, said, shown = random.Random(0), Counter(), defaultdict(list)
    for text, intent, _ in examples:
        other = paraphrase(text, groups, rng)
        if other != text:
            allowed = judge(other)
            verdict = "kept" if intent in allowed else "changed" if allowed else "unknown"
            said[verdict] += 1
            shown[verdict].append(f"{verdict:8} {text} → {other}   {intent} → {', '.join(sorted(allowed)) or '?'}")
    return said, [*shown["changed"][:3], *shown["unknown"][:30:6]]


examples = draw(split_families(0)[0], 20, seed=0)
for name, known in (("merged", merged(groups)), ("groups", groups)):
    said, shown = rates(known, examples)
    total = sum(said.values())
    print(name, total, {verdict: f"{n / total:.1%}" for verdict, n in said.items()}, *shown, sep="\n   ")
# %% [markdown] augment
# %% augment graded=augment
def augment(examples, rewrite, copies, held_out, rng):
    """Return the examples, then up to `copies` new wordings of each, no text twice.

    examples: a list of (text, label)   rewrite(text, rng): another wording of the text
    held_out: texts that are kept for validation and test; none of them may come in
    """
    # >>>
    grown = list(examples)
    known = {text for text, _ in examples} | set(held_out)
    for text, label in examples:
        for _ in range(copies):
            other = rewrite(text, rng)
            if other not in known:
                known.add(other)
                grown.append((other, label))
    return grown
    # <<<
# %% augment-check
lab.check("augment", augment)
# %% [markdown] solution augment-reading
# %% [markdown] predict_augment
# %% predict_augment
lab.predict("gain_at_4", ..., ...)
# %% [markdown] curve
# %% curve
SIZES = (2, 4) if TINY else (2, 4, 8, 16)
SPLITS = 2 if TINY else 6


def answers_of(train, validation, test):
    """Return a model's answers to the test texts, its strength tuned on the validation texts."""
    words = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True)
    x, tried = words.fit_transform([text for text, _ in train]), []
    for c in (3, 30):
        model = LogisticRegression(C=c, max_iter=200).fit(x, [intent for _, intent in train])
        right = model.predict(words.transform([e[0] for e in validation])) == [e[1] for e in validation]
        tried.append((right.mean(), model))
    model = max(tried, key=lambda each: each[0])[1]
    return model.predict(words.transform([e[0] for e in test])) == np.array([e[1] for e in test])


def rewriter(groups):
    """Return the function (text, rng) that rewords with these groups."""
    return lambda text, rng: paraphrase(text, groups, rng)


def compare(each):
    """Return, by kind of training data, whether each test sentence is answered rightly, and the families."""
    right, tested = defaultdict(list), []
    for seed in range(SPLITS):
        sides = split_families(seed)
        train, validation, test = (draw(side, n, seed) for side, n in zip(sides, (each, 8, 12), strict=True))
        plain, held_out = [e[:2] for e in train], [e[0] for e in (*validation, *test)]
        groups = alternatives(sides[0])
        for name, known, copies in (("without", [], 0), ("with", groups, 6), ("merged", merged(groups), 6)):
            grown = augment(plain, rewriter(known), copies, held_out, random.Random(seed))
            right[name].append(answers_of(grown, validation, test))
        tested += [e[2] for e in test]
    return right, tested


def mean_of(values):
    """Return the statistic that bootstrap wants: the mean of the values at some places."""
    return lambda places: float(values[places].mean())


began, curves, gains = time.process_time(), defaultdict(list), {}
for each in SIZES:
    right, tested = compare(each)
    for name, parts in right.items():
        curves[name].append(np.mean([part.mean() for part in parts]))
        better = np.concatenate(parts).astype(float) - np.concatenate(right["without"])
        gains[name, each] = metrics.bootstrap(mean_of(better), len(better), groups=tested)
        shown = f"   − without: {gains[name, each]}" if name != "without" else ""
        print(f"{each:3} {name:8} {curves[name][-1]:.3f}{shown}")
print(lab.say("cpu", seconds=time.process_time() - began))
lab.reveal("gain_at_4", gains["with", 4].value)
plt.figure(figsize=(6, 3))
for name, scores in curves.items():
    plt.plot(SIZES, scores, marker="o", label=lab.say(f"augment_{name}"))
plt.xscale("log", base=2)
plt.xticks(SIZES, SIZES)
plt.xlabel(lab.say("examples"))
plt.ylabel(lab.say("accuracy"))
plt.legend()
plt.show()
# %% [markdown] together
# %% together
rows = [{"": name, "macro-F1": " ".join(f"{macro_f1(gold, each):.3f}" for each in found),
         lab.say("mean"): f"{np.mean([macro_f1(gold, each) for each in found]):.3f}",
         "− given": str(gain(name, "given")), "− linear probe": str(gain(name, "linear probe"))}
        for name, found in answers.items()]
display(pd.DataFrame(rows).set_index(""))
# %% [markdown] transfer
# %% transfer graded=transfer
# >>>
#| # Your code. At the end, review-head/ holds head.safetensors and runs.json.
reviews = three_sides("vader-reviews")
review_runs = []
for lr in (0.0003, 0.001):
    for name, value in (("l2", 0.3), ("decay", 30.0), ("p", 0.9)):
        review_runs += try_out(reviews, f"lr {lr:g} {name} {value:g}", "reviews", lr=lr, **{name: value})
setting = select(review_runs, slack=0.01)
row = next(row for row in review_runs if row["setting"] == setting)
folder = Path("review-head")
folder.mkdir(exist_ok=True)
save_file(row["head"], folder / "head.safetensors")
kept = [{name: run[name] for name in ("setting", "seed", "validation", "epochs")} for run in review_runs]
story = {"runs": kept, "chosen": setting, "seed": row["seed"]}
(folder / "runs.json").write_text(json.dumps(story, indent=1))
print(setting, round(row["validation"], 3))
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
lab.answer("decay", ...)
lab.answer("eval", ...)
lab.answer("curse", ...)
lab.answer("synonym", ...)
# %% [markdown] further
