"""What makes each step right. Every check draws its inputs anew and stores no answers."""

import ast
import hashlib
import json
import random
import re
import sys
import types
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from practicum_labs import metrics
from practicum_labs.authoring.source import read_cells
from practicum_labs.checking.probe import Probe, Wrong
from practicum_labs.registry import entry, verify

NEEDS = {"transfer": ("torch", "safetensors.torch", "sklearn.linear_model", "sklearn.feature_extraction")}
KINDS = ("area", "device", "level", "item")
LARGEST_MIB = 4
SLACK = 0.05
EXAM_DRAWS, EXAM_EACH = 6, 3
Span = tuple[int, int, str]


def _spans(rng: random.Random, length: int, *, touching: bool = True) -> list[Span]:
    """Return slots of a text of this length, some of them side by side."""
    spans: list[Span] = []
    at = rng.randint(0, 2)
    while at < length:
        end = min(length, at + rng.choice((1, 1, 2, 3, 4)))
        spans.append((at, end, rng.choice(KINDS)))
        at = end + (0 if touching and rng.random() < 0.35 else rng.randint(1, 4))
    return spans


def _tags(length: int, spans: list[Span]) -> list[str]:
    tags = ["O"] * length
    for start, end, kind in spans:
        tags[start:end] = [f"B-{kind}", *[f"I-{kind}"] * (end - start - 1)]
    return tags


def to_bio(probe: Probe, candidate: Any) -> None:
    """B at each start, I up to the end, O elsewhere."""
    rng = probe.rng
    cases = [(4, []), (6, [(0, 2, "area"), (2, 4, "area")]), (3, [(0, 3, "item")]), (2, [(1, 2, "level")])]
    for _ in range(20):
        length = rng.randint(4, 18)
        cases.append((length, _spans(rng, length)))
    for length, spans in cases:
        mixed = rng.sample(spans, len(spans))
        got = probe.call(candidate, length, list(mixed))
        probe.expect(isinstance(got, list | tuple), "not_a_list", got=type(got).__name__)
        want, got = _tags(length, spans), list(got)
        facts = {"spans": str(sorted(spans)), "got": " ".join(map(str, got)), "want": " ".join(want)}
        if got == want:
            continue
        probe.expect(len(got) == length, "length", **{**facts, "got": len(got), "want": length})
        begins = [tag.replace("B-", "I-") for tag in want]
        probe.expect(got != begins, "no_b", **facts)
        probe.expect([tag.replace("I-", "B-") for tag in want] != got, "no_i", **facts)
        inclusive = _tags(length, [(s, min(e + 1, length), k) for s, e, k in sorted(spans)])
        shorter = ["O" if tag != "O" and n + 1 in {e for _, e, _ in spans} and tag[0] == "I" else tag
                   for n, tag in enumerate(want)]
        marked = [tag == "O" for tag in got]
        off = marked in ([tag == "O" for tag in inclusive], [tag == "O" for tag in shorter])
        probe.expect(not off or marked == [tag == "O" for tag in want], "end", **facts)
        raise Wrong("value", **facts)


def spans_of(probe: Probe, candidate: Any) -> None:
    """The spans of tags, legal or not."""
    rng = probe.rng
    legal = []
    for _ in range(20):
        length = rng.randint(3, 16)
        spans = _spans(rng, length)
        legal.append((_tags(length, spans), spans))
    legal += [(["O"] * 3, []), (["B-area", "B-area", "I-area"], [(0, 1, "area"), (1, 3, "area")]),
              (["O", "B-item", "I-item"], [(1, 3, "item")])]
    odd = [
        (["O", "I-area", "I-area", "O"], [(1, 3, "area")]), (["I-level"], [(0, 1, "level")]),
        (["B-area", "I-item", "I-item"], [(0, 1, "area"), (1, 3, "item")]),
        (["B-area", "O", "I-area"], [(0, 1, "area"), (2, 3, "area")]),
    ]
    for tags, want in legal + odd:
        got = _as_spans(probe, probe.call(candidate, list(tags)))
        facts = {"tags": " ".join(tags), "got": str(got), "want": str(want)}
        if got == want:
            continue
        probe.expect(sorted(got) != want, "order", **facts)
        probe.expect(got != [(s, e - 1, k) for s, e, k in want], "end", **facts)
        if (tags, want) in odd:
            raise Wrong("orphan", **facts)
        probe.expect(got != want[:-1] or not want or want[-1][1] != len(tags), "last", **facts)
        probe.expect(not _merges(got, want), "merged", **facts)
        raise Wrong("value", **facts)


def _as_spans(probe: Probe, got: Any) -> list[Span]:
    fine = isinstance(got, list | tuple) and all(isinstance(s, list | tuple) and len(s) == 3 for s in got)
    probe.expect(fine, "not_spans", got=str(got)[:80])
    return [tuple(span) for span in got]


def _merges(got: list[Span], want: list[Span]) -> bool:
    """Whether neighbours of one kind were taken for one slot."""
    joined: list[Span] = []
    for start, end, kind in want:
        if joined and joined[-1][1] == start and joined[-1][2] == kind:
            joined[-1] = (joined[-1][0], end, kind)
        else:
            joined.append((start, end, kind))
    return joined != want and got == joined


def entity_f1(probe: Probe, candidate: Any) -> None:
    """Micro F1 over whole slots, told apart from everything that is easily taken for it."""
    rng = probe.rng
    gold, predicted = [], []
    for _ in range(rng.randint(25, 35)):
        spans = _spans(rng, rng.randint(6, 30), touching=False)
        gold.append(spans)
        predicted.append([_disturbed(rng, span) for span in spans if rng.random() > 0.15])
    gold += [[], [(0, 2, "area")]]
    predicted += [[(1, 3, "item")], []]
    score = probe.number(probe.call(candidate, [list(g) for g in gold], [list(p) for p in predicted]))
    right = sum(len(set(g) & set(p)) for g, p in zip(gold, predicted, strict=True))
    total, found = sum(map(len, gold)), sum(map(len, predicted))
    want = 2 * right / (total + found)
    if abs(score - want) > 1e-6:
        loose, bag = _loose(gold, predicted), [Counter(s for spans in side for s in spans) for side in (gold, predicted)]
        pooled = 2 * len(set(bag[0]) & set(bag[1])) / (len(bag[0]) + len(bag[1]))
        for failure, other in (("token", _token_f1(gold, predicted)), ("overlap", loose[0]),
                               ("kind", loose[1]), ("recall", right / total), ("precision", right / found),
                               ("per_text", _mean_f1(gold, predicted)), ("percent", 100 * want),
                               ("pooled", pooled), ("pooled", 2 * (bag[0] & bag[1]).total() / (total + found))):
            probe.expect(abs(score - other) > 1e-6, failure, got=score, want=want)
        raise Wrong("value", got=score, want=want)
    alike = [[(0, 2, "area")], [(0, 2, "area")]]  # the same slot in two texts is two slots
    score = probe.number(probe.call(candidate, alike, [[(0, 2, "area")], []]))
    probe.expect(abs(score - 2 / 3) < 1e-6, "pooled", got=score, want=2 / 3)
    score = probe.number(probe.call(candidate, [[(0, 2, "area")], []], [[], [(0, 2, "area")]]))
    probe.expect(score == 0, "pooled", got=score, want=0.0)
    score = probe.number(probe.call(candidate, [[], []], [[], []]))
    probe.expect(score == 0, "empty", got=score)


def _disturbed(rng: random.Random, span: Span) -> Span:
    start, end, kind = span
    chance = rng.random()
    if chance < 0.2 and end - start > 1:
        return (start, end - 1, kind)
    if chance < 0.3:
        return (start, end, rng.choice([k for k in KINDS if k != kind]))
    return span


def _token_f1(gold: list[list[Span]], predicted: list[list[Span]]) -> float:
    sides = [{(n, at, kind) for n, spans in enumerate(side) for s, e, kind in spans for at in range(s, e)}
             for side in (gold, predicted)]
    return 2 * len(sides[0] & sides[1]) / (len(sides[0]) + len(sides[1]))


def _loose(gold: list[list[Span]], predicted: list[list[Span]]) -> tuple[float, float]:
    """Return F1 when touching is enough, and when the kind does not matter."""
    total = sum(map(len, gold)) + sum(map(len, predicted))
    touch = sum(any(s < q[1] and q[0] < e and k == q[2] for q in p)
                for g, p in zip(gold, predicted, strict=True) for s, e, k in g)
    bare = sum(len({s[:2] for s in g} & {s[:2] for s in p}) for g, p in zip(gold, predicted, strict=True))
    return 2 * touch / total, 2 * bare / total


def _mean_f1(gold: list[list[Span]], predicted: list[list[Span]]) -> float:
    each = [2 * len(set(g) & set(p)) / (len(g) + len(p)) if g or p else 0.0
            for g, p in zip(gold, predicted, strict=True)]
    return sum(each) / len(each)


@dataclass(frozen=True)
class _Request:
    text: str
    intent: str
    slots: tuple[tuple[str, str], ...]
    family: str

    def values(self) -> set[tuple[str, str]]:
        return set(self.slots)


def split_apart(probe: Probe, candidate: Any) -> None:
    """Families and values on one side each, nothing dropped that fits, by the seed."""
    rng = probe.rng
    requests = _mixture(rng)
    share, seed = rng.choice([0.3, 0.5]), rng.randrange(1000)
    kept, held = _pair(probe, probe.call(candidate, list(requests), share, seed))
    probe.expect(not (Counter(kept) + Counter(held)) - Counter(requests), "lost")
    probe.expect(kept and held, "empty_side", kept=len(kept), held=len(held))
    families = [{r.family for r in side} for side in (kept, held)]
    values = [set().union(*(r.values() for r in side)) for side in (kept, held)]
    probe.expect(not families[0] & families[1], "family_leaks", count=len(families[0] & families[1]))
    both = values[0] & values[1]
    probe.expect(not both, "value_leaks", count=len(both), example=str(next(iter(both), "")))
    for what, groups in (("intent", _by_intent(requests)), ("kind", _by_kind(requests))):
        for name, members in sorted(groups.items()):
            sides = families if what == "intent" else values
            count = len(members & sides[1])
            probe.expect(abs(count - max(1, round(share * len(members)))) <= 1, "share",
                         name=name, got=count, of=len(members), share=share)
    fits = [r for r in requests if (r.family in families[0] and r.values() <= values[0])
            or (r.family in families[1] and r.values() <= values[1])]
    probe.expect(len(fits) == len(kept) + len(held), "dropped", got=len(kept) + len(held), want=len(fits))
    again = _pair(probe, probe.call(candidate, list(requests), share, seed))
    probe.expect(Counter(again[1]) == Counter(held), "seed")
    others = [_pair(probe, probe.call(candidate, list(requests), share, seed + n))[1] for n in (1, 2)]
    probe.expect(any(Counter(other) != Counter(held) for other in others), "same_for_all_seeds")


def _mixture(rng: random.Random) -> list[_Request]:
    """Return requests in which every family meets every value."""
    words = {kind: [f"{kind}{n}" for n in range(rng.randint(6, 9))] for kind in KINDS[:3]}
    requests = []
    for intent in ("light", "timer", "state"):
        for n in range(rng.randint(6, 10)):
            family = f"{intent} {n}"
            for area in words["area"]:
                slots = [("area", area)]
                for kind in KINDS[1:3]:
                    slots.append((kind, rng.choice(words[kind])))
                requests.append(_Request(f"{family} {area}", intent, (slots[0],), family))
                requests.append(_Request(f"{family} {area} all", intent, tuple(slots), family))
            for kind in KINDS[1:3]:
                requests += [_Request(f"{family} {word}", intent, ((kind, word),), family) for word in words[kind]]
            requests.append(_Request(family, intent, (), family))
    rng.shuffle(requests)
    return requests


def _by_intent(requests: list[_Request]) -> dict[str, set[Any]]:
    groups = defaultdict(set)
    for request in requests:
        groups[request.intent].add(request.family)
    return groups


def _by_kind(requests: list[_Request]) -> dict[str, set[Any]]:
    groups = defaultdict(set)
    for request in requests:
        for value in request.values():
            groups[value[0]].add(value)
    return groups


def _pair(probe: Probe, got: Any) -> tuple[list[Any], list[Any]]:
    fine = isinstance(got, tuple | list) and len(got) == 2
    probe.expect(fine and all(isinstance(side, tuple | list) for side in got), "pair", got=type(got).__name__)
    return list(got[0]), list(got[1])


def viterbi(probe: Probe, candidate: Any) -> None:
    """The best allowed path, also where greedy choices are allowed but not best."""
    numbers = np.random.default_rng(probe.seed)
    anything, apart = np.ones((2, 2), bool), np.eye(2, dtype=bool)
    _path(probe, candidate, np.log([[0.1, 0.9], [0.9, 0.1], [0.8, 0.2]]), np.array([True, False]), anything)
    _path(probe, candidate, np.log([[0.9, 0.1], [0.4, 0.6], [0.1, 0.9]]), np.array([True, True]), apart)
    for _ in range(30):
        length, count = int(numbers.integers(4, 7)), int(numbers.integers(4, 6))
        scores = np.log(numbers.dirichlet(np.full(count, 0.4), length) + 1e-9)
        follows = numbers.random((count, count)) < 0.6
        follows[:, 0] = True  # there is always a way
        starts = numbers.random(count) < 0.6
        starts[0] = True
        _path(probe, candidate, scores, starts, follows)
    _path(probe, candidate, scores[:1], starts, follows)


def _path(probe: Probe, candidate: Any, scores: Any, starts: Any, follows: Any) -> None:
    length, count = scores.shape
    got = probe.call(candidate, scores.copy(), starts.copy(), follows.copy())
    fine = isinstance(got, list | tuple | np.ndarray) and len(got) == length and not any(map(np.ndim, got))
    probe.expect(fine, "not_a_path", got=str(got)[:80], want=length)
    path = [int(probe.number(tag)) for tag in got]
    probe.expect(all(0 <= tag < count for tag in path), "not_a_path", got=str(path), want=length)
    paths = np.stack(np.meshgrid(*[range(count)] * length, indexing="ij"), axis=-1).reshape(-1, length)
    totals = np.where(starts[paths[:, 0]], scores[np.arange(length), paths].sum(axis=1), -np.inf)
    forward = np.where(follows[paths[:, :-1], paths[:, 1:]].all(axis=1), totals, -np.inf)
    backward = np.where(follows[paths[:, 1:], paths[:, :-1]].all(axis=1), totals, -np.inf)
    best = paths[forward.argmax()].tolist()
    if path == best:
        return
    probe.expect(path[::-1] != best, "reversed", path=str(path), want=str(best))
    probe.expect(path != paths[backward.argmax()].tolist(), "turned")
    probe.expect(starts[path[0]], "starts", path=str(path))
    probe.expect(follows[path[:-1], path[1:]].all(), "forbidden", path=str(path))
    reached = float(scores[np.arange(length), path].sum())
    probe.expect(reached > forward.max() - 1e-9, "not_best", got=reached, want=float(forward.max()))


def indicators(probe: Probe, candidate: Any) -> None:
    """The values, and intervals as wide as families make them."""
    rng = probe.rng
    gold, predicted, families = _in_families(rng)
    got = probe.call(candidate, list(gold), list(predicted), list(families), seed=3)
    probe.expect(isinstance(got, dict) and {"accuracy", "macro_f1", "error"} <= set(got), "keys", got=str(got)[:80])
    probe.expect(all(isinstance(v, tuple | list | np.ndarray) and len(v) == 3 for v in got.values()), "triples")
    found = {name: [probe.number(value) for value in got[name]] for name in ("accuracy", "macro_f1", "error")}
    number = {label: n for n, label in enumerate(sorted({*gold, *predicted}))}
    gold, predicted = ([number[label] for label in side] for side in (gold, predicted))
    accuracy = float(np.mean(np.equal(gold, predicted)))
    f1 = metrics.macro_f1(Counter(zip(gold, predicted, strict=True)))
    probe.expect(abs(found["accuracy"][0] - accuracy) < 1e-6, "accuracy", got=found["accuracy"][0], want=accuracy)
    probe.expect(abs(found["macro_f1"][0] - accuracy) > 1e-6 or abs(f1 - accuracy) < 1e-6, "micro", want=f1)
    probe.expect(abs(found["macro_f1"][0] - f1) < 1e-6, "macro_f1", got=found["macro_f1"][0], want=f1)
    probe.expect(abs(found["error"][0] - (1 - accuracy)) < 1e-6, "error", got=found["error"][0], want=1 - accuracy)
    for name, (value, low, high) in found.items():
        probe.expect(low <= value <= high, "order", name=name, low=low, high=high)

    def right(rows: Any) -> float:
        return float(np.mean([gold[n] == predicted[n] for n in rows]))

    def macro(rows: Any) -> float:
        return metrics.macro_f1(Counter((gold[n], predicted[n]) for n in rows))

    for name, statistic in (("accuracy", right), ("macro_f1", macro), ("error", lambda rows: 1 - right(rows))):
        _, low, high = found[name]
        by_family = metrics.bootstrap(statistic, len(gold), groups=families, samples=600)
        by_row = metrics.bootstrap(statistic, len(gold), samples=600)
        width, want, alone = high - low, by_family.high - by_family.low, by_row.high - by_row.low
        probe.expect(width > 0.5 * (want + alone), "rows", name=name, width=width, want=want)
        probe.expect(0.75 * want < width < 1.3 * want, "width", name=name, width=width, want=want)
        probe.expect(abs(low - by_family.low) < 0.25 * want, "place", name=name, low=low, want=by_family.low)


def _in_families(rng: random.Random) -> tuple[list[str], list[str], list[str]]:
    """Return labels of families that are understood, or not, almost as one."""
    labels = [f"intent {n}" for n in range(5)]
    rows = []
    for family in range(rng.randint(40, 50)):
        label = labels[min(4, int(rng.random() ** 2 * 6))]
        understood, other = rng.random() < 0.6, rng.choice(labels)
        for _ in range(rng.randint(6, 20)):
            said = label if understood != (rng.random() < 0.03) else other
            rows.append((label, said, f"family {family}"))
    rng.shuffle(rows)
    gold, predicted, families = map(list, zip(*rows, strict=True))
    return gold, predicted, families


def cohen_kappa(probe: Probe, candidate: Any) -> None:
    """Agreement beyond what the two raters' own habits would give."""
    rng = probe.rng
    for labels in ([0, 1], ["no", "perhaps", "yes"], [3, 1, 2, 0]):
        weights = [6, *[1] * (len(labels) - 1)]
        first = rng.choices(labels, weights, k=rng.randint(80, 160))
        habit = rng.choices(labels, [2, *[1] * (len(labels) - 1)], k=len(first))
        second = [a if rng.random() < 0.6 else b for a, b in zip(first, habit, strict=True)]
        got = probe.number(probe.call(candidate, list(first), list(second)))
        agreement = float(np.mean([a == b for a, b in zip(first, second, strict=True)]))
        habits = [Counter(side) for side in (first, second)]
        size = len(first)
        chance = sum(habits[0][label] * habits[1][label] for label in labels) / size**2
        want = (agreement - chance) / (1 - chance)
        pooled = sum(((habits[0][label] + habits[1][label]) / (2 * size)) ** 2 for label in labels)
        facts = {"got": got, "want": want, "raw": agreement}
        if abs(got - want) < 1e-6:
            continue
        probe.expect(abs(got - agreement) > 1e-6, "raw", **facts)
        uniform = (agreement - 1 / len(labels)) / (1 - 1 / len(labels))
        probe.expect(abs(got - uniform) > 1e-6, "uniform", **facts)
        probe.expect(abs(got - (agreement - pooled) / (1 - pooled)) > 1e-6, "pooled", **facts)
        probe.expect(abs(got - (agreement - chance)) > 1e-6, "unscaled", **facts)
        raise Wrong("value", **facts)
    got = probe.number(probe.call(candidate, ["a", "b", "a", "b"], ["b", "a", "b", "a"]))
    probe.expect(abs(got + 1) < 1e-6, "negative", got=got)
    got = probe.number(probe.call(candidate, ["a", "a", "b"], ["a", "a", "c"]))  # a label one rater never uses
    probe.expect(abs(got - 0.4) < 1e-6, "value", got=got, want=0.4, raw=2 / 3)


def transfer(probe: Probe, folder: Path) -> None:
    """The English reader on families and values it cannot have met, against a linear tagger."""
    scores = _laid_out(probe, folder)
    service = _start(probe, folder)
    lab = _lab(probe)
    place = probe.data / entry("ha-intents").folder
    verify(entry("ha-intents"), place)
    known = lab.read_requests(place, "en", draws=20, side="open", seed=probe.seed)
    values = set().union(*(r.values() for r in known))
    exam = lab.read_requests(place, "en", draws=EXAM_DRAWS, side="exam", seed=probe.seed)
    exam = lab.at_most([r for r in exam if not r.values() & values], EXAM_EACH, seed=probe.seed)
    intents, spans = _answers(probe, service, [r.text for r in exam])
    gold, families = [r.spans for r in exam], [r.family for r in exam]

    def f1(side: Any) -> Any:
        return lambda rows: _f1([gold[n] for n in rows], [side[n] for n in rows])

    ours = metrics.bootstrap(f1(spans), len(exam), groups=families)
    probe.expect(ours.value > 0, "nothing_right")
    right = [said == r.intent for said, r in zip(intents, exam, strict=True)]
    accuracy = metrics.bootstrap(lambda rows: sum(right[n] for n in rows) / len(rows), len(exam), groups=families)
    for name, found in (("entity_f1", ours), ("accuracy", accuracy)):
        probe.expect(scores[name] <= found.high + SLACK, "scores_differ", name=name, written=scores[name],
                     found=found.value, high=found.high)
    tags, score = lab.linear_tagger(lab.at_most(known, 3), 3)
    linear = lab.decode(tags, score, exam)
    gain = metrics.bootstrap(lambda rows: f1(spans)(rows) - f1(linear)(rows), len(exam), groups=families)
    probe.expect(gain.value > 0, "not_better", f1=ours.value, linear=_f1(gold, linear))
    whole = [set(s) == set(r.spans) for s, r in zip(spans, exam, strict=True)]
    error = metrics.bootstrap(lambda rows: 1 - sum(whole[n] for n in rows) / len(rows), len(exam), groups=families)
    macro = metrics.bootstrap(lambda rows: metrics.macro_f1(Counter((exam[n].intent, intents[n]) for n in rows)),
                              len(exam), groups=families)
    for name, found in (("entity_f1", ours), ("error", error), ("accuracy", accuracy), ("macro_f1", macro),
                        ("gain", gain)):
        probe.measure(name, found.value)
        probe.measure(f"{name}_low", found.low)
        probe.measure(f"{name}_high", found.high)
    probe.measure("low", ours.low)
    probe.measure("high", ours.high)


def _f1(gold: list[Any], predicted: list[Any]) -> float:
    right = sum(len(set(g) & set(p)) for g, p in zip(gold, predicted, strict=True))
    total = sum(map(len, gold)) + sum(map(len, predicted))
    return 2 * right / total if total else 0.0


def _laid_out(probe: Probe, folder: Path) -> dict[str, float]:
    """Return the scores the folder claims."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    pickles = [path.name for path in files if path.suffix in {".bin", ".pt", ".pth", ".pkl", ".joblib"}]
    probe.expect(not pickles, "pickle", names=", ".join(pickles))
    missing = [name for name in ("reader.json", "reader.py") if not (folder / name).is_file()]
    probe.expect(not missing, "layout", names=", ".join(missing))
    size = sum(path.stat().st_size for path in files) / 2**20
    probe.expect(size <= LARGEST_MIB, "too_large", size=size, most=LARGEST_MIB)
    try:
        scores = json.loads((folder / "reader.json").read_text("utf-8"))["scores"]
        return {name: float(scores[name]) for name in ("entity_f1", "accuracy")}
    except (ValueError, KeyError, TypeError) as error:
        raise Wrong("no_scores", error=f"{type(error).__name__}: {error}"[:120]) from error


def _start(probe: Probe, folder: Path) -> Any:
    import torch

    torch.set_num_threads(1)
    try:
        source = (folder / "reader.py").read_text("utf-8")
        made = {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    except SyntaxError as error:
        raise Wrong("no_code") from error
    probe.expect("load" in made, "no_code")
    module = types.ModuleType("reader")
    sys.modules["reader"] = module
    try:
        exec(compile(source, "reader.py", "exec"), module.__dict__)  # noqa: S102 (running it is the purpose)
        return module.__dict__["load"](folder)
    except Exception as error:
        raise Wrong("does_not_load", error=f"{type(error).__name__}: {error}"[:200]) from error


def _answers(probe: Probe, service: Any, texts: list[str]) -> tuple[list[str], list[list[Span]]]:
    try:
        got = [(intent, [(int(s), int(e), str(k)) for s, e, k in spans]) for intent, spans in service.read(texts)]
    except Exception as error:
        raise Wrong("bad_answer", problem=f"{type(error).__name__}: {error}"[:120]) from error
    probe.expect(len(got) == len(texts), "bad_answer", problem=f"{len(got)} answers to {len(texts)} texts")
    return [intent for intent, _ in got], [spans for _, spans in got]


def _lab(probe: Probe) -> Any:
    """Return the lab's own functions, from the cells that define them."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    module = types.ModuleType("lab_cells")
    sys.modules["lab_cells"] = module
    module.__dict__.update(
        hashlib=hashlib, json=json, random=random, re=re, np=np, Path=Path, Counter=Counter, defaultdict=defaultdict,
        dataclass=dataclass, DictVectorizer=DictVectorizer, LogisticRegression=LogisticRegression,
    )
    cells = {cell.anchor: cell.code for cell in read_cells(probe.folder / "lab.py") if cell.code}
    for anchor in ("words", "draw", "to_bio", "spans_of", "baselines", "viterbi"):
        exec(compile(cells[anchor] or "", anchor, "exec"), module.__dict__)  # noqa: S102 (the lab's own code)
    for anchor, names in (("rules", {"allowed"}), ("decoded", {"decode"})):
        body = [node for node in ast.parse(cells[anchor] or "").body if getattr(node, "name", "") in names]
        exec(compile(ast.Module(body, []), anchor, "exec"), module.__dict__)  # noqa: S102 (the same)
    return module
