# %% [markdown] intro
# %% setup
import gzip
import json
import random
import re
import zlib
from collections import Counter, namedtuple
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from safetensors.torch import save_file
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.linear_model import Ridge
from torch.nn import functional as F
from transformers import AutoModel, AutoTokenizer, logging

from practicum_labs import data, metrics, models, track
from practicum_labs.lab import open_lab
from practicum_labs.tier import use_threads

lab = open_lab("questions", language="en")
lab.style()
logging.set_verbosity_error()
logging.disable_progress_bar()
pd.set_option("display.max_colwidth", 90)

SEEDS = (0, 1, 2)
print(lab.say("ready", tier=lab.tier.name, threads=use_threads(), torch=torch.__version__))
# %% [markdown] stories
# %% stories
Asked = namedtuple("Asked", "question accepted story")


def repaired(text):
    """Return text that was read in the wrong encoding as it was meant."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def side(group):
    """Return which side a story or a component is on; nothing of it is on another."""
    number = zlib.crc32(group.encode()) % 100
    return "test" if number < 30 else "validation" if number < 45 else "train"


asked = {"train": [], "validation": [], "test": []}
sentences = {"train": [], "validation": [], "test": []}
for line in (data.path("narrativeqa") / "test.jsonl").read_text("utf-8").splitlines():
    item = json.loads(line)
    story = item["passage"]
    if all(one.story != story for one in asked[side(story)]):
        parts = re.split(r"(?<=[.!?])\s+", repaired(story))
        sentences[side(story)] += [part for part in parts if len(part.split()) > 2]
    asked[side(story)].append(Asked(repaired(item["question"]), item["answer"], story))
for name, most in (("train", 600), ("validation", 300), ("test", 2000)):
    random.Random(0).shuffle(asked[name])
    asked[name] = asked[name][: lab.tier.examples(most)]
    print(f"{name}: {len(asked[name])} / {len({one.story for one in asked[name]})} / {len(sentences[name])}")
display(pd.DataFrame([(one.question, " | ".join(one.accepted)) for one in asked["train"][:6]],
                     columns=[lab.say("question"), lab.say("accepted")]))
# %% [markdown] token_f1
# %% tokens
def answer_tokens(text):
    """Return what counts in an answer: each Chinese character; words without case or articles."""
    text = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", text)  # allowClear is two words
    found = re.findall(r"[\u4e00-\u9fff]|[^\W_\u4e00-\u9fff]+", text.lower())
    return [token for token in found if token not in {"a", "an", "the"}]


print(answer_tokens("The old Macintosh"), answer_tokens("是否显示 allowClear"))
# %% token_f1 graded=token_f1
def token_f1(said, accepted):
    """Return the F1 of the tokens of an answer, against the accepted answer it fits best.

    said: a list of tokens   accepted: lists of tokens, one for each accepted answer
    """
    best = 0.0
    for wanted in accepted:
        # >>>
        shared = sum((Counter(said) & Counter(wanted)).values())
        if shared:
            best = max(best, 2 * shared / (len(said) + len(wanted)))
        # <<<
    return best
# %% token_f1-check
lab.check("token_f1", token_f1)
# %% [markdown] solution token_f1-reading
# %% judge
def judge(said, accepted):
    """Return (exact match, F1) of one answer in words."""
    said = answer_tokens(said)
    accepted = [answer_tokens(text) for text in accepted]
    return float(said in accepted), token_f1(said, accepted)


def mean_of(values, groups):
    """Return the mean with its interval; what belongs together is drawn together."""
    values = np.asarray(values, dtype=float)
    return metrics.bootstrap(lambda rows: float(values[rows].mean()), len(values), groups=groups)
# %% [markdown] bm25
# %% bm25 graded=bm25
def bm25(counts, k1, b):
    """Return the BM25 weight of each term in each passage.

    counts: (passages, terms), how often the term occurs, floating point
    Returns (passages, terms); a question's score is the sum over its terms.
    """
    passages, length = counts.shape[0], counts.sum(dim=1, keepdim=True)
    containing = (counts > 0).sum(dim=0)
    rarity = torch.log(1 + (passages - containing + 0.5) / (containing + 0.5))
    # >>>
    long = 1 - b + b * length / length.mean()
    return rarity * counts * (k1 + 1) / (counts + k1 * long)
    # <<<
# %% bm25-check
lab.check("bm25", bm25)
# %% [markdown] solution bm25-reading
# %% lexical
WORD = r"[^\W_\u4e00-\u9fff]+"  # words in Latin letters; Chinese has no spaces to split at


def lexical(questions, passages, k1, b):
    """Return BM25 scores (questions, passages) over the words they share."""
    words = CountVectorizer(token_pattern=WORD).fit(passages)
    counts = torch.tensor(words.transform(passages).toarray(), dtype=torch.float32)
    present = torch.tensor(words.transform(questions).toarray() > 0, dtype=torch.float32)
    return present @ bm25(counts, k1, b).T


def best_sentence(name, k1, b):
    """Return the highest-scoring sentence for each question of a side."""
    scores = lexical([one.question for one in asked[name]], sentences[name], k1, b)
    return [sentences[name][n] for n in scores.argmax(dim=1)]


def reading_scores(name, answers):
    """Return arrays of exact match and F1 of the answers to a side's questions."""
    return np.array([judge(said, one.accepted) for said, one in zip(answers, asked[name], strict=True)]).T


grid = {(k1, b): reading_scores("validation", best_sentence("validation", k1, b))[1].mean()
        for k1 in (0.6, 1.2, 2.0) for b in (0.3, 0.6, 0.9)}
K1, B = max(grid, key=grid.get)
whole = reading_scores("test", best_sentence("test", K1, B))
story_of = [one.story for one in asked["test"]]
print(f"k1={K1} b={B}  " + lab.say("whole_sentence", em=mean_of(whole[0], story_of), f1=mean_of(whole[1], story_of)))
# %% [markdown] reader
# %% reader
SMALL = set("a an the of in to and is was were are be by for on at with that this his her their its it he "
            "she they him them as from who what where when why how which does do did has had have".split())
ASKING = ("who", "what", "where", "when", "why", "how", "which")


def bare(word):
    """Return a word without punctuation, in lower case."""
    return re.sub(r"[^\w']", "", word).lower()


def spans(words, longest=5):
    """Return (start, end) of the stretches that could be an answer: none crosses punctuation."""
    found = []
    for start in range(len(words)):
        for end in range(start + 1, min(len(words), start + longest) + 1):
            if words[end - 1] and bare(words[end - 1]) not in SMALL:
                found.append((start, end))
            if words[end - 1][-1:] in ",.;:!?)":
                break
    return found


def traits(question, words, start, end, rank):
    """Return what can be seen of a stretch of a sentence, given the question."""
    asked_words = {bare(word) for word in question.split()}
    kind = next((word for word in ASKING if word in asked_words), "what")
    inside = [bare(word) for word in words[start:end]]
    before = bare(words[start - 1]) if start else ""
    anchors = [abs(n - (start + end) / 2) for n, word in enumerate(words)
               if bare(word) in asked_words - SMALL]
    seen = {
        "capital": all(word[:1].isupper() for word in words[start:end]),
        "digit": any(letter.isdigit() for word in inside for letter in word),
        "article": inside[0] in {"a", "an", "the"},
        "small first": inside[0] in SMALL,
        "after place": before in {"in", "at", "on", "from", "to", "into"},
        "after by": before == "by",
        "after is": before in {"is", "was", "as"},
        "to": inside[0] == "to",
        "last": words[end - 1][-1:] in ".,;",
        f"length {end - start}": True,
    }
    found = {f"{kind}: {name}": 1.0 for name, true in seen.items() if true}
    found |= {name: 1.0 for name, true in seen.items() if true}
    found["in question"] = sum(word in asked_words for word in inside) / len(inside)
    found["distance"] = min([*anchors, 10]) / 10
    found["rank"] = float(rank)
    return found


def candidates(name, depth=2):
    """Return for each question of a side its stretches, as a list of (text, traits)."""
    scores = lexical([one.question for one in asked[name]], sentences[name], K1, B)
    rows = []
    for one, best in zip(asked[name], scores.topk(depth, dim=1).indices.tolist(), strict=True):
        found = []
        for rank, n in enumerate(best):
            words = sentences[name][n].split()
            found += [(" ".join(words[start:end]), traits(one.question, words, start, end, rank))
                      for start, end in spans(words)]
        rows.append(found or [("", {})])
    return rows
# %% [markdown] predict_reading
# %% predict_reading
lab.predict("reader_f1", ..., ...)
lab.predict("reader_em", ..., ...)
# %% [markdown] reading
# %% reading graded=reading
learning, trying = candidates("train"), candidates("test")
table = DictVectorizer()
seen = table.fit_transform([found for row in learning for _, found in row])
# >>>
#| # Your code: the F1 of each stretch in `learning`, a Ridge fitted to foretell it from `seen`,
#| # and answers: for each row of `trying` the text of the stretch it rates highest.
#| raise NotImplementedError("reading, blank 1")
worth = [judge(text, one.accepted)[1] for one, row in zip(asked["train"], learning, strict=True) for text, _ in row]
reader = Ridge(alpha=3.0).fit(seen, worth)
rated = reader.predict(table.transform([found for row in trying for _, found in row]))
ends = np.cumsum([len(row) for row in trying])[:-1]
answers = [row[int(part.argmax())][0] for row, part in zip(trying, np.split(rated, ends), strict=True)]
# <<<
kept = {one.question: said for one, said in zip(asked["test"], answers, strict=True)}
with Path("answers.json").open("w") as file:
    json.dump(kept, file, ensure_ascii=False, indent=1)
# %% reading-check
lab.check("reading", "answers.json")
# %% read_scores
read = reading_scores("test", answers)
ceiling = np.mean([max(judge(text, one.accepted)[1] for text, _ in row) for one, row in zip(asked["test"], trying, strict=True)])
print(lab.say("reader", em=mean_of(read[0], story_of), f1=mean_of(read[1], story_of)))
print(lab.say("reader_gain", em=mean_of(read[0] - whole[0], story_of), f1=mean_of(read[1] - whole[1], story_of)))
print(lab.say("reader_ceiling", f1=f"{ceiling:.3f}"))
lab.reveal("reader_f1", read[1].mean())
lab.reveal("reader_em", read[0].mean())
shown = [(one.question, said, " | ".join(one.accepted)) for one, said in zip(asked["test"], answers, strict=True)]
display(pd.DataFrame(shown[:8], columns=[lab.say("question"), lab.say("said"), lab.say("accepted")]))
# %% [markdown] solution reading-reading
# %% [markdown] manual
# %% manual
Row = namedtuple("Row", "component kind name english chinese")


def clean(text):
    """Return a text of the manual without links, tags and code marks."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text or "")
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>|`", " ", text)).strip()


def read_manual():
    """Return the rows of the manual that have a text in both languages."""
    pages = json.loads(gzip.decompress((data.path("antd-manual") / "v6.6.5.json.gz").read_bytes()))["components"]
    rows = []
    for page in pages:
        for table in (page.get("props", []), *page.get("subComponentProps", {}).values()):
            rows += [(page["name"], "property", p["name"], p["description"], p.get("descriptionZh")) for p in table]
        for demo in page.get("demos", []):
            rows.append((page["name"], "example", "", demo["title"], demo.get("titleZh")))
            rows.append((page["name"], "example", "", demo["description"], demo.get("descriptionZh")))
        rows += [(page["name"], "token", t["name"], t["description"], t.get("descriptionZh")) for t in page.get("tokens", [])]
    rows = [Row(*row[:3], clean(row[3]), clean(row[4])) for row in rows]
    chinese = re.compile(r"[\u4e00-\u9fff]")
    return [row for row in rows if len(row.english.split()) > 1
            and chinese.search(row.chinese) and not chinese.search(row.english)]


def same(text):
    """Return a text as it is compared: letters only."""
    return re.sub(r"\W+", "", text.lower())


def apart(rows):
    """Return the training rows: of other components, and no text that is asked for elsewhere."""
    held = {same(text) for row in rows if side(row.component) != "train" for text in (row.english, row.chinese)}
    return [row for row in rows if side(row.component) == "train"
            and same(row.english) not in held and same(row.chinese) not in held]


manual = read_manual()
manual = random.Random(0).sample(manual, min(len(manual), lab.tier.examples(5000)))
described = [row for row in manual if row.kind != "token"]  # the tokens wait for the last task
pairs = apart(described)
print({name: sum(side(row.component) == name for row in described) for name in ("train", "validation", "test")}, len(pairs))
display(pd.DataFrame([row for row in pairs if row.kind == "property"][:6]))
# %% [markdown] ranks
# %% ranks graded=ranks
def ranks(scores, right):
    """Return the rank of each question's best right passage; 1 is the first place.

    scores: (questions, passages), floating point
    right:  (questions, passages), True where the passage answers the question
    A wrong passage with the same score stands before it. Returns (questions,), integers.
    """
    # >>>
    best = scores.masked_fill(~right, float("-inf")).max(dim=1, keepdim=True).values
    return 1 + ((scores >= best) & ~right).sum(dim=1)
    # <<<
# %% ranks-check
lab.check("ranks", ranks)
# %% [markdown] solution ranks-reading
# %% [markdown] search
# %% search
Task = namedtuple("Task", "questions right accepted groups")
properties = [row for row in manual if row.kind == "property"]
pool = sorted({row.english for row in properties})
place = {text: n for n, text in enumerate(pool)}
named = [Counter() for _ in pool]
for row in properties:
    named[place[row.english]][row.name] += 1
answer_of = [names.most_common(1)[0][0] for names in named]


def make_task(name):
    """Return the Chinese questions of a side: each asks which property does what it says."""
    rows = [row for row in properties if side(row.component) == name]
    questions = sorted({row.chinese for row in rows})
    right = torch.zeros(len(questions), len(pool), dtype=torch.bool)
    accepted, groups = [], []
    for n, question in enumerate(questions):
        fits = [row for row in rows if row.chinese == question]
        right[n, [place[row.english] for row in fits]] = True
        accepted.append(sorted({row.name for row in fits}))
        groups.append(fits[0].component)
    return Task(questions, right, accepted, groups)


def measure(scores, task):
    """Return for each question: found among ten, reciprocal rank, exact match, F1."""
    found = ranks(scores, task.right).float()
    judged = [judge(answer_of[n], accepted) for n, accepted in zip(scores.argmax(dim=1), task.accepted, strict=True)]
    return {"recall@10": (found <= 10).numpy(), "MRR": (1 / found).numpy(),
            "EM": np.array([em for em, _ in judged]), "F1": np.array([f1 for _, f1 in judged])}


tokenizer = AutoTokenizer.from_pretrained(models.path("minilm"))
encoder = AutoModel.from_pretrained(models.path("minilm"), add_pooling_layer=False).eval()


known = {}


def embed(texts):
    """Return MiniLM's vector of each text, of length 1; each text is computed once."""
    new = sorted({text for text in texts if text not in known}, key=len)
    with torch.no_grad():
        for start in range(0, len(new), 64):
            part = new[start : start + 64]
            batch = tokenizer(part, padding=True, truncation=True, max_length=48, return_tensors="pt")
            mask = batch["attention_mask"].unsqueeze(-1)
            hidden = encoder(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
            known.update(zip(part, F.normalize((hidden * mask).sum(dim=1) / mask.sum(dim=1), dim=1), strict=True))
    return torch.stack([known[text] for text in texts])


passages = embed(pool)
validation, test = make_task("validation"), make_task("test")
grid = {(k1, b): measure(lexical(validation.questions, pool, k1, b), validation)["MRR"].mean()
        for k1 in (0.6, 1.2, 2.0) for b in (0.3, 0.6, 0.9)}
found = {"BM25": measure(lexical(test.questions, pool, *max(grid, key=grid.get)), test),
         "MiniLM": measure(embed(test.questions) @ passages.T, test)}
print(tokenizer.tokenize("自定义清除按钮"))
for name, scores in found.items():
    print(f"{name:8}", {key: str(mean_of(values, test.groups)) for key, values in scores.items()})
# %% [markdown] info_nce
# %% info_nce graded=info_nce
def info_nce(questions, answers, temperature):
    """Return the InfoNCE loss: each question has to pick its answer among all of them.

    questions: (batch, width)   answers: (n, width) with n >= batch
    Answer i belongs to question i; every other row is a wrong answer to it.
    Compares by cosine. Returns one number, the mean over the questions.
    """
    # >>>
    cosine = F.normalize(questions, dim=1) @ F.normalize(answers, dim=1).T
    return F.cross_entropy(cosine / temperature, torch.arange(len(questions), device=questions.device))
    # <<<
# %% info_nce-check
lab.check("info_nce", info_nce)
# %% [markdown] solution info_nce-reading
# %% [markdown] tower
# %% tower
letters = HashingVectorizer(analyzer="char", ngram_range=(1, 3), n_features=4096, alternate_sign=False)


def features(texts):
    """Return the characters, pairs and triples of each text as a row of length 1."""
    return torch.tensor(letters.transform(texts).toarray(), dtype=torch.float32)


def in_batch(chinese, english, numbers, temperature):
    """The loss of a batch whose other answers are the wrong ones."""
    return info_nce(chinese, english[numbers], temperature)


def last_loss(run):
    """Return the mean loss of a run's last ten steps."""
    return float(np.mean([value for _, value in run.history("loss")[-10:]]))


def train_tower(name, chinese, english, loss, *, seed, temperature=0.1, epochs=8, size=128, lr=1e-2):
    """Teach a linear map from Chinese characters to MiniLM's space; return its weight."""
    torch.manual_seed(seed)
    weight = torch.nn.Parameter(0.05 * torch.randn(english.shape[1], chinese.shape[1]))
    optimizer = torch.optim.Adam([weight], lr=lr)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, epochs * max(1, len(chinese) // size))
    config = {"temperature": temperature, "epochs": epochs, "batch": size, "lr": lr, "seed": seed, "pairs": len(chinese)}
    with track.init(lab="questions", name=f"{name}, seed {seed}", config=config) as run:
        step = 0
        for _ in range(epochs):
            for numbers in torch.randperm(len(chinese)).split(size)[: max(1, len(chinese) // size)]:
                made = F.dropout(chinese[numbers], 0.2) @ weight.T
                value = loss(made, english, numbers, temperature)
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
                schedule.step()
                step += 1
                run.log({"loss": value.item()}, step=step)
        run.finish({"loss": last_loss(run)})
    return weight.detach(), run


def tower_scores(weight, task):
    """Return the cosine of each Chinese question with each English passage."""
    return F.normalize(features(task.questions) @ weight.T, dim=1) @ passages.T


chinese, english = features([row.chinese for row in pairs]), embed([row.english for row in pairs])
for temperature in (0.02, 0.1, 0.5):
    weight, run = train_tower(f"temperature {temperature}", chinese, english, in_batch, seed=0, temperature=temperature)
    mrr = measure(tower_scores(weight, validation), validation)["MRR"].mean()
    print(lab.say("temperature", temperature=temperature, loss=last_loss(run), mrr=mrr))
# %% [markdown] failure
# %% failure
alike = english @ english.T
nearest = alike.clone().fill_diagonal_(-1).argmax(dim=1)


def one_against(wrong):
    """A colleague's loss: the right answer against one wrong answer of its own, and no more."""

    def loss(chinese, english, numbers, temperature):
        two = torch.stack([english[numbers], english[wrong[numbers]]], dim=1)  # (batch, 2, width)
        cosine = (F.normalize(chinese, dim=1).unsqueeze(1) * two).sum(dim=2)
        return F.cross_entropy(cosine / temperature, torch.zeros(len(numbers), dtype=torch.long))

    return loss


towers, curves = {}, {}


def try_out(name, loss):
    """Train with three seeds; keep how each does on the test questions."""
    towers[name] = []
    for seed in SEEDS:
        weight, curves[name] = train_tower(name, chinese, english, loss, seed=seed)
        towers[name].append(measure(tower_scores(weight, test), test))
    print(f"{name:22}", lab.say("loss_and", loss=last_loss(curves[name])),
          [f"{one['recall@10'].mean():.3f}" for one in towers[name]])
    return weight


for name, loss in (("in batch", in_batch), ("nearest only", one_against(nearest))):
    try_out(name, loss)
# %% [markdown] diagnose
# %% diagnose
closeness = alike.gather(1, nearest.unsqueeze(1)).squeeze(1)
print(lab.say("copies", copies=float((closeness > 0.99).float().mean()), close=float((closeness > 0.8).float().mean())))
order = closeness.argsort(descending=True)[:: max(1, len(pairs) // 8)]
display(pd.DataFrame([(f"{closeness[n]:.2f}", pairs[n].english, pairs[nearest[n]].english) for n in order.tolist()],
                     columns=[lab.say("cosine"), lab.say("right"), lab.say("wrong")]))
# %% [markdown] mine
# %% mine graded=mine
def mine(similarity, k, ceiling):
    """Return k hard wrong answers for each pair: the most similar ones below the ceiling.

    similarity: (pairs, pairs), how alike the right answers are; the diagonal is a pair itself
    What is at the ceiling or above may be right as well: it is no wrong answer.
    Returns (pairs, k), the numbers of the wrong answers, the hardest first.
    """
    # >>>
    allowed = similarity.masked_fill(similarity >= ceiling, float("-inf"))
    allowed = allowed.masked_fill(torch.eye(len(similarity), dtype=torch.bool), float("-inf"))
    return allowed.topk(k, dim=1).indices
    # <<<
# %% mine-check
lab.check("mine", mine)
# %% [markdown] solution mine-reading
# %% [markdown] predict_tower
# %% predict_tower
lab.predict("recall_gain", ..., ...)
lab.predict("tower_em", ..., ...)
# %% mended
hard = mine(alike, 2, 0.8)


def with_hard(chinese, english, numbers, temperature):
    """The loss of a batch with mined wrong answers beside those of the batch."""
    return info_nce(chinese, torch.cat([english[numbers], english[hard[numbers].flatten()]]), temperature)


BEST = "in batch + hard"
for name, loss in (("nearest below 0.8 only", one_against(mine(alike, 1, 0.8).squeeze(1))), (BEST, with_hard)):
    tower = try_out(name, loss)
linear = Ridge(alpha=0.1).fit(chinese.numpy(), english.numpy())
found["least squares"] = measure(tower_scores(torch.tensor(linear.coef_).float(), test), test)
for name, runs in towers.items():
    found[name] = {key: np.mean([one[key] for one in runs], axis=0) for key in runs[0]}
display(pd.DataFrame([{"": name, **{key: str(mean_of(values, test.groups)) for key, values in scores.items()}}
                      for name, scores in found.items()]).set_index(""))
gains = {}
for other in ("BM25", "MiniLM", "nearest only", "in batch", "least squares"):
    gains[other] = mean_of(found[BEST]["recall@10"] - found[other]["recall@10"], test.groups)
    print(lab.say("gain", other=other, recall=gains[other], em=mean_of(found[BEST]["EM"] - found[other]["EM"], test.groups)))
lab.reveal("recall_gain", gains["BM25"].value)
lab.reveal("tower_em", found[BEST]["EM"].mean())
with track.init(lab="questions", name="retrieval", config={"questions": len(test.questions)}) as run:
    final = {"recall_at_10": found[BEST]["recall@10"].mean(), "mrr": found[BEST]["MRR"].mean(),
             "exact_match": found[BEST]["EM"].mean(), "recall_gain_bm25": gains["BM25"].value, "reader_f1": read[1].mean()}
    run.finish({name: float(value) for name, value in final.items()})
# %% curves
figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.2))
for name, run in curves.items():
    left.plot(*zip(*run.history("loss"), strict=True), label=name)
left.set(xlabel=lab.say("step"), ylabel=lab.say("loss"), title=lab.say("training"))
left.legend()
compared = ("BM25", "MiniLM", *towers)
for n, name in enumerate(compared):
    interval = mean_of(found[name]["recall@10"], test.groups)
    right.plot([interval.low, interval.high], [n, n], color="grey")
    right.plot(interval.value, n, "o")
right.set(yticks=range(len(compared)), yticklabels=compared, xlabel="recall@10", title=lab.say("retrieval"))
figure.tight_layout()
plt.show()
# %% [markdown] faq
# %% faq
def read_faq():
    """Return (component, question, answer, Chinese question, Chinese answer) of the real FAQ."""
    pages = json.loads(gzip.decompress((data.path("antd-manual") / "v6.6.5.json.gz").read_bytes()))["components"]
    rows = []
    for page in pages:
        both = []
        for text in (page["doc"], page["docZh"]):
            text = re.sub(r"```.*?```|<style>.*?</style>", " ", text, flags=re.DOTALL)
            parts = re.findall(r"^### ([^\n]+) \{#(faq-[\w-]+)\}$(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
            both.append({key: (clean(question), clean(answer)) for question, key, answer in parts})
        rows += [(page["name"], *both[0][key], *both[1][key]) for key in both[0].keys() & both[1].keys()]
    return sorted(rows)


faq = read_faq()[: lab.tier.examples(400)]
answers_en = [row[2] for row in faq]
itself = torch.eye(len(faq), dtype=torch.bool)
shared = lexical([row[3] for row in faq], answers_en, K1, B)
meant = F.normalize(features([row[3] for row in faq]) @ tower.T, dim=1) @ embed(answers_en).T
both = F.normalize(shared, dim=1) + F.normalize(meant, dim=1)
groups = [row[0] for row in faq]
first = {}
for name, scores in (("BM25", shared), ("tower", meant), ("BM25 + tower", both)):
    first[name] = (ranks(scores, itself) == 1).float()
    f1 = [judge(answers_en[n], [row[2]])[1] for n, row in zip(scores.argmax(dim=1), faq, strict=True)]
    print(f"{name:13} recall@1 {mean_of(first[name], groups)}  F1 {mean_of(f1, groups)}")
for other in ("BM25", "tower"):
    print(f"BM25 + tower − {other}: recall@1 {mean_of(first['BM25 + tower'] - first[other], groups)}")
display(pd.DataFrame([(row[3], row[2], answers_en[n]) for row, n in zip(faq[:60:12], both.argmax(dim=1)[:60:12], strict=True)],
                     columns=[lab.say("question"), lab.say("accepted"), lab.say("said")]))
# %% [markdown] transfer
# %% transfer graded=transfer
tokens = [row for row in manual if row.kind == "token"]
# >>>
#| # Your code. At the end, token-tower/ holds tower.safetensors and scores.json.
taught = pairs + apart(tokens)
taught_chinese, taught_english = features([row.chinese for row in taught]), embed([row.english for row in taught])
hard = mine(taught_english @ taught_english.T, 2, 0.8)
token_tower, _ = train_tower("tokens", taught_chinese, taught_english, with_hard, seed=0)
replies = sorted({row.chinese for row in tokens})
held = sorted({row.english for row in tokens if side(row.component) == "test"})
accepted = [[row.chinese for row in tokens if row.english == text and side(row.component) == "test"] for text in held]


def cross(vectors):
    """Return mean exact match and F1 of the Chinese replies nearest to the English questions."""
    chosen = (embed(held) @ vectors.T).argmax(dim=1)
    return np.mean([judge(replies[n], one) for n, one in zip(chosen, accepted, strict=True)], axis=0)


em, f1 = cross(F.normalize(features(replies) @ token_tower.T, dim=1))
base_em, base_f1 = cross(embed(replies))
folder = Path("token-tower")
folder.mkdir(exist_ok=True)
save_file({"weight": token_tower}, folder / "tower.safetensors")
scores = {"em": em, "f1": f1, "base_em": base_em, "base_f1": base_f1}
(folder / "scores.json").write_text(json.dumps({name: round(float(value), 4) for name, value in scores.items()}))
print(scores)
# <<<
# %% transfer-check
lab.check("transfer", "token-tower")
# %% [markdown] solution transfer-reading
# %% [markdown] calibration
# %% calibration
lab.calibration()
# %% [markdown] quiz
# %% quiz
lab.quiz()
# %% answers
lab.answer("tie", ...)
lab.answer("loss", ...)
lab.answer("negatives", ...)
lab.answer("f1", ...)
# %% [markdown] further
