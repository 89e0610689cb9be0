"""What makes each step right. Every check draws its inputs anew and stores no answers."""

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from practicum_labs import data, metrics
from practicum_labs.checking.probe import Probe, Wrong

NEEDS = {"transfer": ("transformers", "safetensors.torch")}
CLOSE = {"rtol": 1e-4, "atol": 1e-5}
UNKNOWN, END = "□", "■"
VOCABULARY = 1500
SLACK = 0.06
Next = Callable[[list[int]], torch.Tensor]


def pack(probe: Probe, candidate: Any) -> None:
    """Each target is the token that comes next, and padding is never a target."""
    rng = probe.rng
    lengths = [2, *(rng.randint(3, 9) for _ in range(rng.randint(2, 4))), 10]
    rng.shuffle(lengths)
    rows = [[rng.randint(1, 50) for _ in range(length)] for length in lengths]
    got = probe.call(candidate, [list(row) for row in rows])
    probe.expect(isinstance(got, tuple | list) and len(got) == 2, "pair", got=type(got).__name__)
    inputs, targets = (probe.tensor(part, shape=(len(rows), 9), dtype=torch.long) for part in got)
    probe.expect(not torch.equal(inputs, targets.clamp(min=0)), "unshifted")
    real = [(n, i) for n, row in enumerate(rows) for i in range(len(row) - 1)]
    padding = [(n, i) for n in range(len(rows)) for i in range(9) if (n, i) not in set(real)]
    behind = all(targets[n, i] == rows[n][i - 1] for n, i in real if i)
    probe.expect(not behind, "backwards")
    probe.expect(all(inputs[n, i] == rows[n][i] for n, i in real), "inputs")
    probe.expect(all(targets[n, i] == rows[n][i + 1] for n, i in real), "targets")
    probe.expect(all(targets[n, i] == -100 for n, i in padding), "padding_target")
    probe.expect(all(inputs[n, i] == 0 for n, i in padding), "padding_input")


def causal_loss(probe: Probe, candidate: Any) -> None:
    """The mean over real targets, with gradients a model can learn from."""
    torch.manual_seed(probe.seed)
    poems, places, size = probe.rng.randint(3, 5), probe.rng.randint(6, 9), probe.rng.randint(7, 12)
    targets = torch.randint(0, size, (poems, places))
    for n, length in enumerate([2, places, *(probe.rng.randint(3, places - 2) for _ in range(poems - 2))]):
        targets[n, length:] = -100
    logits = torch.randn(poems, places, size) * 2
    each = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
    real = targets >= 0
    want = each[real].mean().item()
    got = probe.tensor(probe.call(candidate, logits.clone(), targets.clone()), shape=())
    probe.expect(abs(got.item() + want) > 1e-4, "sign")
    wrong = {
        "sum": each.sum(),
        "padding": each.mean(),
        "per_poem": (each.sum(dim=1) / real.sum(dim=1)).mean(),
        "shifted_twice": F.cross_entropy(logits[:, :-1].transpose(1, 2), targets[:, 1:]),
        "softmax": F.cross_entropy(logits.softmax(dim=-1).transpose(1, 2), targets),
    }
    if abs(got.item() - want) > 1e-4:
        for failure, value in wrong.items():
            probe.expect(abs(got.item() - value.item()) > 1e-4, failure)
        raise Wrong("value", got=got.item(), want=want)
    _learns(probe, candidate, size)


def _learns(probe: Probe, candidate: Any, size: int) -> None:
    """A table of logits learns by the candidate's loss which token follows which."""
    follows = torch.randperm(size)
    row = [0]
    for _ in range(30):
        row.append(int(follows[row[-1]]))
    table = nn.Embedding(size, size)
    optimizer = torch.optim.Adam(table.parameters(), lr=0.3)
    inputs, targets = torch.tensor([row[:-1]]), torch.tensor([row[1:]])
    falling = []
    for _ in range(30):
        loss = probe.call(candidate, table(inputs), targets)
        probe.expect(loss.requires_grad, "detached")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        falling.append(loss.item())
    probe.expect(falling[-1] < falling[0] / 4, "detached")
    probe.measure("first", falling[0])
    probe.measure("last", falling[-1])


def learning_rate(probe: Probe, candidate: Any) -> None:
    """Up in a line, down along the cosine, at every step."""
    rng = probe.rng
    steps, warmup = rng.randint(90, 120), rng.randint(10, 20)
    peak, least = rng.uniform(2e-3, 9e-3), rng.uniform(2e-4, 6e-4)
    got = [probe.number(probe.call(candidate, step, steps, warmup, peak, least)) for step in range(steps)]

    def curve(fall: Callable[[int], float]) -> list[float]:
        return [peak * (s + 1) / warmup if s < warmup else fall(s) for s in range(steps)]

    def cosine(done: float, floor: float = least) -> float:
        return floor + (peak - floor) * (1 + math.cos(math.pi * done)) / 2

    def same(wanted: list[float]) -> bool:
        return all(abs(a - b) < 1e-7 for a, b in zip(got, wanted, strict=True))

    if same(curve(lambda s: cosine((s - warmup) / (steps - warmup)))):
        return
    probe.expect(all(abs(got[s] - peak * (s + 1) / warmup) < 1e-7 for s in range(warmup)), "warmup")
    probe.expect(not same(curve(lambda s: cosine(s / steps))), "whole")
    probe.expect(not same(curve(lambda s: cosine((s - warmup) / (steps - warmup), 0.0))), "zero")
    probe.expect(got[-1] < got[warmup], "rises", first=got[warmup], last=got[-1])
    drops = [a - b for a, b in zip(got[warmup:], got[warmup + 1 :], strict=False)]
    probe.expect(max(drops) - min(drops) > 1e-8, "straight")
    raise Wrong("value", step=warmup, got=got[warmup], want=peak)


def perplexity(probe: Probe, candidate: Any) -> None:
    """Every token counts alike, however long its poem is."""
    torch.manual_seed(probe.seed)
    lengths = [3, 40, *(probe.rng.randint(5, 30) for _ in range(3))]
    losses = [torch.rand(length) * 4 + 3 * (length < 10) for length in lengths]
    want = torch.cat(losses).mean().exp().item()
    got = probe.number(probe.call(candidate, [each.clone() for each in losses]))
    if abs(got - want) <= 1e-3 * want:
        return
    wrong = {
        "not_exp": torch.cat(losses).mean(),
        "base": 2 ** torch.cat(losses).mean(),
        "poems": torch.stack([each.mean() for each in losses]).mean().exp(),
        "of_poems": torch.stack([each.mean().exp() for each in losses]).mean(),
        "of_tokens": torch.cat(losses).exp().mean(),
    }
    for failure, value in wrong.items():
        probe.expect(abs(got - value.item()) > 1e-3 * value.item(), failure)
    raise Wrong("value", got=got, want=want)


def _kept(logits: torch.Tensor, temperature: float, top_k: int, top_p: float) -> torch.Tensor:
    """Return the probabilities to draw from, token by token."""
    p = (logits / temperature).softmax(dim=-1).tolist()
    order = sorted(range(len(p)), key=lambda n: -p[n])[: top_k or None]
    whole, kept, share = sum(p[n] for n in order), [], 0.0
    for n in order:
        if share >= top_p:
            break
        kept.append(n)
        share += p[n] / whole
    total = sum(p[n] for n in kept)
    return torch.tensor([p[n] / total if n in kept else 0.0 for n in range(len(p))])


def next_probabilities(probe: Probe, candidate: Any) -> None:
    """The right tokens stay, at their places, and share the whole probability."""
    torch.manual_seed(probe.seed)
    size = probe.rng.randint(9, 14)
    k, temperature = probe.rng.randint(3, 5), probe.rng.choice([0.6, 1.7])
    cases = [("all", 1.0, 0, 1.0), ("all", temperature, 0, 1.0), ("top_k", 1.0, k, 1.0),
             ("first", 1.0, 0, 0.01), ("top_p", 1.0, 0, 0.8), ("both", temperature, k, 0.6)]
    for failure, *settings in cases * 10:
        logits = torch.randn(size)
        want = _kept(logits, *settings)
        got = probe.tensor(probe.call(candidate, logits.clone(), *settings), shape=(size,))
        if torch.allclose(got, want, **CLOSE):
            continue
        probe.expect(abs(got.sum().item() - 1) < 1e-3, "sum", got=got.sum().item())
        probe.expect(not torch.allclose(got.sort().values, want.sort().values, **CLOSE), "places")
        facts = {"got": int((got > 0).sum()), "want": int((want > 0).sum())}
        raise Wrong(failure, k=settings[1], p=settings[2], **facts)


def total_probability(probe: Probe, candidate: Any) -> None:
    """One sum over tokens, whatever the pipeline reports."""
    torch.manual_seed(probe.seed)
    size, length = probe.rng.randint(6, 9), probe.rng.randint(5, 8)
    table, ahead = torch.randn(size, size) * 2, torch.randn(size, size) * 2
    row = torch.randint(0, size - 1, (length,))
    place = probe.rng.randint(2, length - 2)

    def honest(rows: torch.Tensor) -> torch.Tensor:
        log_p = table[rows[:, :-1]].log_softmax(dim=-1)
        return F.pad(log_p.gather(2, rows[:, 1:, None])[..., 0], (1, 0))

    def unshifted(rows: torch.Tensor) -> torch.Tensor:
        strong = table + 5 * torch.eye(size)
        return strong[rows].log_softmax(dim=-1).gather(2, rows[:, :, None])[..., 0]

    def peeking(rows: torch.Tensor) -> torch.Tensor:
        after = torch.roll(rows, -1, dims=1)
        return (table[rows] + ahead[after]).log_softmax(dim=-1).gather(2, rows[:, :, None])[..., 0]

    for score in (honest, unshifted, peeking):
        rows = row.repeat(size, 1)
        rows[:, place] = torch.arange(size)
        told = score(rows)
        want = told[:, place].exp().sum().item()
        given = row.clone()
        got = probe.number(probe.call(candidate, score, given, place, size))
        probe.expect(torch.equal(given, row), "changed")
        if abs(got - want) <= 1e-3 * want:
            continue
        one = score(row[None])[0, place].exp().item()
        probe.expect(abs(got - one) > 1e-4, "one")
        probe.expect(abs(got - told[:, place].sum().item()) > 1e-3, "logs")
        probe.expect(abs(got - told.sum(dim=1).exp().sum().item()) > 1e-4, "whole_row")
        for other in (place - 1, place + 1):
            probe.expect(abs(got - told[:, other].exp().sum().item()) > 1e-4, "place")
        raise Wrong("value", got=got, want=want)


def _texts(seed: int, size: int) -> Next:
    """Return fixed logits that depend on all tokens so far."""
    generator = torch.Generator().manual_seed(seed)
    first, second = (torch.randn(size, size, generator=generator) * 1.5 for _ in range(2))

    def next_logits(tokens: list[int]) -> torch.Tensor:
        logits = first[tokens[-1] % size].clone()
        for n, token in enumerate(reversed(tokens[:-1]), 2):
            logits += second[(token + n) % size] / n
        return logits

    return next_logits


def _search(next_logits: Next, start: list[int], end: int, most: int, width: int, *,
            finished: str = "apart", lose: bool = False, by_length: bool = False) -> list[int]:
    """Return what beam search finds.

    Finished texts wait ``apart``, are ``refilled`` by others, or ``stay`` in the beam: all are right.
    To ``lose`` them or to divide ``by_length`` is not.
    """
    beams: list[tuple[list[int], float]] = [([], 0.0)]
    done: list[tuple[list[int], float]] = []
    for _ in range(most):
        grown = [beam for beam in beams if beam[0][-1:] == [end]]
        for tokens, score in beams:
            if tokens[-1:] != [end]:
                log_p = next_logits([*start, *tokens]).log_softmax(dim=-1).tolist()
                grown += [([*tokens, n], score + p) for n, p in enumerate(log_p)]
        grown.sort(key=lambda beam: -beam[1])
        if finished == "stay":
            beams = grown[:width]
            continue
        kept = grown if finished == "refilled" else grown[:width]
        done += [beam for beam in kept if beam[0][-1] == end]
        beams = [beam for beam in kept if beam[0][-1] != end][:width]
    pool = beams if lose and beams else done + beams
    tokens, _ = max(pool, key=lambda beam: beam[1] / (len(beam[0]) if by_length else 1))
    return tokens[:-1] if tokens[-1] == end else tokens


def _agreed(*case: Any) -> list[int] | None:
    """Return what every right reading of beam search finds; None when they differ."""
    found = [_search(*case, finished=how) for how in ("apart", "refilled", "stay")]
    return found[0] if found[0] == found[1] == found[2] else None


def _tokens(probe: Probe, value: Any, start: list[int], end: int) -> list[int]:
    """Return what a search wrote, when it is a list of numbers without start and end."""
    probe.expect(isinstance(value, list), "list", got=type(value).__name__)
    probe.expect(all(isinstance(n, int) for n in value), "list", got="list of tensors")
    probe.expect(end not in value, "end")
    probe.expect(value[: len(start)] != start, "start")
    return list(value)


def greedy(probe: Probe, candidate: Any) -> None:
    """The most probable token each time, until the end or the limit."""
    for n in range(24):
        size, most = probe.rng.randint(6, 9), 6 + n % 3
        next_logits, start, end = _texts(probe.seed + n, size), [size, size + 1], n % 3
        want = _search(next_logits, start, end, most, 1)
        got = probe.call(candidate, next_logits, list(start), end, most)
        if got == want:
            continue
        got = _tokens(probe, got, start, end)
        probe.expect(len(got) <= most, "too_long", got=len(got), most=most)
        alone = _search(lambda tokens: next_logits(tokens[1:]), start, end, most, 1)
        probe.expect(got != alone, "context")
        raise Wrong("value", got=got, want=want)


def beam_search(probe: Probe, candidate: Any) -> None:
    """The most probable text within the beam, on fixed logits where greedy misses it."""
    size, most, start, width = 6, 5, [6, 7], 3
    wanted, given, wrong, missed = [], [], [], 0
    for n in range(150):
        next_logits, end = _texts(probe.seed + n, size), n % 3
        want, plain = (_agreed(next_logits, start, end, most, wide) for wide in (width, 1))
        if want is None or plain is None:
            continue
        got = probe.call(candidate, next_logits, list(start), end, most, width)
        given.append(got if got == want else _tokens(probe, got, start, end))
        wanted.append(want)
        case = (next_logits, start, end, most, width)
        wrong.append({"greedy": plain, "lost": _search(*case, lose=True),
                      "length": _search(*case, by_length=True)})
        missed += want != plain
        alone = probe.call(candidate, next_logits, list(start), end, most, 1)
        probe.expect(given != wanted or alone == plain, "width", got=alone, want=plain)
    for failure in ("greedy", "lost", "length"):
        probe.expect(given == wanted or given != [each[failure] for each in wrong], failure)
    for got, want in zip(given, wanted, strict=True):
        probe.expect(got == want, "value", got=got, want=want)
    probe.measure("missed", missed)


def transfer(probe: Probe, folder: Path) -> None:
    """A model for ci that is laid out, honest, and better than a trigram on unread authors."""
    model, vocabulary, scores = _opened(probe, folder)
    sides = _song(probe.data)
    probe.expect(vocabulary == _vocabulary(sides["train"]), "vocabulary", size=len(vocabulary))
    index = {character: n for n, character in enumerate(vocabulary)}
    ids = {name: [[index.get(c, 0) for c in text] for _, text in side] for name, side in sides.items()}
    with torch.inference_mode():
        _looks_back_only(probe, model, ids["test"][0])
        chosen = probe.rng.sample(range(len(ids["test"])), 9 * len(ids["test"]) // 10)
        rows = [ids["test"][n] for n in chosen]
        ours = [_losses(model, row) for row in rows]
    theirs = _trigram(ids["train"], ids["validation"], rows, len(vocabulary))
    tokens = np.array([len(each) for each in ours])
    gained = np.array([(b - a).sum() for a, b in zip(ours, theirs, strict=True)])
    gain = metrics.bootstrap(lambda at: float(gained[list(at)].sum() / tokens[list(at)].sum()),
                             len(rows), groups=[sides["test"][n][0] for n in chosen])
    reached = {"perplexity": math.exp(np.concatenate(ours).mean()),
               "trigram": math.exp(np.concatenate(theirs).mean())}
    probe.expect(gain.above_zero, "not_better", gain=gain.value, low=gain.low, **reached)
    for name, value in reached.items():
        probe.expect(abs(math.log(max(scores[name], 1e-9) / value)) <= SLACK, "scores_differ",
                     name=name, written=scores[name], value=value)
        probe.measure(name, value)
    probe.measure("low", gain.low)
    probe.measure("gain", gain.value)


def _opened(probe: Probe, folder: Path) -> tuple[Any, list[str], dict[str, float]]:
    from transformers import AutoModelForCausalLM, logging

    logging.set_verbosity_error()
    wanted = ("config.json", "model.safetensors", "vocabulary.json", "scores.json")
    missing = [name for name in wanted if not (folder / name).is_file()]
    probe.expect(not missing, "layout", names=", ".join(missing))
    scores = _json(probe, folder / "scores.json", dict)
    both = all(isinstance(scores.get(name), int | float) for name in ("perplexity", "trigram"))
    probe.expect(both, "no_comparison")
    vocabulary = _json(probe, folder / "vocabulary.json", list)
    try:
        model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True).eval()
    except Exception as error:
        raise Wrong("does_not_load", error=f"{type(error).__name__}: {error}"[:200]) from error
    return model, vocabulary, scores


def _json(probe: Probe, path: Path, kind: type) -> Any:
    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError:
        content = None
    probe.expect(isinstance(content, kind), "not_json", name=path.name)
    return content


def _song(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """Return the sides of the Song ci as the lab makes them."""
    poems, seen = set(), Counter()
    for path in sorted(data.path("song-ci", folder=folder).glob("ci.song.*.json")):
        for poem in json.loads(path.read_text("utf-8")):
            text = "".join(poem["paragraphs"])
            if len(text) <= 72 and not re.sub("[，。、？！；\u4e00-\u9fff]", "", text):
                text = re.sub("[、；]", "，", re.sub("[？！]", "。", text))
                form = tuple(map(len, _lines(text)))
                poems.add((poem["author"], form, text))
                seen[form] += 1
    signs = dict(zip(sorted(seen, key=lambda f: (-seen[f], f)), "①②③④⑤⑥⑦⑧⑨⑩⑪⑫", strict=False))
    sides: dict[str, list[tuple[str, str]]] = {"train": [], "validation": [], "test": []}
    for author, text in sorted((a, signs[f] + text + END) for a, f, text in poems if f in signs):
        tenth = int.from_bytes(hashlib.sha256(author.encode()).digest()[:4], "big") % 10
        if author != "无名氏":
            sides[{0: "validation", 1: "test"}.get(tenth, "train")].append((author, text))
    known = {line for _, text in sides["train"] for line in _lines(text)}
    for name in ("validation", "test"):
        sides[name] = [(author, text) for author, text in sides[name]
                       if 3 * sum(line in known for line in _lines(text)) <= len(_lines(text))]
    return sides


def _lines(text: str) -> list[str]:
    return re.findall("[\u4e00-\u9fff]+", text)


def _vocabulary(side: list[tuple[str, str]]) -> list[str]:
    seen = Counter("".join(text for _, text in side))
    del seen[END]
    return [UNKNOWN, END, *sorted(seen, key=lambda c: (-seen[c], c))][:VOCABULARY]


def _looks_back_only(probe: Probe, model: Any, row: list[int]) -> None:
    """What comes later must not change what was said before."""
    ids = torch.tensor([row, row[:10] + row[10:][::-1]])
    first, second = model(ids).logits[:, :10]
    probe.expect((first - second).abs().max() < 1e-4 * first.std(), "leaks")


def _losses(model: Any, row: list[int]) -> Any:
    ids = torch.tensor([row])
    return F.cross_entropy(model(ids[:, :-1]).logits[0], ids[0, 1:], reduction="none").numpy()


def _trigram(train: list[list[int]], tuning: list[list[int]], asked: list[list[int]], size: int) -> list[Any]:
    """Return each poem's losses under an interpolated trigram whose weights are tuned."""
    pairs: tuple[Counter[Any], ...] = (Counter(), Counter(), Counter())
    often: tuple[Counter[Any], ...] = (Counter(), Counter(), Counter())
    for row in train:
        for i in range(1, len(row)):
            for n, context in enumerate(_contexts(row, i)):
                pairs[n][context, row[i]] += 1
                often[n][context] += 1

    def parts(row: list[int]) -> tuple[Any, Any]:
        found, kinds = [], []
        for i in range(1, len(row)):
            contexts = _contexts(row, i)
            found.append([1 / size, *(pairs[n][c, row[i]] / max(often[n][c], 1) for n, c in enumerate(contexts))])
            kinds.append(int(math.log2(1 + often[2][contexts[2]])))
        return np.array(found), np.array(kinds)

    tuned = [parts(row) for row in tuning]
    p, kinds = np.concatenate([a for a, _ in tuned]), np.concatenate([b for _, b in tuned])
    weights = np.full((30, 4), 0.25)
    for _ in range(40):
        share = p * weights[kinds]
        share /= share.sum(axis=1, keepdims=True)
        total = np.stack([np.bincount(kinds, column, minlength=30) for column in share.T], axis=1) + 0.25
        weights = total / total.sum(axis=1, keepdims=True)
    return [-np.log((a * weights[b]).sum(axis=1)) for a, b in map(parts, asked)]


def _contexts(row: list[int], i: int) -> tuple[Any, ...]:
    return 0, row[i - 1], (row[i - 2] if i > 1 else 0, row[i - 1])
