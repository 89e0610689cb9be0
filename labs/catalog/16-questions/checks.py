"""What makes each step right. Every check draws its inputs anew and stores no answers."""

import gzip
import json
import random
import re
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from practicum_labs import data, metrics
from practicum_labs.checking.probe import Probe, Wrong
from practicum_labs.registry import entry

NEEDS = {
    "reading": ("sklearn.feature_extraction.text",),
    "transfer": ("transformers", "safetensors.torch", "sklearn.feature_extraction.text"),
}
CLOSE = {"rtol": 1e-4, "atol": 1e-5}
WORDS = ("red", "pond", "king", "ship", "显", "示", "图", "标", "clear", "two")
SLACK = 0.06
LONGEST = 60
Pair = tuple[float, float]


def token_f1(probe: Probe, candidate: Any) -> None:
    """Twice the shared tokens over all tokens, for the answer that fits best."""
    rng = probe.rng
    cases = [
        (["red", "red", "pond"], [["red", "king"]]),
        (["king", "ship"], [["two"], ["king", "ship", "two"], ["pond"]]),
        (["显", "示"], [["图", "标"]]),
    ]
    for _ in range(30):
        accepted = [rng.choices(WORDS, k=rng.randint(1, 5)) for _ in range(rng.randint(1, 3))]
        cases.append((rng.choices(WORDS, k=rng.randint(1, 6)), accepted))
    got = [probe.number(probe.call(candidate, list(said), [list(one) for one in accepted]))
           for said, accepted in cases]
    want = [max(_f1(said, one) for one in accepted) for said, accepted in cases]
    wrong = [n for n in range(len(cases)) if abs(got[n] - want[n]) > 1e-6]
    if not wrong:
        return
    said, accepted = cases[wrong[0]]
    facts = {"said": " ".join(said), "accepted": " | ".join(map(" ".join, accepted)),
             "got": got[wrong[0]], "want": want[wrong[0]]}
    for failure, mistake in F1_MISTAKES.items():
        same = all(abs(one - mistake(*case)) < 1e-6 for one, case in zip(got, cases, strict=True))
        probe.expect(not same, failure, **facts)
    raise Wrong("value", **facts)


def _shared(said: list[str], wanted: list[str]) -> int:
    return sum((Counter(said) & Counter(wanted)).values())


def _f1(said: list[str], wanted: list[str]) -> float:
    return 2 * _shared(said, wanted) / (len(said) + len(wanted))


F1_MISTAKES: dict[str, Any] = {
    "recall": lambda said, accepted: max(_shared(said, one) / len(one) for one in accepted),
    "precision": lambda said, accepted: max(_shared(said, one) / len(said) for one in accepted),
    "first": lambda said, accepted: _f1(said, accepted[0]),
    "last": lambda said, accepted: _f1(said, accepted[-1]),
    "repeats": lambda said, accepted: max(_f1(list(set(said)), list(set(one))) for one in accepted),
}


def bm25(probe: Probe, candidate: Any) -> None:
    """Rarity times a count that saturates, sooner in a long passage."""
    rng = probe.rng
    torch.manual_seed(probe.seed)
    counts = torch.poisson(torch.full((rng.randint(6, 9), rng.randint(10, 14)), 0.9))
    counts[:, 0] = torch.arange(1.0, len(counts) + 1)  # lengths differ, and one term is everywhere
    k1, b = rng.choice([0.8, 1.2, 1.7]), rng.choice([0.3, 0.55, 0.75])
    got = probe.tensor(probe.call(candidate, counts.clone(), k1, b), shape=tuple(counts.shape), dtype=counts.dtype)
    want, rarity = _bm25(counts, k1, b)
    if torch.allclose(got, want, **CLOSE):
        return
    length = counts.sum(dim=1, keepdim=True)
    long = 1 - b + b * length / length.mean()
    probe.expect(not torch.allclose(got, rarity * counts, **CLOSE), "no_saturation")
    probe.expect(not torch.allclose(got, _bm25(counts, k1, 0.0)[0], **CLOSE), "length")
    probe.expect(not torch.allclose(got, want / rarity.clamp(min=1e-9), **CLOSE), "rarity")
    probe.expect(not torch.allclose(got, want / (k1 + 1), **CLOSE), "scale", k1=k1)
    turned = 1 - b + b * length.mean() / length
    wrong = rarity * counts * (k1 + 1) / (counts + k1 * turned)
    probe.expect(not torch.allclose(got, wrong, **CLOSE), "turned")
    swapped = rarity * counts * (k1 + 1) / (counts + long)
    probe.expect(not torch.allclose(got, swapped, **CLOSE), "k1")
    raise Wrong("value")


def _bm25(counts: torch.Tensor, k1: float, b: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the weights and the rarity of each term."""
    containing = (counts > 0).sum(dim=0)
    rarity = torch.log(1 + (len(counts) - containing + 0.5) / (containing + 0.5))
    length = counts.sum(dim=1, keepdim=True)
    long = 1 - b + b * length / length.mean()
    return rarity * counts * (k1 + 1) / (counts + k1 * long), rarity


def ranks(probe: Probe, candidate: Any) -> None:
    """One more than the wrong passages that score at least as high as the best right one."""
    torch.manual_seed(probe.seed)
    questions, passages = probe.rng.randint(5, 8), probe.rng.randint(12, 18)
    scores = torch.randn(questions, passages)
    right = torch.zeros(questions, passages, dtype=torch.bool)
    for row in right:
        row[torch.randperm(passages)[:3]] = True
    scores[0] = 0.0  # a question that shares no word with any passage
    scores[1] = scores[1].abs()
    scores[1][right[1]] = -scores[1][right[1]] - 1
    scores[2][right[2]] = 9.0  # all the right ones tie with one another
    got = probe.tensor(probe.call(candidate, scores.clone(), right.clone()), shape=(questions,))
    probe.expect(not got.is_floating_point(), "whole")
    best = scores.masked_fill(~right, -1e9).max(dim=1, keepdim=True).values
    want = 1 + ((scores >= best) & ~right).sum(dim=1)
    if torch.equal(got.long(), want):
        return
    worst = scores.masked_fill(~right, 1e9).min(dim=1, keepdim=True).values
    kind = {
        "from_zero": want - 1,
        "ties": 1 + (scores > best).sum(dim=1),
        "itself": 1 + (scores >= best).sum(dim=1),
        "equals": (scores >= best).sum(dim=1),
        "worst": 1 + ((scores >= worst) & ~right).sum(dim=1),
    }
    for failure, wrong in kind.items():
        probe.expect(not torch.equal(got.long(), wrong), failure, passages=passages)
    raise Wrong("value", got=got.tolist(), want=want.tolist())


def info_nce(probe: Probe, candidate: Any) -> None:
    """Mean cross-entropy of cosine over temperature; extra answers are wrong for all."""
    torch.manual_seed(probe.seed)
    rng = probe.rng
    batch, extra, width = rng.randint(4, 7), rng.randint(2, 4), rng.randint(8, 12)
    temperature = rng.choice([0.2, 0.3, 0.5])
    questions = (3 * torch.randn(batch, width)).requires_grad_()
    answers = 2 * torch.randn(batch + extra, width)
    got = probe.tensor(probe.call(candidate, questions, answers, temperature), shape=(), dtype=torch.float32)
    cosine = (F.normalize(questions, dim=1) @ F.normalize(answers, dim=1).T).detach()
    own = torch.arange(batch)
    want = F.cross_entropy(cosine / temperature, own)
    if not torch.allclose(got, want, **CLOSE):
        raw = (questions @ answers.T).detach()
        square = cosine[:, :batch]
        kind = {
            "sum": want * batch,
            "no_temperature": F.cross_entropy(cosine, own),
            "multiplied": F.cross_entropy(cosine * temperature, own),
            "length": F.cross_entropy(raw / temperature, own),
            "extra": F.cross_entropy(square / temperature, own),
            "columns": F.cross_entropy(square.T / temperature, own),
            "softmax": F.cross_entropy(F.softmax(cosine / temperature, dim=1), own),
        }
        for failure, wrong in kind.items():
            probe.expect(not torch.allclose(got, wrong, **CLOSE), failure)
        raise Wrong("value", got=float(got), want=float(want))
    probe.expect(got.requires_grad, "detached")


def mine(probe: Probe, candidate: Any) -> None:
    """The k most similar others that are below the ceiling, the hardest first."""
    torch.manual_seed(probe.seed)
    pairs, k, ceiling = probe.rng.randint(14, 18), probe.rng.randint(2, 4), 0.8
    vectors = F.normalize(torch.randn(pairs, 4), dim=1)
    vectors[1], vectors[3] = vectors[0], vectors[2]  # the same answer twice
    similarity = (vectors @ vectors.T).clamp(-1, 1)
    similarity[4, 5] = similarity[5, 4] = ceiling
    similarity.fill_diagonal_(1.0)
    for top in (ceiling, 2.0):
        got = probe.tensor(probe.call(candidate, similarity.clone(), k, top), shape=(pairs, k))
        probe.expect(not got.is_floating_point(), "numbers")
        probe.expect(bool((got >= 0).all() and (got < pairs).all()), "numbers")
        found = similarity.gather(1, got.long())
        own = torch.arange(pairs).unsqueeze(1)
        probe.expect(not bool((got == own).any()), "itself")
        probe.expect(not bool((found > top).any()), "ceiling", ceiling=top)
        probe.expect(not bool((found == top).any()), "strict", ceiling=top)
        allowed = similarity.masked_fill((similarity >= top) | torch.eye(pairs, dtype=torch.bool), -9)
        want = allowed.topk(k, dim=1).values
        if not torch.allclose(found, want, **CLOSE):
            easy = allowed.masked_fill(allowed == -9, 9).topk(k, dim=1, largest=False).values
            probe.expect(not torch.allclose(found.sort(dim=1).values, easy, **CLOSE), "easiest")
            probe.expect(not torch.allclose(found.sort(dim=1, descending=True).values, want, **CLOSE), "order")
            raise Wrong("hardest")


def side(group: str) -> str:
    """Return which side a story or a component is on, as the notebook has it."""
    number = zlib.crc32(group.encode()) % 100
    return "test" if number < 30 else "validation" if number < 45 else "train"


def _tokens(text: str) -> list[str]:
    text = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", text)
    found = re.findall(r"[\u4e00-\u9fff]|[^\W_\u4e00-\u9fff]+", text.lower())
    return [token for token in found if token not in {"a", "an", "the"}]


def _judge(said: str, accepted: list[str]) -> Pair:
    """Return exact match and F1."""
    ours, theirs = _tokens(said), [_tokens(text) for text in accepted]
    best = max(_f1(ours, one) if ours or one else 1.0 for one in theirs)
    return float(ours in theirs), best


def _json(probe: Probe, path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        content = None
    probe.expect(isinstance(content, dict), "not_json")
    return dict(content)


def _gain(ours: list[float], theirs: list[float], groups: list[str]) -> metrics.Interval:
    difference = np.array(ours) - np.array(theirs)
    return metrics.bootstrap(lambda rows: float(difference[rows].mean()), len(difference), groups=groups)


def _repaired(text: str) -> str:
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _lexical(questions: list[str], passages: list[str], k1: float, b: float) -> torch.Tensor:
    from sklearn.feature_extraction.text import CountVectorizer

    words = CountVectorizer(token_pattern=r"[^\W_\u4e00-\u9fff]+").fit(passages)
    counts = torch.tensor(words.transform(passages).toarray(), dtype=torch.float32)
    present = torch.tensor(words.transform(questions).toarray() > 0, dtype=torch.float32)
    return present @ _bm25(counts, k1, b)[0].T


def reading(probe: Probe, path: Path) -> None:
    """Answers to the test stories' questions: stretches of their text, better than a sentence."""
    answers = _json(probe, path)
    lines = (data.path("narrativeqa", folder=probe.data) / "test.jsonl").read_text("utf-8").splitlines()
    asked = [item for item in map(json.loads, lines) if side(item["passage"]) == "test"]
    missing = [item["question"] for item in asked if _repaired(item["question"]) not in answers]
    probe.expect(not missing, "missing", missing=len(missing), of=len(asked))
    stories = {item["passage"]: _repaired(item["passage"]) for item in asked}
    text = " ".join(" ".join(stories.values()).split())
    asked = probe.rng.sample(asked, 450)
    said = [str(answers[_repaired(item["question"])]) for item in asked]
    foreign = [one for one in said if " ".join(one.split()) not in text]
    probe.expect(not foreign, "not_a_span", example=foreign[0][:60] if foreign else "")
    probe.expect(max(map(len, said)) <= LONGEST, "too_long", most=LONGEST)
    found = [_judge(one, item["answer"]) for one, item in zip(said, asked, strict=True)]
    groups = [item["passage"] for item in asked]
    em, f1 = np.mean(found, axis=0)
    baseline = _best_sentences(asked, list(stories.values()))
    gain = _gain([one[1] for one in found], [one[1] for one in baseline], groups)
    exact = _gain([one[0] for one in found], [one[0] for one in baseline], groups)
    facts = {"em": em, "f1": f1, "gain": gain.value, "low": gain.low}
    for metric, one in (("F1", gain), ("EM", exact)):
        probe.expect(one.above_zero, "gate", metric=metric, em=em, f1=f1, gain=one.value, low=one.low)
    for name, value in facts.items():
        probe.measure(name, float(value))


def _best_sentences(asked: list[dict[str, Any]], stories: list[str]) -> list[Pair]:
    """Return how the best retrieved sentence does, with the k1 and b that suit these questions best."""
    sentences = [part for story in stories for part in re.split(r"(?<=[.!?])\s+", story) if len(part.split()) > 2]
    questions = [_repaired(item["question"]) for item in asked]
    tried = []
    for k1, b in ((0.6, 0.3), (1.2, 0.6), (2.0, 0.9)):
        best = _lexical(questions, sentences, k1, b).argmax(dim=1)
        tried.append([_judge(sentences[n], item["answer"]) for n, item in zip(best, asked, strict=True)])
    return max(tried, key=lambda one: sum(f1 for _, f1 in one))


def _clean(text: str) -> str:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text or "")
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>|`", " ", text)).strip()


def _design_tokens(place: Path) -> list[tuple[str, str, str]]:
    """Return (component, English, Chinese) of every design token."""
    content = gzip.decompress((data.path("antd-manual", folder=place) / "v6.6.5.json.gz").read_bytes())
    rows = [(page["name"], _clean(t["description"]), _clean(t.get("descriptionZh")))
            for page in json.loads(content)["components"] for t in page.get("tokens", [])]
    chinese = re.compile(r"[\u4e00-\u9fff]")
    return [row for row in rows if len(row[1].split()) > 1 and chinese.search(row[2]) and not chinese.search(row[1])]


def transfer(probe: Probe, folder: Path) -> None:
    """A Chinese tower: English questions about components it has not seen find Chinese answers."""
    weight, scores = _tower(probe, folder)
    rows = _design_tokens(probe.data)
    replies = sorted({row[2] for row in rows})
    held = [row for row in rows if side(row[0]) == "test"]
    questions = sorted({row[1] for row in held})
    questions = probe.rng.sample(questions, int(0.9 * len(questions)))
    accepted = [[row[2] for row in held if row[1] == text] for text in questions]
    groups = [next(row[0] for row in held if row[1] == text) for text in questions]
    encode = _minilm(probe.data)
    asked, chinese = encode(questions), F.normalize(_features(replies) @ weight.T, dim=1)
    ours = _across(asked @ chinese.T, replies, accepted)
    probe.expect(len(set((asked @ chinese.T).argmax(dim=1).tolist())) > 3, "constant")
    for name, other in (("MiniLM", asked @ encode(replies).T), ("BM25", _lexical(questions, replies, 1.2, 0.6))):
        theirs = _across(other, replies, accepted)
        for metric in ("em", "f1", "recall"):
            gain = _gain(ours[metric], theirs[metric], groups)
            probe.expect(gain.above_zero, "gate", metric=metric, baseline=name, score=float(np.mean(ours[metric])),
                         gain=gain.value, low=gain.low)
            probe.measure(f"{metric}_gain", gain.value)
    for name in ("em", "f1"):
        mean = float(np.mean(ours[name]))
        probe.expect(abs(scores[name] - mean) <= SLACK, "scores_differ", metric=name, written=scores[name], score=mean)
        probe.measure(name, mean)
    rng = probe.rng
    typed = encode([_mistyped(text, rng) for text in questions])
    probe.measure("mistyped", float(np.mean(_across(typed @ chinese.T, replies, accepted)["f1"])))


def _tower(probe: Probe, folder: Path) -> tuple[torch.Tensor, dict[str, float]]:
    from safetensors.torch import load_file

    missing = [name for name in ("tower.safetensors", "scores.json") if not (folder / name).is_file()]
    probe.expect(not missing, "layout", names=", ".join(missing))
    try:
        weight = load_file(folder / "tower.safetensors").get("weight")
    except Exception as error:
        raise Wrong("layout", names="tower.safetensors") from error
    shape = "-" if weight is None else tuple(weight.shape)
    probe.expect(shape == (384, 4096), "tower_shape", got=str(shape))
    scores = _json(probe, folder / "scores.json")
    fine = all(isinstance(scores.get(name), int | float) for name in ("em", "f1", "base_em", "base_f1"))
    probe.expect(fine, "no_scores")
    return weight.float(), {name: float(value) for name, value in scores.items() if isinstance(value, int | float)}


def _features(texts: list[str]) -> torch.Tensor:
    from sklearn.feature_extraction.text import HashingVectorizer

    letters = HashingVectorizer(analyzer="char", ngram_range=(1, 3), n_features=4096, alternate_sign=False)
    return torch.tensor(letters.transform(texts).toarray(), dtype=torch.float32)


def _minilm(place: Path) -> Any:
    """Return a function from texts to MiniLM's vectors."""
    from transformers import AutoModel, AutoTokenizer, logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    path = place / entry("minilm").folder
    tokenizer = AutoTokenizer.from_pretrained(path)
    encoder = AutoModel.from_pretrained(path, add_pooling_layer=False).eval()

    def encode(texts: list[str]) -> torch.Tensor:
        vectors = torch.empty(len(texts), encoder.config.hidden_size)
        order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
        with torch.no_grad():
            for start in range(0, len(order), 64):
                part = order[start : start + 64]
                batch = tokenizer([texts[n] for n in part], padding=True, truncation=True, max_length=48,
                                  return_tensors="pt")
                mask = batch["attention_mask"].unsqueeze(-1)
                hidden = encoder(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
                vectors[part] = F.normalize((hidden * mask).sum(dim=1) / mask.sum(dim=1), dim=1)
        return vectors

    return encode


def _across(scores: torch.Tensor, replies: list[str], accepted: list[list[str]]) -> dict[str, list[float]]:
    """Return exact match, F1 and recall@10 of each question."""
    judged = [_judge(replies[n], one) for n, one in zip(scores.argmax(dim=1), accepted, strict=True)]
    right = torch.tensor([[reply in one for reply in replies] for one in accepted])
    best = scores.masked_fill(~right, float("-inf")).max(dim=1, keepdim=True).values
    rank = 1 + ((scores >= best) & ~right).sum(dim=1)
    return {"em": [em for em, _ in judged], "f1": [f1 for _, f1 in judged], "recall": (rank <= 10).float().tolist()}


def _mistyped(text: str, rng: random.Random) -> str:
    """Swap two neighbouring letters in one word out of four."""
    words = text.split(" ")
    for n, word in enumerate(words):
        if len(word) > 3 and rng.random() < 0.25:
            i = rng.randrange(len(word) - 1)
            words[n] = word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    return " ".join(words)
