"""What makes each step right. Every check draws its inputs anew and stores no answers."""

import itertools
import json
import math
import random
import runpy
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from practicum_labs import data, metrics
from practicum_labs.checking.probe import Probe, Wrong

NEEDS = {"bleu": ("sacrebleu.metrics",), "transfer": ("sacrebleu.metrics", "safetensors.torch")}
CLOSE = {"rtol": 1e-4, "atol": 1e-5}
GATE = 20.0
FEWEST = 100
LEAKED = 0.2
RECALLS = 0.9
SLACK = 8.0
TASKS = (
    ("spam or not", "label", False),
    ("the mood of a review", "label", False),
    ("find names of people", "label per token", False),
    ("the kind of each word", "label per token", False),
    ("search by meaning", "vector", False),
    ("find duplicates of a ticket", "vector", False),
    ("go on with a story", "text", True),
    ("complete code while one types", "text", True),
    ("translate a manual", "text", False),
    ("summarize a report", "text", False),
    ("correct the grammar of a sentence", "text", False),
)


def choose_architecture(probe: Probe, candidate: Any) -> None:
    """Each task gets the architecture made for it; an unfit one is refused with its reason."""
    for name, gives, continues in probe.rng.sample(TASKS, len(TASKS)):
        task = {"name": name, "gives": gives, "continues": continues}
        right = "encoder" if gives != "text" else "decoder" if continues else "encoder-decoder"
        got = probe.call(candidate, dict(task))
        known = got in ("encoder", "decoder", "encoder-decoder")
        probe.expect(known, "not_a_name", got=str(got)[:60])
        short = got.replace("encoder-decoder", "both")
        wanted = {"encoder": "no_text", "decoder": "continues", "encoder-decoder": "another_text"}
        probe.expect(got == right, f"{wanted[right]}_{short}", task=name, gives=gives)


def _ids(probe: Probe, batch: int, longest: int) -> tuple[torch.Tensor, list[int]]:
    """Return rows of numbers, one full, one of two tokens, filled up with 0, and their lengths."""
    rng = probe.rng
    lengths = [longest, 2, *(rng.randint(3, longest - 1) for _ in range(batch - 2))]
    rows = [[rng.randint(1, 30) for _ in range(n)] + [0] * (longest - n) for n in lengths]
    return torch.tensor(rows), lengths


def _two(probe: Probe, got: Any) -> tuple[Any, Any]:
    fine = isinstance(got, tuple | list) and len(got) == 2
    probe.expect(fine, "pair", got=type(got).__name__)
    return got[0], got[1]


def masks(probe: Probe, candidate: Any) -> None:
    """The source without its padding; the target without padding and future."""
    batch = probe.rng.randint(3, 5)
    source, _ = _ids(probe, batch, probe.rng.randint(6, 9))
    target, _ = _ids(probe, batch, probe.rng.randint(10, 12))
    length = target.shape[1]
    past = torch.ones(length, length, dtype=torch.bool).tril()
    real = (target != 0).unsqueeze(1)
    ours, theirs = (source != 0).unsqueeze(1), real & past
    got = _two(probe, probe.call(candidate, source.clone(), target.clone()))
    first = probe.tensor(got[0], shape=(batch, 1, source.shape[1]), dtype=torch.bool)
    second = probe.tensor(got[1], shape=(batch, length, length), dtype=torch.bool)
    probe.expect(not torch.equal(first, ~ours), "inverted")
    probe.expect(not first.all(), "source_padding")
    probe.expect(torch.equal(first, ours), "source")
    if not torch.equal(second, theirs):
        probe.expect(not torch.equal(second, ~theirs), "inverted")
        probe.expect(not torch.equal(second, real.expand_as(second)), "future")
        probe.expect(not torch.equal(second, past.expand_as(second)), "padding")
        probe.expect(not torch.equal(second, theirs.transpose(1, 2)), "transposed")
        probe.expect(not torch.equal(second, real & past.tril(-1)), "not_itself")
        probe.expect(second.any(dim=2).all(), "empty_row")
        raise Wrong("target")


def shift(probe: Probe, candidate: Any) -> None:
    """What is wanted at each place is the token after the one that was given."""
    batch, longest = probe.rng.randint(3, 5), probe.rng.randint(6, 9)
    target, lengths = _ids(probe, batch, longest)
    for row, length in enumerate(lengths):
        target[row, 0], target[row, length - 1] = 2, 3
    given, wanted = _two(probe, probe.call(candidate, target.clone()))
    shape = (batch, longest - 1)
    given, wanted = (probe.tensor(t, shape=shape, dtype=torch.long) for t in (given, wanted))
    early, late = target[:, :-1], target[:, 1:]
    real = late != 0
    probe.expect(not (torch.equal(given, late) and torch.equal(wanted, early)), "swapped")
    probe.expect(not torch.equal(given, wanted), "sees_answer")
    probe.expect(torch.equal(wanted, late), "wanted")
    probe.expect(torch.equal(given[real], early[real]), "given")


def smoothed_loss(probe: Probe, candidate: Any) -> None:
    """The cross-entropy with label smoothing, mean over real tokens alone."""
    torch.manual_seed(probe.seed)
    batch, longest, vocabulary = probe.rng.randint(3, 5), probe.rng.randint(6, 9), 11
    wanted, _ = _ids(probe, batch, longest)
    wanted = wanted % vocabulary + (wanted % vocabulary == 0) * (wanted != 0)
    logits = (2 * torch.randn(batch, longest, vocabulary)).requires_grad_()
    smoothing = probe.rng.choice([0.1, 0.2, 0.3])
    log_p, real = logits.log_softmax(-1), wanted != 0
    right = log_p.gather(-1, wanted.unsqueeze(-1)).squeeze(-1)
    others = (log_p.sum(-1) - right) / (vocabulary - 1)
    each = -(1 - smoothing) * right - smoothing * log_p.mean(-1)
    twice = log_p.exp().flatten(0, 1), wanted.flatten()
    got = probe.call(candidate, logits, wanted.clone(), smoothing)
    got = probe.tensor(got, shape=())
    mistakes = {
        "padding": each.mean(),
        "padding_smoothed": -(1 - smoothing) * right[real].mean() - smoothing * log_p.mean(),
        "divisor": each[real].sum() / wanted.numel(),
        "sum": each[real].sum(),
        "by_text": ((each * real).sum(1) / real.sum(1)).mean(),
        "unsmoothed": -right[real].mean(),
        "others": (-(1 - smoothing) * right - smoothing * others)[real].mean(),
        "softmax": F.cross_entropy(*twice, ignore_index=0, label_smoothing=smoothing),
    }
    if not torch.allclose(got, each[real].mean(), **CLOSE):
        for failure, value in mistakes.items():
            probe.expect(not torch.allclose(got, value, **CLOSE), failure)
        raise Wrong("value", got=float(got), want=float(each[real].mean()))
    probe.expect(got.requires_grad, "detached")


PARTS = {
    "zh": (("戴头巾的", "微笑的", "拄盲杖的", "坐轮椅的"), ("女人", "男人", "猫", "老人"),
           ("：较深肤色", "：中等肤色", "在冲浪", "")),
    "en": (("A smiling ", "The tired ", "One small "), ("cat, ", "firefighter, ", "elf, "),
           ("facing right.", "with hearts!", "in a steamy room.")),
}  # fmt: skip


def _fixture(rng: random.Random, language: str) -> tuple[list[str], list[str]]:
    """Return texts and references that agree in some of their parts."""
    said, wanted = [], []
    for _ in range(12):
        text = [rng.choice(part) for part in PARTS[language]]
        other = [part if rng.random() < 0.7 else rng.choice(PARTS[language][n])
                 for n, part in enumerate(text)]
        said.append("".join(text[: 2 + (rng.random() < 0.7)]))
        wanted.append("".join(other))
    return said, wanted


def bleu(probe: Probe, candidate: Any) -> None:
    """SacreBLEU's corpus score with the tokenizer of the language, and its signature."""
    from sacrebleu.metrics import BLEU

    for n, language in enumerate(("zh", "en", "de")):
        said, wanted = _fixture(random.Random(probe.seed + n), "zh" if language == "zh" else "en")  # noqa: S311
        scorer = BLEU(tokenize="zh" if language == "zh" else "13a")
        want = scorer.corpus_score(said, [wanted]).score
        got, signature = _two(probe, probe.call(candidate, list(said), list(wanted), language))
        got = probe.number(got)
        if abs(got - want) > 1e-6:
            _not_bleu(probe, got, said, wanted, language)
            raise Wrong("value", got=got, want=want, language=language)
        probe.expect(isinstance(signature, str) and "|tok:" in signature, "signature",
                     got=str(signature)[:80])
        probe.expect(signature == str(scorer.get_signature()), "other_signature", got=signature)


def _not_bleu(probe: Probe, got: float, said: list[str], wanted: list[str], language: str) -> None:
    from sacrebleu.metrics import BLEU

    def score(tokenize: str, a: list[str] = said, b: list[str] = wanted, **options: Any) -> float:
        return float(BLEU(tokenize=tokenize, **options).corpus_score(a, [b]).score)

    right, wrong = ("zh", ("none", "13a")) if language == "zh" else ("13a", ("zh", "char"))
    failure = "spaces" if language == "zh" else "characters"
    probe.expect(all(abs(got - score(name)) > 1e-6 for name in wrong), failure, got=got)
    for effective in (True, False):
        each = [score(right, [a], [b], effective_order=effective)
                for a, b in zip(said, wanted, strict=True)]  # fmt: skip
        probe.expect(abs(got - sum(each) / len(each)) > 1e-6, "mean")
    probe.expect(abs(got - score(right, wanted, said)) > 1e-6, "swapped")
    sets = BLEU(tokenize=right).corpus_score(said, [[text] for text in wanted]).score
    probe.expect(abs(got - sets) > 1e-6, "references", count=len(wanted))
    probe.expect(abs(100 * got - score(right)) > 1e-3, "scale")


def concept(probe: Probe, candidate: Any) -> None:
    """Variants share a key; different emoji do not."""
    rng = probe.rng
    hands = rng.sample(["1F44B", "1F44D", "1F44F", "1F91A", "1F91E", "1F932"], 2)
    sports, tools = rng.sample(["26F9", "1F3C4", "1F6B4", "1F9D7"], 2), rng.sample(
        ["1F52C", "1F692", "1F3A4", "1F373", "1F9B0"], 3)  # fmt: skip
    tone, other = rng.sample(["1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF"], 2)

    def key(code: str) -> str:
        return repr(probe.call(candidate, code))

    def same(failure: str, *codes: str) -> None:
        keys = [key(code) for code in codes]
        for code, found in zip(codes, keys, strict=True):
            probe.expect(found == keys[0], failure, one=codes[0], other=code)

    for hand in hands:
        same("tone", hand, f"{hand}-{tone}", f"{hand}-{other}")
    same("joiner", "2764", "2764-FE0F")
    for sport in sports:
        same("gender", sport, f"{sport}-200D-2640-FE0F", f"{sport}-{tone}-200D-2642-FE0F")
    for tool in tools:
        same("person", *(f"{who}-200D-{tool}" for who in ("1F9D1", "1F468", "1F469")))
    same("tone", f"1F469-200D-{tools[0]}", f"1F9D1-{other}-200D-{tools[0]}")
    different = [*hands, *sports, *(f"1F469-200D-{tool}" for tool in tools), "1F9D1", "2764",
                 f"1F9D1-{tone}-200D-1F384", "1F469-200D-1F467"]  # fmt: skip
    for one, two in itertools.combinations(different, 2):
        probe.expect(key(one) != key(two), "lumps", one=one, other=two)


class _Toy:
    """A model of 4 tokens whose logits depend on the whole text so far, drawn anew each time."""

    def __init__(self, rng: random.Random, start: int, end: int) -> None:
        self.seed, self.start, self.end = rng.random(), start, end
        self.scripts: dict[tuple[int, ...], list[float]] = {}

    def __call__(self, texts: list[list[int]]) -> torch.Tensor:
        return torch.tensor([self.row(tuple(int(t) for t in text[1:])) for text in texts])

    def row(self, text: tuple[int, ...]) -> list[float]:
        drawn = random.Random(f"{self.seed} {text}")  # noqa: S311
        return self.scripts.get(text, [drawn.gauss(0, 1.5) + 1 for _ in range(4)])

    def texts(self, most: int) -> dict[tuple[int, ...], tuple[float, float, int]]:
        """Return every text with its log probability, its sum of logits, and its tokens in all."""
        found, live = {}, {(): (0.0, 0.0)}
        for step in range(1, most + 1):
            grown = {}
            for text, (total, raw) in live.items():
                row = self.row(text)
                log_p = torch.tensor(row).log_softmax(0).tolist()
                for token in range(4):
                    new = (total + log_p[token], raw + row[token])
                    if token == self.end:
                        found[text] = (*new, step)
                    else:
                        grown[(*text, token)] = new
            live = grown
        return found | {text: (*scores, most) for text, scores in live.items()}


def beam_search(probe: Probe, candidate: Any) -> None:
    """One beam is greedy, a narrow one finds its way round, a wide one finds the best of all."""
    rng = probe.rng
    toys = []
    for _ in range(24):
        start, end = rng.sample(range(4), 2)
        toys.append(_Toy(rng, start, end))
    for toy in toys:
        greedy: list[int] = []
        while len(greedy) < 4 and (token := _top(toy, greedy)) != toy.end:
            greedy.append(token)
        probe.expect(_said(probe, candidate, toy, 1, 4, 1.0) == tuple(greedy), "greedy")
    _garden_path(probe, candidate)
    found = []
    for n, toy in enumerate(toys):
        alpha, most = (1.0, 2.0, 0.0)[n % 3], 3 + n % 2
        said = _said(probe, candidate, toy, 400, most, alpha)
        found.append((said, toy.texts(most), alpha, most))
    _best(probe, found)


def _said(probe: Probe, candidate: Any, toy: _Toy, beams: int, most: int, alpha: float) -> tuple[int, ...]:
    got = probe.call(candidate, toy, toy.start, toy.end, beams, most, alpha)
    probe.expect(isinstance(got, list | tuple), "not_a_list", got=type(got).__name__)
    said = tuple(int(token) for token in got)
    probe.expect(toy.end not in said, "marks")
    probe.expect(len(said) <= most, "too_long", got=len(said), most=most)
    return said


def _top(toy: _Toy, said: list[int]) -> int:
    row = toy.row(tuple(said))
    return row.index(max(row))


def _best(probe: Probe, found: list[tuple[tuple[int, ...], dict[Any, Any], float, int]]) -> None:
    """Compare with the best of all texts; name a mistake when it explains every answer."""

    def explains(score: Callable[..., float], unfinished: bool = True) -> bool:
        for said, texts, alpha, most in found:
            allowed = [text for text in texts if unfinished or len(text) < most]
            if said != max(allowed, key=lambda text: score(*texts[text], alpha)):
                return False
        return True

    def mean(p: float, _raw: float, n: int, alpha: float) -> float:
        return p / n**alpha

    if explains(mean):
        return
    probe.expect(not explains(lambda p, _raw, _n, _alpha: p), "no_length", alpha=found[0][2])
    probe.expect(not explains(lambda p, _raw, n, alpha: p * n**alpha), "multiplied")
    probe.expect(not explains(lambda _p, raw, n, alpha: raw / n**alpha), "logits")
    probe.expect(not explains(mean, unfinished=False), "unfinished")
    for said, texts, alpha, _ in found:
        want = max(texts, key=lambda text: mean(*texts[text], alpha))
        got = texts.get(said, (float("nan"),))[0]
        probe.expect(said == want, "not_best", alpha=alpha, got=got, want=texts[want][0])


def _garden_path(probe: Probe, candidate: Any) -> None:
    """The likeliest first token leads nowhere; a beam of two keeps the other one."""
    start, end = probe.rng.sample(range(4), 2)
    good, bad = probe.rng.sample([t for t in range(4) if t != end], 2)
    toy = _Toy(probe.rng, start, end)
    first, sure = [-9.0] * 4, [-9.0] * 4
    first[bad], first[good] = math.log(0.55), math.log(0.45)
    sure[end] = 9.0
    toy.scripts = {(): first, (good,): sure, (bad,): [0.0] * 4}
    got = _said(probe, candidate, toy, 2, 2, 1.0)
    probe.expect(got == (good,), "narrow")


def transfer(probe: Probe, folder: Path) -> None:
    """A translator that passes the gate on concepts that were held out, honest about itself."""
    translate, held, scores = _opened(probe, folder)
    rows = _rows(probe, held)
    right = [row[2] for row in rows]
    said = probe.call(translate, [row[1] for row in rows])
    fine = isinstance(said, list) and len(said) == len(right) and all(isinstance(s, str) for s in said)
    probe.expect(fine, "not_texts", got=str(said)[:80], want=len(right))
    probe.expect(len(set(said)) > len(right) / 10, "constant", text=said[0])
    score, whole = (_bleu(rows, said, chosen) for chosen in (_few(probe, rows), range(len(rows))))
    labels = {label.lower() for label in _labels(probe)["en"].values()}
    recalled = sum(text in labels for text in said) / len(said)
    share = sum(a == b for a, b in zip(said, right, strict=True)) / len(right)
    probe.expect(share < LEAKED, "leaked", percent=100 * share)
    probe.expect(recalled < RECALLS, "recalls", percent=100 * recalled)
    probe.expect(score.value >= GATE, "below_gate", score=score.value, gate=GATE)
    probe.expect("|tok:13a|" in str(scores.get("signature")), "signature")
    written = scores.get("bleu")
    probe.expect(isinstance(written, int | float), "no_bleu")
    near = min(abs(written - found.value) for found in (score, whole))
    probe.expect(near <= SLACK, "scores_differ", written=written, score=score.value)
    probe.measure("bleu", score.value)
    probe.measure("low", score.interval.low)
    probe.measure("high", score.interval.high)
    probe.measure("exact", 100 * share)


def _opened(probe: Probe, folder: Path) -> tuple[Any, set[str], dict[str, Any]]:
    """Return (translate, concepts that were held out, scores) from a folder that is laid out."""
    names = ("translator.py", "model.safetensors", "vocabulary.json", "held_out.json", "scores.json")
    missing = [name for name in names if not (folder / name).is_file()]
    probe.expect(not missing, "layout", names=", ".join(missing))
    pickles = [p.name for p in folder.rglob("*") if p.suffix in {".bin", ".pt", ".pth", ".pkl"}]
    probe.expect(not pickles, "pickle", names=", ".join(pickles))
    try:
        held = {_concept(code) for code in json.loads((folder / "held_out.json").read_text("utf-8"))}
        scores = json.loads((folder / "scores.json").read_text("utf-8"))
        translate = runpy.run_path(str(folder / "translator.py"))["load_translator"](folder)
    except Exception as error:
        raise Wrong("does_not_load", error=f"{type(error).__name__}: {error}"[:200]) from error
    return translate, held, dict(scores)


def _concept(code: str) -> tuple[str, ...]:
    ignored = {"1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF", "2640", "2642", "200D", "FE0F"}
    points = (point for point in code.split("-") if point not in ignored)
    return tuple("1F9D1" if point in {"1F468", "1F469"} else point for point in points)


def _labels(probe: Probe) -> dict[str, dict[str, str]]:
    """Return the label of each code, in Chinese and in English."""
    place, labels = data.path("emojibase", folder=probe.data), {}
    for language in ("zh", "en"):
        items = json.loads((place / language / "compact.json").read_text("utf-8"))
        labels[language] = {e["hexcode"]: e["label"] for i in items for e in (i, *i.get("skins", ()))}
    return labels


def _rows(probe: Probe, held: set[Any]) -> list[tuple[Any, str, str]]:
    """Return (concept, Chinese, English) of every variant of the concepts held out."""
    labels, rows = _labels(probe), []
    for code, label in sorted(labels["en"].items()):
        left_out = {"1F3FC", "1F3FD", "1F3FE"} & set(code.split("-")) or code.count("1F3F") > 1
        known = not left_out and not label.startswith(("flag:", "regional"))
        if known and _concept(code) in held:
            chinese = labels["zh"][code].replace(": ", "：")
            rows.append((_concept(code), chinese, label.lower()))
    concepts = {row[0] for row in rows}
    probe.expect(len(concepts) >= FEWEST, "too_few", got=len(concepts), want=FEWEST)
    return rows


def _few(probe: Probe, rows: list[tuple[Any, str, str]]) -> list[int]:
    """Return numbers of rows, at most three of each concept, so that no large one decides."""
    variants = defaultdict(list)
    for n, row in enumerate(rows):
        variants[row[0]].append(n)
    return [n for some in variants.values() for n in probe.rng.sample(some, min(3, len(some)))]


def _bleu(rows: list[tuple[Any, str, str]], said: list[str], chosen: Iterable[int]) -> metrics.Bleu:
    chosen = list(chosen)
    return metrics.bleu(
        [said[n] for n in chosen],
        [rows[n][2] for n in chosen],
        language="en",
        groups=[rows[n][0] for n in chosen],
    )
