# %% [markdown] intro
# %% setup
import hashlib
import json
import math
import random
import re
import time
from collections import Counter, defaultdict, namedtuple
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import torch
from sacrebleu.metrics import BLEU, CHRF
from safetensors.torch import load_file, save_file
from sklearn.feature_extraction.text import TfidfVectorizer
from torch import nn
from torch.nn import functional as F

from practicum_labs import data, metrics, track
from practicum_labs.checking.capture import module_of
from practicum_labs.lab import open_lab

lab = open_lab("translation", language="en")
lab.style()

SEEDS = (0, 1, 2)
PAD, UNKNOWN, START, END = 0, 1, 2, 3
device = torch.device(lab.tier.device)
torch.set_num_threads(1)  # models this small only wait for a second thread
print(lab.say("ready", tier=lab.tier.name, device=device, torch=torch.__version__))
# %% [markdown] choose_architecture
# %% choose_architecture graded=choose_architecture
def choose_architecture(task):
    """Return "encoder", "decoder" or "encoder-decoder": what fits a task best when trained for it.

    task["gives"]: "label", "label per token", "vector" or "text"
    task["continues"]: true when the text it gives goes on where its input stops,
                       false when it is another text, made from the whole input
    """
    # >>>
    if task["gives"] != "text":
        return "encoder"
    return "decoder" if task["continues"] else "encoder-decoder"
    # <<<
# %% choose_architecture-check
lab.check("choose_architecture", choose_architecture)
# %% [markdown] solution choose_architecture-reading
# %% [markdown] data
# %% data
LEFT_OUT = {"1F3FC", "1F3FD", "1F3FE"}  # of the five skin tones we keep the lightest and the darkest
Row = namedtuple("Row", "code english chinese")  # code: the emoji's code points, such as 1F44B-1F3FD


def words_of(text):
    """Return the words and marks of an English text."""
    return re.findall(r"\w+|[^\w\s]", text.lower())


def characters_of(text):
    return [character for character in text if character != " "]


def read_labels(language, folder):
    """Return code -> label of every emoji and of its variants."""
    found = {}
    for item in json.loads((folder / language / "compact.json").read_text("utf-8")):
        for each in (item, *item.get("skins", ())):
            found[each["hexcode"]] = each["label"]
    return found


def read_rows():
    """Return aligned rows, without flags: the name of a country can't be put together from others."""
    folder = data.path("emojibase")
    english, chinese = (read_labels(language, folder) for language in ("en", "zh"))
    return [
        Row(code, label.lower(), chinese[code].replace(": ", "："))
        for code, label in sorted(english.items())
        if code in chinese and not label.startswith(("flag:", "regional"))
        and not LEFT_OUT & set(code.split("-")) and code.count("1F3F") < 2
    ]


rows = read_rows()
random.Random(0).shuffle(rows)
rows = rows[: lab.tier.examples(len(rows))]
print(lab.say("rows", count=len(rows), texts=len({row.english for row in rows})))
display(pd.DataFrame(rows[:6], columns=["code", "English", "中文"]))
surfing = [row for row in rows if row.code.startswith("1F3C4")]
display(pd.DataFrame(surfing, columns=["code", "English", "中文"]))
# %% [markdown] masks
# %% masks graded=masks
def masks(source, target):
    """Return (source_mask, target_mask), true where a query may look at a key.

    source: (batch, s), target: (batch, t), numbers of tokens, filled up at the end with 0
    source_mask: (batch, 1, s), for queries of the encoder and of the decoder alike
    target_mask: (batch, t, t), row: query, column: key; neither padding nor the future
    """
    # >>>
    source_mask = (source != 0).unsqueeze(1)
    length = target.shape[1]
    past = torch.ones(length, length, dtype=torch.bool, device=target.device).tril()
    return source_mask, (target != 0).unsqueeze(1) & past
    # <<<
# %% masks-check
lab.check("masks", masks)
# %% [markdown] solution masks-reading
# %% [markdown] shift
# %% shift graded=shift
def shift(target):
    """Return (given, wanted): what the decoder reads, and what it should say at each place.

    target: (batch, t), rows such as start a b end 0 0
    Both results: (batch, t - 1)
    """
    # >>>
    return target[:, :-1], target[:, 1:]
    # <<<
# %% shift-check
lab.check("shift", shift)
# %% [markdown] solution shift-reading
# %% [markdown] smoothed_loss
# %% smoothed_loss graded=smoothed_loss
def smoothed_loss(logits, wanted, smoothing):
    """Return the mean cross-entropy over the real tokens, with label smoothing.

    logits: (batch, t, vocabulary)   wanted: (batch, t), 0 for padding
    The wanted token gets 1 - smoothing of the target distribution, and `smoothing` is spread
    evenly over the whole vocabulary (the wanted token included).
    """
    log_p = F.log_softmax(logits, dim=-1)
    # >>>
    right = log_p.gather(-1, wanted.unsqueeze(-1)).squeeze(-1)
    loss = -(1 - smoothing) * right - smoothing * log_p.mean(dim=-1)
    return loss[wanted != 0].mean()
    # <<<
# %% smoothed_loss-check
lab.check("smoothed_loss", smoothed_loss)
# %% [markdown] solution smoothed_loss-reading
# %% [markdown] bleu
# %% by-spaces
said, wanted = ["戴头巾的女人"], ["戴着头巾的女人"]
for tokenize in ("none", "13a", "zh"):
    scorer = BLEU(tokenize=tokenize)
    score = scorer.corpus_score(said, [wanted]).score
    print(f"{tokenize:5} BLEU {score:5.1f}   {scorer.get_signature()}")
# %% bleu graded=bleu
def bleu(hypotheses, references, language):
    """Return (score, signature): corpus BLEU by sacreBLEU, 0 to 100, and its signature as a str.

    hypotheses, references: lists of texts, one reference each   language: of the texts, "zh", "en", …
    """
    # >>>
    scorer = BLEU(tokenize="zh" if language == "zh" else "13a")
    score = scorer.corpus_score(hypotheses, [references]).score
    return score, str(scorer.get_signature())
    # <<<
# %% bleu-check
lab.check("bleu", bleu)
# %% [markdown] solution bleu-reading
# %% [markdown] model
# %% model
class Attention(nn.Module):
    """Multi-head attention: x asks, memory answers."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ask, self.answer = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def split(self, x, memory):
        q, k, v = self.ask(x), *self.answer(memory).chunk(2, dim=-1)
        return (z.unflatten(-1, (self.heads, -1)).transpose(1, 2) for z in (q, k, v))

    def forward(self, x, memory, mask):
        q, k, v = self.split(x, memory)
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=mask.unsqueeze(1))
        return self.out(seen.transpose(1, 2).flatten(2))

    def weights(self, x, memory, mask):
        """Return where each query looks, (batch, queries, keys), the mean over heads."""
        q, k, _ = self.split(x, memory)
        scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
        return scores.masked_fill(~mask.unsqueeze(1), float("-inf")).softmax(-1).mean(1)


class Block(nn.Module):
    """Look at yourself, in the decoder also across at the source, then feed forward."""

    def __init__(self, width, heads, dropout, *, crosses):
        super().__init__()
        self.own = Attention(width, heads)
        self.across = Attention(width, heads) if crosses else None
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.drop = nn.Dropout(dropout)

    def forward(self, x, mask, memory=None, memory_mask=None):
        y = self.norms[0](x)
        x = x + self.drop(self.own(y, y, mask))
        if self.across is not None:
            x = x + self.drop(self.across(self.norms[1](x), memory, memory_mask))
        return x + self.drop(self.feed(self.norms[2](x)))


class Translator(nn.Module):
    """An encoder that reads the whole source, a decoder that writes token by token."""

    def __init__(self, source, target, width=64, heads=4, depth=1, dropout=0.2):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(size, width) for size in (source, target))
        for table in self.tables:
            nn.init.normal_(table.weight, std=width**-0.5)
        self.places = nn.Parameter(0.1 * torch.randn(128, width))
        self.encoder = nn.ModuleList(Block(width, heads, dropout, crosses=False) for _ in range(depth))
        self.decoder = nn.ModuleList(Block(width, heads, dropout, crosses=True) for _ in range(depth))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.drop = nn.Dropout(dropout)

    def enter(self, ids, table):
        return self.drop(table(ids) * table.embedding_dim**0.5 + self.places[: ids.shape[1]])

    def encode(self, source):
        mask, _ = masks(source, source)
        x = self.enter(source, self.tables[0])
        for block in self.encoder:
            x = block(x, mask)
        return self.norms[0](x)

    def decode(self, memory, source, target):
        """Return logits for the token after each of target's, (batch, t, vocabulary)."""
        source_mask, target_mask = masks(source, target)
        x = self.enter(target, self.tables[1])
        for block in self.decoder:
            x = block(x, target_mask, memory, source_mask)
        return F.linear(self.norms[1](x), self.tables[1].weight)


def new_translator(task, source, target, seed):
    """Build what the task asks for; only one of the three architectures is in this lab."""
    chosen = choose_architecture(task)
    if chosen != "encoder-decoder":
        raise ValueError(lab.say(f"unfit_{chosen}"))
    torch.manual_seed(seed)
    return Translator(len(source), len(target)).to(device)


TRANSLATION = {"name": "translate a label", "gives": "text", "continues": False}
example = new_translator(TRANSLATION, range(1000), range(1000), seed=0)
print(lab.say("weights", count=sum(p.numel() for p in example.parameters())))
# %% [markdown] training
# %% training
Pair = namedtuple("Pair", "source target")  # both as lists of tokens


def pairs_of(rows):
    return [Pair(words_of(row.english), characters_of(row.chinese)) for row in rows]


def vocabulary_of(texts):
    """Return token -> number; 0 to 3 are padding, unknown, start and end."""
    tokens = sorted({token for text in texts for token in text})
    return {token: n for n, token in enumerate(["<pad>", "<?>", "<start>", "<end>", *tokens])}


def to_ids(texts, vocabulary):
    """Return (texts, longest), short ones filled up with padding."""
    numbers = [[vocabulary.get(token, UNKNOWN) for token in text] for text in texts]
    longest = max(map(len, numbers))
    return torch.tensor([row + [PAD] * (longest - len(row)) for row in numbers])


def batches(pairs, size, rng):
    """Yield lists of pairs, shuffled, targets of like length together."""
    order = sorted(pairs, key=lambda pair: len(pair.target) + rng.random())
    parts = [order[i : i + size] for i in range(0, len(order), size)]
    rng.shuffle(parts)
    yield from parts


def greedy(model, texts, source, target, most=24):
    """Return the translation of each text as tokens, always the most probable one next."""
    written = {number: token for token, number in target.items()}
    place = model.places.device
    said = []
    model.eval()
    with torch.inference_mode():
        for i in range(0, len(texts), 128):
            ids = to_ids(texts[i : i + 128], source).to(place)
            memory = model.encode(ids)
            out = torch.full((len(ids), 1), START, device=place)
            for _ in range(most):
                logits = model.decode(memory, ids, out)[:, -1]
                logits[:, [PAD, UNKNOWN, START]] = float("-inf")
                out = torch.cat([out, logits.argmax(-1, keepdim=True)], dim=1)
                if (out == END).any(dim=1).all():
                    break
            for row in out[:, 1:].tolist():
                said.append([written[n] for n in (row[: row.index(END)] if END in row else row)])
    return said


def train(pairs, validation, *, name, seed, join="".join, language="zh", epochs=24, size=64, lr=5e-3):
    """Train a translator from scratch; return it with both vocabularies."""
    source, target = (vocabulary_of(texts) for texts in zip(*pairs, strict=True))
    model = new_translator(TRANSLATION, source, target, seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.98), fused=True)
    steps = epochs * math.ceil(len(pairs) / size)
    schedule = torch.optim.lr_scheduler.LambdaLR(  # up over a tenth of the steps, then down
        optimizer, lambda step: min(1.0, (step + 1) / (0.1 * steps)) * (1 - step / steps)
    )
    rng, step, cpu = random.Random(seed), 0, time.process_time()
    config = {"seed": seed, "lr": lr, "epochs": epochs, "batch": size, "train": len(pairs)}
    with track.init(lab="translation", name=name, config=config) as run:
        for epoch in range(epochs):
            model.train()
            for part in batches(pairs, size, rng):
                ids = to_ids([pair.source for pair in part], source).to(device)
                given, wanted = shift(
                    to_ids([["<start>", *pair.target, "<end>"] for pair in part], target).to(device)
                )
                loss = smoothed_loss(model.decode(model.encode(ids), ids, given), wanted, 0.1)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                step += 1
                run.log({"loss": loss.item()}, step=step)
            if epoch % 6 == 5:
                said = greedy(model, [pair.source for pair in validation], source, target)
                right = [join(pair.target) for pair in validation]
                score, _ = bleu([join(tokens) for tokens in said], right, language)
                run.log({"bleu": score}, step=step)
        run.finish({"loss": loss.item(), "bleu": score, "cpu_seconds": time.process_time() - cpu})
    return model, source, target, run
# %% [markdown] colleague
# %% colleague
def random_split(rows, share, seed):
    """The colleague's: shuffle the rows and cut."""
    mixed = random.Random(seed).sample(rows, len(rows))
    cut = int(share * len(mixed))
    return mixed[cut:], mixed[:cut]


kept, held = random_split(rows, 0.15, seed=0)
suspect, *vocabularies, suspect_run = train(pairs_of(kept), pairs_of(held), name="random split", seed=0)
right = [row.chinese for row in held]
suspect_said = ["".join(t) for t in greedy(suspect, [words_of(r.english) for r in held], *vocabularies)]
suspect_bleu = metrics.bleu(suspect_said, right, language="zh")
print(lab.say("colleague", bleu=suspect_bleu, signature=suspect_bleu.signature))
display(pd.DataFrame(zip([row.english for row in held], right, suspect_said, strict=True),
                     columns=["English", lab.say("reference"), lab.say("model")])[:8])
# %% closest
known = [row.english for row in kept]
letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)).fit(known)
hits = [row for row, said in zip(held, suspect_said, strict=True) if said == row.chinese][:8] or held[:8]
nearest = (letters.transform([row.english for row in hits]) @ letters.transform(known).T).toarray().argmax(1)
display(pd.DataFrame([(row.english, row.code, known[n], kept[n].code) for row, n in zip(hits, nearest, strict=True)],
                     columns=[lab.say("hit"), "code", lab.say("closest"), "code "]))
# %% [markdown] concept
# %% concept graded=concept
def concept(code):
    """Return a key that all variants of one emoji share, and no other emoji has.

    code: code points in hexadecimal, joined by "-". A variant differs only by
      a skin tone (1F3FB to 1F3FF), a gender sign (2640 or 2642), joiners (200D and FE0F),
      or by 1F468 (man), 1F469 (woman) and 1F9D1 (person) in each other's place.
    """
    points = code.split("-")
    # >>>
    ignored = {"1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF", "2640", "2642", "200D", "FE0F"}
    points = [point for point in points if point not in ignored]
    return "-".join("1F9D1" if point in {"1F468", "1F469"} else point for point in points)
    # <<<
# %% concept-check
lab.check("concept", concept)
# %% [markdown] solution concept-reading
# %% [markdown] grouped
# %% grouped
def grouped_split(rows, share, seed):
    """Return (kept, held): whole concepts are held out, chosen by a hash of concept and seed."""
    sides = ([], [])
    for row in rows:
        digest = hashlib.sha256(f"{seed} {concept(row.code)}".encode()).digest()
        sides[int.from_bytes(digest[:4]) / 2**32 < share].append(row)
    return sides


def few_a_concept(rows, most=3):
    """Keep at most so many variants of a concept: one large family should not decide a score."""
    variants = defaultdict(list)
    for row in rows:
        variants[concept(row.code)].append(row)
    return [row for same in variants.values() for row in same[:most]]


def fold(seed):
    """Return (train, validation, test) of one seed; no concept is on two of them."""
    rest, test = grouped_split(rows, 0.15, f"test {seed}")
    kept, validation = grouped_split(rest, 0.15, f"validation {seed}")
    return kept, few_a_concept(validation), few_a_concept(test)


folds = [fold(seed) for seed in SEEDS]
for name, ours in ((lab.say("random"), (kept, held)), (lab.say("grouped"), folds[0][::2])):
    sides = [{concept(row.code) for row in side} for side in ours]
    print(lab.say("shared", name=name, shared=len(sides[0] & sides[1]), of=len(sides[1])))
# %% [markdown] predict
# %% predict
lab.predict("new_concepts", ..., ...)
# %% [markdown] baselines
# %% baselines
def memory_translator(pairs, features):
    """A translation memory: the target of the most similar source."""
    vectorizer = TfidfVectorizer(**features)
    table = vectorizer.fit_transform([" ".join(pair.source) for pair in pairs])

    def translate(sources):
        near = vectorizer.transform([" ".join(source) for source in sources]) @ table.T
        return [pairs[n].target for n in near.toarray().argmax(axis=1)]

    return translate


def runs_of(tokens, longest):
    return {tuple(tokens[i : i + n]) for n in range(1, longest + 1) for i in range(len(tokens) - n + 1)}


def count_phrases(pairs, longest=3):
    """Return source phrase -> (Dice's coefficient, length, target phrase) of what fits it best."""
    ours, theirs, together = Counter(), Counter(), defaultdict(Counter)
    for pair in pairs:
        sources, targets = runs_of(pair.source, longest), runs_of(pair.target, 6)
        ours.update(sources)
        theirs.update(targets)
        for phrase in sources:
            together[phrase].update(targets)
    return {
        phrase: max((2 * n / (ours[phrase] + theirs[run]), len(run), run) for run, n in counts.items())
        for phrase, counts in together.items()
    }


def phrase_translator(phrases, longest, least):
    """Piece by piece from left to right, the longest known phrase first; what is unknown is left out."""

    def translate(sources):
        said = []
        for source in sources:
            out, i = [], 0
            while i < len(source):
                for n in range(longest, 0, -1):
                    fit, _, target = phrases.get(tuple(source[i : i + n]), (0, 0, ()))
                    if fit >= least:
                        out += target
                        break
                i += n
            said.append(out)
        return said

    return translate


FEATURES = (
    {"ngram_range": (1, 1), "token_pattern": r"\S+"},
    {"ngram_range": (1, 2), "token_pattern": r"\S+"},
    {"analyzer": "char_wb", "ngram_range": (2, 4)},
)


def baselines(pairs, validation, join="".join, language="zh"):
    """Return both baselines, each tuned for BLEU on validation data."""
    phrases = count_phrases(pairs)
    candidates = {
        "memory": [memory_translator(pairs, features) for features in FEATURES],
        "phrases": [phrase_translator(phrases, n, least) for n in (1, 2, 3) for least in (0.1, 0.2, 0.3, 0.5)],
    }
    sources, right = [p.source for p in validation], [join(p.target) for p in validation]

    def quality(translate):
        return bleu([join(tokens) for tokens in translate(sources)], right, language)[0]

    return {name: max(some, key=quality) for name, some in candidates.items()}


simple = [baselines(pairs_of(train_rows), pairs_of(valid)) for train_rows, valid, _ in folds]
example = "woman firefighter: dark skin tone"
for name, translate in simple[0].items():
    print(f"{example} → {''.join(translate([words_of(example)])[0])}   ({lab.say(name)})")
# %% [markdown] folds
# %% folds
trained = [
    train(pairs_of(train_rows), pairs_of(valid), name=f"grouped, seed {seed}", seed=seed)
    for seed, (train_rows, valid, _) in zip(SEEDS, folds, strict=True)
]
# %% compare
answers, tested = defaultdict(list), []
for seed, (model, source, target, _), others, (_, _, test) in zip(SEEDS, trained, simple, folds, strict=True):
    sources, wanted = [words_of(row.english) for row in test], [row.chinese for row in test]
    said = {name: translate(sources) for name, translate in others.items()}
    said["model"] = greedy(model, sources, source, target)
    print(lab.say("seed", seed=seed))
    for name, every in said.items():
        texts = ["".join(tokens) for tokens in every]
        print(f"   BLEU {bleu(texts, wanted, 'zh')[0]:.1f}  {lab.say(name)}")
        answers[name] += texts
    tested += test

right = [row.chinese for row in tested]
groups = [concept(row.code) for row in tested]
exact = {name: [a == b for a, b in zip(said, right, strict=True)] for name, said in answers.items()}


def mean(values):
    """Return the mean with its interval; whole concepts are drawn."""
    return metrics.bootstrap(lambda chosen: sum(values[n] for n in chosen) / len(chosen), len(values), groups=groups)


scores = {name: metrics.bleu(said, right, language="zh", groups=groups) for name, said in answers.items()}
display(pd.DataFrame([{
    "": lab.say(name),
    "BLEU": str(scores[name]),
    "chrF": f"{CHRF().corpus_score(said, [right]).score:.1f}",
    lab.say("exact"): str(mean(exact[name])),
    lab.say("length"): f"{sum(map(len, said)) / sum(map(len, right)):.2f}",
} for name, said in answers.items()]).set_index(""))
print(scores["model"].signature)
for other in ("memory", "phrases"):
    gains = {
        "BLEU": metrics.bleu_difference(answers["model"], answers[other], right, language="zh", groups=groups),
        lab.say("exact"): mean([a - b for a, b in zip(exact["model"], exact[other], strict=True)]),
    }
    for name, gain in gains.items():
        verdict = lab.say("clear") if gain.low > 0 or gain.high < 0 else lab.say("unclear")
        print(f"{lab.say('model')} − {lab.say(other)}, {name}: {gain}  {verdict}")
lab.reveal("new_concepts", scores["model"].value)
# %% curves
figure, (left, middle) = plt.subplots(1, 2, figsize=(9, 3))
for name, run in ((lab.say("random"), suspect_run), (lab.say("grouped"), trained[0][3])):
    steps, values = zip(*run.history("loss"), strict=True)
    left.plot(steps, pd.Series(values).ewm(span=20).mean(), label=name)
    middle.plot(*zip(*run.history("bleu"), strict=True), marker="o", label=name)
left.set(xlabel=lab.say("step"), ylabel=lab.say("loss"), title=lab.say("training"))
middle.set(xlabel=lab.say("step"), ylabel="BLEU", title=lab.say("validation"), ylim=(0, 100))
middle.legend()
figure.tight_layout()
plt.show()
# %% [markdown] slices
# %% slices
heard = [
    all(word in source for word in words_of(row.english))
    for (_, source, _, _), (_, _, test) in zip(trained, folds, strict=True) for row in test
]
plain = ["：" not in row.chinese for row in tested]
slices = {"heard": heard, "unheard": [not h for h in heard], "plain": plain, "variant": [not p for p in plain]}
table = []
for name, chosen in slices.items():
    part = [n for n, inside in enumerate(chosen) if inside]
    wanted = [right[n] for n in part]
    table.append({"": lab.say(name), lab.say("labels"): len(part), **{
        lab.say(who): f"{bleu([said[n] for n in part], wanted, 'zh')[0]:.1f}" for who, said in answers.items() if part
    }})
display(pd.DataFrame(table).set_index(""))
some = [n for n, all_heard in enumerate(heard) if all_heard][:7]
some += [n for n, all_heard in enumerate(heard) if not all_heard][:7]
display(pd.DataFrame(
    [(tested[n].english, right[n], *(said[n] for said in answers.values()), "" if heard[n] else "×") for n in some],
    columns=["English", lab.say("reference"), *map(lab.say, answers), lab.say("unheard")],
))
# %% [markdown] alignment
# %% alignment
def look_across(model, source, target, text):
    """Translate one text and return (source tokens, written tokens, where the last block looked)."""
    seen = {}
    last = model.decoder[-1].across
    hook = last.register_forward_hook(lambda layer, inputs, output: seen.update(inputs=inputs))
    tokens = words_of(text)
    out = greedy(model, [tokens], source, target)[0]
    hook.remove()
    with torch.inference_mode():
        weights = last.weights(*seen["inputs"])[0].cpu()
    return tokens, [*out, "<end>"], weights[: len(out) + 1]


figure, axes = plt.subplots(1, 2, figsize=(9, 3.6))
model, source, target, _ = trained[0]
best = max((n for n in range(len(folds[0][2])) if answers["model"][n] == right[n]),
           key=lambda n: len(words_of(tested[n].english)), default=0)
worst = next((n for n in range(len(folds[0][2])) if not heard[n] and not plain[n]), 0)
for axis, n in zip(axes, (best, worst), strict=True):
    tokens, out, weights = look_across(model, source, target, tested[n].english)
    axis.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axis.set_xticks(range(len(tokens)), tokens, rotation=40, ha="right")
    axis.set_yticks(range(len(out)), out)
    axis.set_title(lab.say("wanted", text=right[n]), fontsize=10)
    axis.grid(visible=False)
figure.tight_layout()
plt.show()
# %% [markdown] beam_search
# %% beam_search graded=beam_search
def beam_search(next_logits, start, end, beams, most, alpha):
    """Return the tokens of the best text that a beam of this width finds, without start and end.

    next_logits(texts): texts is a list of token lists of one length, each beginning with `start`;
      gives logits, (texts, vocabulary), for the token that comes next
    At each step every open text is continued by every token, and the `beams` most probable stay;
    one that says `end` is finished, one that reaches `most` tokens counts as it stands.
    The best has the highest sum of log probabilities / (its tokens, `end` included) ** alpha.
    """
    live, finished = [([start], 0.0)], []
    for _ in range(most):
        # >>>
        log_p = torch.log_softmax(next_logits([tokens for tokens, _ in live]), dim=-1)
        grown = [
            ([*tokens, token], total + step)
            for (tokens, total), steps in zip(live, log_p.tolist(), strict=True)
            for token, step in enumerate(steps)
        ]
        best = sorted(grown, key=lambda item: item[1], reverse=True)[:beams]
        finished += [item for item in best if item[0][-1] == end]
        live = [item for item in best if item[0][-1] != end]
        # <<<
        if not live:
            break
    # >>>
    tokens, _ = max(finished + live, key=lambda item: item[1] / (len(item[0]) - 1) ** alpha)
    return [token for token in tokens[1:] if token != end]
    # <<<
# %% beam_search-check
lab.check("beam_search", beam_search)
# %% [markdown] solution beam_search-reading
# %% beams
def beam(model, texts, source, target, beams, alpha, most=16):
    """Return the translation of each text as tokens, by your beam search."""
    written = {number: token for token, number in target.items()}
    said = []
    model.eval()
    for text in texts:
        ids = to_ids([text], source).to(device)
        with torch.inference_mode():
            memory = model.encode(ids)

            def next_logits(prefixes):
                many = len(prefixes)
                out = torch.tensor(prefixes, device=device)
                logits = model.decode(memory.expand(many, -1, -1), ids.expand(many, -1), out)[:, -1]
                logits[:, [PAD, UNKNOWN, START]] = -1e9
                return logits.cpu()

            said.append([written[n] for n in beam_search(next_logits, START, END, beams, most, alpha)])
    return said


few = folds[0][1][:40]
wanted = [row.chinese for row in few]
for beams, alpha in ((1, 0.0), (4, 0.0), (4, 1.0), (4, 2.0)):
    said = ["".join(t) for t in beam(model, [words_of(r.english) for r in few], source, target, beams, alpha)]
    ratio = sum(map(len, said)) / sum(map(len, wanted))
    print(lab.say("beam", beams=beams, alpha=alpha, bleu=bleu(said, wanted, "zh")[0], length=ratio))
# %% [markdown] transfer
# %% reverse


def english_of(tokens):
    """Put the words of an English text together again."""
    return re.sub(r" ([:,.!?’”)])|([(“]) ", r"\1\2", " ".join(tokens)).replace("’ s", "’s").replace(" - ", "-")


def save_translator(folder, model, source, target, load, held, scores):
    """Lay a translator out: load(folder) gives a function from a list of texts to their translations."""
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    save_file(tensors, folder / "model.safetensors")
    for name, content in (("vocabulary", [source, target]), ("held_out", held), ("scores", scores)):
        (folder / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    (folder / "translator.py").write_text(module_of(load), "utf-8")


def load_translator(folder):
    """Return a function that translates a list of Chinese texts into English."""
    folder = Path(folder)
    source, target = json.loads((folder / "vocabulary.json").read_text("utf-8"))
    model = Translator(len(source), len(target))
    model.load_state_dict(load_file(folder / "model.safetensors"))

    def translate(texts):
        said = greedy(model, [characters_of(text) for text in texts], source, target)
        return [english_of(tokens) for tokens in said]

    return translate


same = sum(english_of(words_of(row.english)) == row.english for row in rows) / len(rows)
print(lab.say("round_trip", share=same))
# %% transfer graded=transfer
# >>>
#| # Your code. At the end, zh-en/ is laid out by save_translator.
train_rows, valid, test = fold(0)
turned = [
    [Pair(characters_of(row.chinese), words_of(row.english)) for row in side]
    for side in (train_rows, valid, test)
]
back, source, target, _ = train(
    turned[0], turned[1], name="zh-en", seed=0, join=english_of, language="en"
)
sources = [pair.source for pair in turned[2]]
said = [english_of(tokens) for tokens in greedy(back, sources, source, target)]
memory = baselines(turned[0], turned[1], join=english_of, language="en")["memory"]
recalled = [english_of(tokens) for tokens in memory(sources)]
right_back, groups_back = [row.english for row in test], [concept(row.code) for row in test]
back_bleu = metrics.bleu(said, right_back, language="en", groups=groups_back)
back_gain = metrics.bleu_difference(said, recalled, right_back, language="en", groups=groups_back)
print("BLEU", back_bleu, back_bleu.signature, f"\n− memory: {back_gain}")
save_translator("zh-en", back, source, target, load_translator, [row.code for row in test], {
    "bleu": back_bleu.value, "signature": back_bleu.signature,
    "memory": bleu(recalled, right_back, "en")[0],
})
# <<<
# %% transfer-check
lab.check("transfer", "zh-en")
# %% [markdown] solution transfer-reading
# %% [markdown] calibration
# %% calibration
lab.calibration()
# %% [markdown] quiz
# %% quiz
lab.quiz()
# %% answers
lab.answer("support", ...)
lab.answer("titles", ...)
lab.answer("autocomplete", ...)
lab.answer("spaces", ...)
lab.answer("leak", ...)
lab.answer("synonyms", ...)
# %% [markdown] further
