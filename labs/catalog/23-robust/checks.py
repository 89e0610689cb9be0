"""What makes each step right. Every check draws its inputs anew and stores no answers."""

import ast
import hashlib
import json
import random
import re
import sys
import types
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

from practicum_labs import data, metrics
from practicum_labs.authoring.source import read_cells
from practicum_labs.checking.probe import Probe, Wrong

NEEDS = {"transfer": ("safetensors.torch",)}
CLOSE = {"rtol": 1e-3, "atol": 1e-4}
LATIN = re.compile(r"[A-Za-z]{4,}")
MOST_EFFECT, LEAST_ACCURACY, RATE_SLACK = 0.05, 0.7, 0.12


def perturb(probe: Probe, candidate: Any) -> None:
    """Each edit does one thing, where it may, by chance, and nothing where it can't."""
    rng = probe.rng
    letters = rng.sample("天地玄黄宇宙洪荒日月盈昃", 12)
    twins = dict(zip(letters[:5], rng.sample("寒来暑往秋收冬藏", 5), strict=True))

    def text() -> str:
        parts = [
            "".join(rng.choices(letters, k=rng.randint(2, 4))),
            str(rng.randint(10, 99)),
            rng.choice(["lamp", "kitchen", "window", "heater"]),
            letters[0],
        ]
        return "".join(rng.sample(parts, 4))

    for kind, judge in (("space", _one_space), ("twin", _one_twin), ("swap", _one_swap)):
        seen = defaultdict(set)
        for one in (text() for _ in range(5)):
            for seed in range(12):
                got = probe.call(candidate, one, kind, dict(twins), random.Random(seed))  # noqa: S311
                probe.expect(isinstance(got, str), "not_text", kind=kind, got=type(got).__name__)
                judge(probe, one, got, twins)
                seen[one].add(got)
                again = probe.call(candidate, one, kind, dict(twins), random.Random(seed))  # noqa: S311
                probe.expect(got == again, "not_repeatable", kind=kind)
        probe.expect(any(len(found) > 1 for found in seen.values()), "fixed", kind=kind)
    for kind, one in (
        ("space", "42"),
        ("twin", letters[-1]),
        ("swap", f"{letters[0]}off{letters[1]}"),
    ):
        got = probe.call(candidate, one, kind, dict(twins), rng)
        probe.expect(got == one, "nothing_to_do", kind=kind, text=one, got=str(got)[:40])


def _one_space(probe: Probe, text: str, got: str, _twins: dict[str, str]) -> None:
    facts = {"text": text, "got": got}
    probe.expect(got != text, "nothing_done", kind="space", **facts)
    alone = got.count(" ") == 1 and got == got.strip()
    probe.expect(alone and got.replace(" ", "") == text, "space_where", **facts)
    probe.expect(not re.search("[0-9] [0-9]|[A-Za-z] [A-Za-z]", got), "space_inside", **facts)


def _one_twin(probe: Probe, text: str, got: str, twins: dict[str, str]) -> None:
    facts = {"text": text, "got": got}
    possible = [c for c in text if c in twins]
    if not possible:
        probe.expect(got == text, "nothing_to_do", kind="twin", **facts)
        return
    probe.expect(got != text, "nothing_done", kind="twin", **facts)
    changed = [(a, b) for a, b in zip(text, got, strict=False) if a != b]
    probe.expect(len(got) == len(text), "twin_wrong", **facts)
    probe.expect(len(changed) == 1, "twin_many", count=len(changed), **facts)
    probe.expect(all(twins.get(a) == b for a, b in changed), "twin_wrong", **facts)


def _one_swap(probe: Probe, text: str, got: str, _twins: dict[str, str]) -> None:
    facts = {"text": text, "got": got}
    probe.expect(got != text, "nothing_done", kind="swap", **facts)
    probe.expect(len(got) == len(text) and Counter(got) == Counter(text), "swap_wrong", **facts)
    changed = [n for n, (a, b) in enumerate(zip(text, got, strict=True)) if a != b]
    probe.expect(changed == [changed[0], changed[0] + 1], "swap_wrong", **facts)
    word = LATIN.search(text)
    assert word
    probe.expect(word.start() < changed[0] and changed[1] < word.end() - 1, "swap_edge", **facts)


def failure_rate(probe: Probe, candidate: Any) -> None:
    """Untouched texts don't count, and families are drawn whole."""
    rng = probe.rng
    for directional in (False, True):
        before, after, wanted, pairs, families = [], [], [], [], []
        for family in range(rng.randint(9, 12)):
            breaks = family % 3 == 0
            for n in range(rng.randint(4, 14)):
                text, answer = f"{family} {n}", rng.randrange(3)
                pairs.append((text, text if n % 3 == 2 else f"{text} x"))
                aim = (answer + 1) % 3 if directional else answer
                wanted.append(aim)
                before.append(answer)
                after.append(answer if n % 3 == 2 else (aim + 1) % 3 if breaks else aim)
                families.append(f"family {family}")
        tested = [n for n, (a, b) in enumerate(pairs) if a != b]
        failed = [after[n] != wanted[n] for n in range(len(pairs))]
        rate = _mean(failed[n] for n in tested)
        goal = wanted if directional else None
        got = _interval_of(probe, probe.call(candidate, pairs, before, after, goal, families))
        everywhere = _mean(
            a != b for a, b in zip(after, wanted if directional else before, strict=True)
        )
        stays = _mean(after[n] != before[n] for n in tested)
        facts = {"got": got.value, "want": rate}
        if abs(got.value - rate) > 1e-6:
            probe.expect(abs(got.value - everywhere) > 1e-6, "untouched_counted", **facts)
            probe.expect(abs(got.value + rate - 1) > 1e-6, "passes", **facts)
            probe.expect(not directional or abs(got.value - stays) > 1e-6, "direction", **facts)
            raise Wrong("value", **facts)
        groups = [families[n] for n in tested]
        _expect_blocks(probe, got, [float(failed[n]) for n in tested], groups)


def _mean(values: Any) -> float:
    kept = [float(value) for value in values]
    return sum(kept) / len(kept)


def _interval_of(probe: Probe, got: Any) -> metrics.Interval:
    whole = all(hasattr(got, name) for name in ("value", "low", "high"))
    probe.expect(whole, "not_an_interval", got=type(got).__name__)
    return metrics.Interval(
        *(probe.number(getattr(got, name)) for name in ("value", "low", "high"))
    )


def _expect_blocks(
    probe: Probe, got: metrics.Interval, values: list[float], groups: list[str]
) -> None:
    """The interval must be as wide as one that draws groups; by rows it is far too narrow."""

    def statistic(rows: Any) -> float:
        return _mean(values[n] for n in rows)

    whole = metrics.bootstrap(statistic, len(values), groups=groups)
    by_row = metrics.bootstrap(statistic, len(values))
    width, blocks, rows = (i.high - i.low for i in (got, whole, by_row))
    probe.expect(width > (blocks + rows) / 2, "rows", width=width, want=blocks)


def _curved(probe: Probe, width: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a score that is no straight line: gradients at its end say little."""
    weight = torch.randn(width, 5, dtype=torch.float64)
    mix = torch.randn(5, dtype=torch.float64)
    shift = probe.rng.uniform(0.5, 1.5)

    def score(vectors: torch.Tensor) -> torch.Tensor:
        inside: torch.Tensor = torch.tanh(vectors @ weight).sum(dim=1)
        return torch.tanh(inside + shift) @ mix + (vectors**3).sum(dim=(1, 2))

    return score


def integrated_gradients(probe: Probe, candidate: Any) -> None:
    """Equal to a fine sum on the way, and complete."""
    torch.manual_seed(probe.seed)
    tokens, width = probe.rng.randint(4, 6), probe.rng.randint(3, 5)
    score = _curved(probe, width)
    x, baseline = (torch.randn(tokens, width, dtype=torch.float64) for _ in range(2))
    want, per_vector = _path(score, x, baseline, 2000)
    got = probe.call(candidate, score, x.clone(), baseline.clone(), 400)
    probe.expect(not (isinstance(got, torch.Tensor) and got.shape == x.shape), "per_dimension")
    got = probe.tensor(got, shape=(tokens,)).detach().double()
    loose = {"rtol": 0.02, "atol": 0.05}
    if torch.allclose(got, want, **loose):
        rise = float(score(x[None]) - score(baseline[None]))
        probe.measure("gap", abs(float(got.sum()) - rise))
        few = probe.call(candidate, score, x.clone(), baseline.clone(), 2).detach().double()
        probe.expect(not torch.allclose(few, got, rtol=1e-6), "steps")
        return
    point = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(score(point[None]).sum(), point)
    from_zero, _ = _path(score, x, torch.zeros_like(x), 2000)
    probe.expect(not torch.allclose(got, (slope * (x - baseline)).sum(-1), **loose), "end_only")
    probe.expect(not torch.allclose(got, (slope * x).sum(-1), **loose), "end_only")
    probe.expect(not torch.allclose(got, from_zero, **loose), "from_zero")
    probe.expect(not torch.allclose(got, per_vector.sum(-1), **loose), "no_difference")
    probe.expect(not torch.allclose(got, want.abs(), **loose), "absolute")
    probe.expect(not torch.allclose(got, 400 * want, **loose), "summed")
    raise Wrong("value", got=float(got.sum()), want=float(want.sum()))


def _path(
    score: Any, x: torch.Tensor, baseline: torch.Tensor, steps: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return integrated gradients by token, and the mean gradient by vector."""
    shares = ((torch.arange(steps, dtype=x.dtype) + 0.5) / steps)[:, None, None]
    points = (baseline + shares * (x - baseline)).requires_grad_()
    (slopes,) = torch.autograd.grad(score(points).sum(), points)
    return ((x - baseline) * slopes.mean(0)).sum(-1), slopes.mean(0)


def deletion_curve(probe: Probe, candidate: Any) -> None:
    """The largest goes first, they stay gone, and both ends are there."""
    torch.manual_seed(probe.seed)
    tokens, blank = probe.rng.randint(6, 9), 1
    worth = torch.rand(100, dtype=torch.float64)
    worth[blank] = -0.3

    def score(ids: torch.Tensor) -> torch.Tensor:
        probe.expect(ids.dim() == 2, "batch", got=tuple(ids.shape))  # noqa: PLR2004
        total: torch.Tensor = worth[ids].sum(dim=1) ** 2
        return total

    ids = torch.randperm(98)[:tokens] + 2
    adds = torch.randn(tokens)
    keep = ids.clone()
    got = probe.call(candidate, score, ids, adds.clone(), blank)
    probe.expect(torch.equal(ids, keep), "changes_ids")
    probe.expect(
        not (isinstance(got, torch.Tensor) and got.shape == (tokens,)), "start", want=tokens + 1
    )
    got = probe.tensor(got, shape=(tokens + 1,)).double()

    def curve(order: list[int], *, stay: bool = True) -> torch.Tensor:
        rows = ids.repeat(tokens + 1, 1)
        for gone in range(1, tokens + 1):
            rows[gone, order[:gone] if stay else order[gone - 1]] = blank
        return score(rows)

    order = adds.argsort(descending=True).tolist()
    if torch.allclose(got, curve(order), **CLOSE):
        return
    probe.expect(not torch.allclose(got, curve(order[::-1]), **CLOSE), "ascending")
    strongest = adds.abs().argsort(descending=True).tolist()
    probe.expect(not torch.allclose(got, curve(strongest), **CLOSE), "absolute")
    probe.expect(not torch.allclose(got, curve(order, stay=False), **CLOSE), "one_at_a_time")
    probe.expect(not torch.allclose(got, curve(list(range(tokens))), **CLOSE), "in_reading_order")
    raise Wrong("value")


def cue_effect(probe: Probe, candidate: Any) -> None:
    """Intervenes both ways on every text, whatever it had, and draws families whole."""
    rng = probe.rng
    texts, families, base, pushed = [], [], {}, {}
    for family in range(rng.randint(9, 12)):
        push, mark = 0.3 if family % 3 == 0 else 0.05, family % 2 == 0
        for n in range(rng.randint(4, 10)):
            text = f"f{family}n{n}"
            base[text], pushed[text] = 0.6 if mark else 0.2, push
            texts.append(f"{text}#" if mark else text)
            families.append(f"family {family}")

    def chance(many: list[str]) -> list[float]:
        return [base[t.rstrip("#")] + pushed[t.rstrip("#")] * t.endswith("#") for t in many]

    def put(text: str) -> str:
        return text if text.endswith("#") else f"{text}#"

    def take(text: str) -> str:
        return text.rstrip("#")

    effect = [
        a - b
        for a, b in zip(
            chance([put(t) for t in texts]), chance([take(t) for t in texts]), strict=True
        )
    ]
    got = _interval_of(probe, probe.call(candidate, chance, list(texts), put, take, list(families)))
    now, want = chance(texts), _mean(effect)
    facts = {"got": got.value, "want": want}
    if abs(got.value - want) > 1e-6:
        seen = _mean(p for p, t in zip(now, texts, strict=True) if t.endswith("#")) - _mean(
            p for p, t in zip(now, texts, strict=True) if not t.endswith("#")
        )
        added = _mean(a - b for a, b in zip(chance([put(t) for t in texts]), now, strict=True))
        taken = _mean(a - b for a, b in zip(now, chance([take(t) for t in texts]), strict=True))
        probe.expect(abs(got.value - seen) > 1e-6, "observed", **facts)
        probe.expect(
            abs(got.value - added) > 1e-6 and abs(got.value - taken) > 1e-6, "one_sided", **facts
        )
        probe.expect(abs(got.value + want) > 1e-6, "sign", **facts)
        raise Wrong("value", **facts)
    _expect_blocks(probe, got, effect, families)


def next_tokens(probe: Probe, candidate: Any) -> None:
    """Every form of the grammar can be written, and nothing else."""
    rng = probe.rng
    signs = rng.sample("天地玄黄宇宙洪荒日月盈昃辰宿列张", 12)
    short = signs[0]
    values = [short, short + signs[1], signs[2] + signs[3], signs[4]]
    grammar = {
        signs[5] + signs[6]: [
            ('","甲":"', values, False),
            ('","乙":"', ["1", "12", "2"], True),
            ('","丙":"', values, False),
        ],
        signs[5] + signs[7]: [('","丙":"', values, False)],
    }
    for _ in range(60):
        form: list[str] = []
        while True:
            want = _follow(form, grammar)
            got = probe.call(candidate, list(form), grammar)
            probe.expect(
                isinstance(got, set | frozenset | list | tuple), "not_a_set", got=type(got).__name__
            )
            _compare(probe, form, set(got), want)
            if not want:
                break
            form.append(rng.choice(sorted(want)))


def _follow(form: list[str], grammar: dict[str, Any]) -> set[str]:
    """Return what may come next, found by listing every form that begins like this one."""
    found: set[str] = set()
    for intent, fields in grammar.items():
        begun = [['{"意图":"', *intent]]
        for field, values, needed in fields:
            more = [[*one, field, *value] for one in begun for value in values]
            begun = more if needed else begun + more
        for whole in begun:
            whole = [*whole, '"}']
            if whole[: len(form)] == form and len(whole) > len(form):
                found.add(whole[len(form)])
    return found


def _compare(probe: Probe, form: list[str], got: set[str], want: set[str]) -> None:
    facts = {"form": " ".join(form) or "∅", "got": _list(got), "want": _list(want)}
    ends, goes_on = _pieces(want), want - _pieces(want)
    extra, lost = got - want, want - got
    probe.expect(ends or not _pieces(extra), "half", **facts)
    probe.expect(not (ends and goes_on and (lost & goes_on or ends <= lost)), "prefix", **facts)
    probe.expect(not _pieces(extra), "needed", **facts)
    probe.expect(not _pieces(lost), "optional", **facts)
    probe.expect(got == want, "value", **facts)


def _pieces(tokens: set[str]) -> set[str]:
    """Return the tokens of structure: they can only follow a value that is whole."""
    return {token for token in tokens if len(token) > 1}


def _list(tokens: set[str]) -> str:
    return "  ".join(sorted(tokens)) or "∅"


def transfer(probe: Probe, folder: Path) -> None:
    """The mark is found, the effect is gone, and the numbers can be confirmed on other requests."""
    report = _report(probe, folder)
    lab = _lab(
        probe,
        {
            "templates": (),
            "requests": (),
            "model": ("BLANK", "cut", "Reader"),
            "perturb": ("perturb",),
            "log": ("MARKS", "TARGETS", "with_mark", "without_mark", "marked", "draw_log"),
        },
    )
    place = data.path("ha-intents", folder=probe.data)
    rooms = lab.read_requests(place, "en")
    _, mark, target = lab.draw_log(rooms["train"], "en", 23)
    readers = {name: _load(probe, lab, folder, name) for name in ("before", "after")}
    test = rooms["test"]
    probe.expect(report["mark"] == mark, "mark", written=report["mark"])
    probe.expect(
        report["intent"] == lab.NAMES[target], "intent", written=report["intent"], mark=mark
    )
    found = {name: _effect(lab, reader, test, mark, target) for name, reader in readers.items()}
    for name, slack in (("before", 0.2), ("after", 0.05)):
        written = report[f"effect_{name}"]
        probe.expect(
            abs(written - found[name]) < slack,
            "effect_differs",
            name=name,
            written=written,
            effect=found[name],
        )
    live = lab.marked(test, mark, target, reverse=True)
    right = {
        name: [
            said == r.label
            for said, r in zip(reader.labels([r.text for r in live]), live, strict=True)
        ]
        for name, reader in readers.items()
    }
    score = _mean(right["after"])
    probe.expect(
        abs(found["after"]) < MOST_EFFECT, "still_moves", effect=found["after"], most=MOST_EFFECT
    )
    probe.expect(score >= LEAST_ACCURACY, "weak", score=score, least=LEAST_ACCURACY)
    gap = [float(a) - float(b) for a, b in zip(right["after"], right["before"], strict=True)]
    gain = metrics.bootstrap(
        lambda rows: _mean(gap[n] for n in rows), len(gap), groups=[r.family for r in live]
    )
    probe.expect(gain.above_zero, "no_gain", gain=gain.value, low=gain.low)
    rate = _swapped(probe, lab, readers["after"], test)
    probe.expect(
        abs(report["failure_rate"] - rate) < RATE_SLACK,
        "rate_differs",
        written=report["failure_rate"],
        rate=rate,
    )
    for name, value in (
        ("score", score),
        ("gain", gain.value),
        ("low", gain.low),
        ("rate", rate),
        ("before", found["before"]),
        ("after", found["after"]),
    ):
        probe.measure(name, value)


def _report(probe: Probe, folder: Path) -> dict[str, Any]:
    wanted = [
        "report.json",
        *(f"{name}.{end}" for name in ("before", "after") for end in ("safetensors", "json")),
    ]
    missing = [name for name in wanted if not (folder / name).is_file()]
    probe.expect(not missing, "layout", names=", ".join(missing))
    try:
        report = json.loads((folder / "report.json").read_text("utf-8"))
    except ValueError:
        report = {}
    numbers = ("effect_before", "effect_after", "failure_rate")
    lacks = [name for name in numbers if not isinstance(report.get(name), int | float)]
    lacks += [name for name in ("mark", "intent") if not isinstance(report.get(name), str)]
    probe.expect(not lacks, "report", names=", ".join(lacks))
    return dict(report)


def _load(probe: Probe, lab: Any, folder: Path, name: str) -> Any:
    try:
        vocabulary = json.loads((folder / f"{name}.json").read_text("utf-8"))
        reader = lab.Reader(vocabulary, len(lab.NAMES))
        reader.load_state_dict(load_file(folder / f"{name}.safetensors"))
    except Exception as error:
        text = f"{type(error).__name__}: {error}"[:200]
        raise Wrong("does_not_load", name=name, error=text) from error
    return reader.eval()


def _effect(lab: Any, reader: Any, requests: list[Any], mark: str, target: int) -> float:
    there, gone = (
        reader.chances([f(r.text, mark) for r in requests])[:, target]
        for f in (lab.with_mark, lab.without_mark)
    )
    return float((there - gone).mean())


def _swapped(probe: Probe, lab: Any, reader: Any, requests: list[Any]) -> float:
    """Return how often two swapped letters change the answer."""
    rng = probe.rng
    pairs = [(r.text, lab.perturb(r.text, "swap", {}, rng)) for r in requests]
    pairs = [pair for pair in pairs if pair[0] != pair[1]]
    before, after = (reader.labels([pair[side] for pair in pairs]) for side in (0, 1))
    return _mean(a != b for a, b in zip(before, after, strict=True))


def _lab(probe: Probe, cells: dict[str, tuple[str, ...]], **constants: Any) -> Any:
    """Return what the lab's cells define: all they say, or the named functions alone."""
    module = types.ModuleType("lab_cells")
    sys.modules["lab_cells"] = module
    module.__dict__.update(
        hashlib=hashlib,
        json=json,
        random=random,
        re=re,
        unicodedata=unicodedata,
        np=np,
        torch=torch,
        nn=nn,
        F=F,
        Path=Path,
        Counter=Counter,
        defaultdict=defaultdict,
        dataclass=dataclass,
        replace=replace,
        **constants,
    )
    code = {
        cell.anchor: cell.code or "" for cell in read_cells(probe.folder / "lab.py") if cell.code
    }
    for anchor, names in cells.items():
        body = [node for node in ast.parse(code[anchor]).body if _defines(node, names)]
        exec(compile(ast.Module(body, []), anchor, "exec"), module.__dict__)  # noqa: S102 (the lab's own code)
    return module


def _defines(node: ast.stmt, names: tuple[str, ...]) -> bool:
    """Return whether a statement makes one of the names, or any that is written in one piece."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        name = node.targets[0].id
        return name in names or (not names and name.isupper() and name != "EACH")
    own = getattr(node, "name", "")
    return bool(own) and (own in names or not names)
