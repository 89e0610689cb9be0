"""Scores with intervals: accuracy, macro-F1, the difference of two systems; agreement of raters.

``bootstrap`` gives any other statistic its interval. For scores of classes, resampling needs
only how often each combination of gold and predicted classes occurs, so a thousand bootstrap
samples cost little even without numpy.
"""

import random
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

SAMPLES: Final = 1000
CONFIDENCE: Final = 0.95
Pairs = Mapping[tuple[int, int], int]
Key = TypeVar("Key", tuple[int, int], tuple[int, int, int])
Metric = Callable[[Pairs], float]


@dataclass(frozen=True, slots=True)
class Interval:
    """A score with its percentile bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return it as `0.712 [0.671, 0.750]`."""
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    @property
    def above_zero(self) -> bool:
        """Whether the whole interval is above zero."""
        return self.low > 0


def accuracy(pairs: Pairs) -> float:
    """Return the share of right predictions."""
    right = sum(n for (gold, predicted), n in pairs.items() if gold == predicted)
    return right / sum(pairs.values())


def macro_f1(pairs: Pairs) -> float:
    """Return the mean over classes of F1 = 2tp / (2tp + fp + fn)."""
    gold: Counter[int] = Counter()
    predicted: Counter[int] = Counter()
    for (is_, said), n in pairs.items():
        gold[is_] += n
        predicted[said] += n
    classes = gold.keys() | predicted.keys()
    return sum(2 * pairs.get((c, c), 0) / (gold[c] + predicted[c]) for c in classes) / len(classes)


def fleiss_kappa(counts: Sequence[Sequence[int]]) -> float:
    """Return Fleiss' kappa: how far raters agree beyond chance, 1 for complete agreement.

    ``counts`` holds for each item how many raters chose each class; every item has the same
    number of raters, two or more, and not all labels are alike (Fleiss 1971).
    """
    raters = {sum(row) for row in counts}
    if len(raters) != 1 or min(raters) < 2:  # noqa: PLR2004 (it takes two to agree)
        raise ValueError("every item needs the same number of raters, two or more")
    (each,) = raters
    items = len(counts)
    agreement = sum(n * (n - 1) for row in counts for n in row) / (items * each * (each - 1))
    shares = [sum(column) / (items * each) for column in zip(*counts, strict=True)]
    chance: float = sum(share**2 for share in shares)
    return (agreement - chance) / (1 - chance)


def score(
    metric: Metric, gold: Sequence[int], predicted: Sequence[int], *, seed: int = 0
) -> Interval:
    """Return ``metric`` of one system with its interval."""
    pairs = list(zip(gold, predicted, strict=True))
    return _bootstrap(pairs, metric, seed)


def difference(
    metric: Metric,
    gold: Sequence[int],
    predicted: Sequence[int],
    baseline: Sequence[int],
    *,
    seed: int = 0,
) -> Interval:
    """Return how much better ``predicted`` is than ``baseline`` on the same examples (paired)."""

    def gain(triples: Mapping[tuple[int, int, int], int]) -> float:
        ours: Counter[tuple[int, int]] = Counter()
        theirs: Counter[tuple[int, int]] = Counter()
        for (is_, said, base), n in triples.items():
            ours[is_, said] += n
            theirs[is_, base] += n
        return metric(ours) - metric(theirs)

    return _bootstrap(list(zip(gold, predicted, baseline, strict=True)), gain, seed)


def bootstrap(
    statistic: Callable[[Sequence[int]], float],
    count: int,
    *,
    groups: Sequence[Hashable] | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Interval:
    """Return ``statistic`` of the indices 0 … count - 1 with its percentile interval.

    Rows of one group (a template, a document, a person) depend on one another and are drawn
    together; without ``groups`` each row stands for itself. For a paired difference let
    ``statistic`` subtract both systems' scores on the indices it gets. Raises ValueError when
    there is nothing to score or ``groups`` has another length.
    """
    if not count:
        raise ValueError("nothing to score")
    members: dict[Hashable, list[int]] = {}
    given = range(count) if groups is None else groups
    for index, group in zip(range(count), given, strict=True):
        members.setdefault(group, []).append(index)
    blocks = list(members.values())
    rng = random.Random(seed)  # noqa: S311 (a reproducible draw)
    values = [
        statistic([index for block in rng.choices(blocks, k=len(blocks)) for index in block])
        for _ in range(samples)
    ]
    return _interval(statistic(range(count)), values)


@dataclass(frozen=True, slots=True)
class Bleu:
    """Corpus BLEU, 0 to 100, with its interval and what is needed to compute it again."""

    interval: Interval
    signature: str

    @property
    def value(self) -> float:
        """The score."""
        return self.interval.value

    def __str__(self) -> str:
        """Return it as `45.0 [41.2, 48.7]`."""
        found = self.interval
        return f"{found.value:.1f} [{found.low:.1f}, {found.high:.1f}]"


def bleu(
    hypotheses: Sequence[str],
    references: Sequence[str],
    *,
    language: str,
    groups: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> Bleu:
    """Return corpus BLEU of translations into ``language``, one reference each, by sacreBLEU.

    Chinese is cut into characters, other languages as WMT does (`13a`). ``groups`` as in
    ``bootstrap``.
    """
    scorer, statistic = _bleu_of(hypotheses, references, language)
    interval = bootstrap(statistic, len(references), groups=groups, seed=seed)
    return Bleu(interval, str(scorer.get_signature()))


def bleu_difference(
    hypotheses: Sequence[str],
    baseline: Sequence[str],
    references: Sequence[str],
    *,
    language: str,
    groups: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> Interval:
    """Return how much more BLEU ``hypotheses`` have than ``baseline`` on the same references."""
    _, ours = _bleu_of(hypotheses, references, language)
    _, theirs = _bleu_of(baseline, references, language)

    def gain(chosen: Sequence[int]) -> float:
        return ours(chosen) - theirs(chosen)

    return bootstrap(gain, len(references), groups=groups, seed=seed)


def _bleu_of(
    hypotheses: Sequence[str], references: Sequence[str], language: str
) -> tuple[Any, Callable[[Sequence[int]], float]]:
    """Return sacreBLEU's scorer, and BLEU of chosen rows from counts that are made once."""
    import numpy as np
    from sacrebleu.metrics import BLEU

    scorer = BLEU(tokenize="zh" if language == "zh" else "13a")
    rows = []
    for said, wanted in zip(hypotheses, references, strict=True):
        one = scorer.corpus_score([said], [[wanted]])
        rows.append([*one.counts, *one.totals, one.sys_len, one.ref_len])
    table, order = np.array(rows), scorer.max_ngram_order

    def statistic(chosen: Sequence[int]) -> float:
        sums = table[np.asarray(chosen)].sum(axis=0).tolist()
        found = scorer.compute_bleu(
            sums[:order],
            sums[order:-2],
            *sums[-2:],
            smooth_method=scorer.smooth_method,
            smooth_value=scorer.smooth_value,
        )
        return float(found.score)

    return scorer, statistic


def _bootstrap(
    items: list[Key], metric: Callable[[Mapping[Key, int]], float], seed: int
) -> Interval:
    if not items:
        raise ValueError("nothing to score")
    counts = Counter(items)
    # Drawn within each gold class: a mean over classes must not lose one that is rare.
    classes: dict[int, Counter[Key]] = {}
    for item, n in counts.items():
        classes.setdefault(item[0], Counter())[item] = n
    rng = random.Random(seed)  # noqa: S311 (a reproducible draw)
    values = []
    for _ in range(SAMPLES):
        drawn: Counter[Key] = Counter()
        for each in classes.values():
            drawn.update(rng.choices(list(each), list(each.values()), k=each.total()))
        values.append(metric(drawn))
    return _interval(metric(counts), values)


def _interval(value: float, values: list[float]) -> Interval:
    values.sort()
    tail = (1 - CONFIDENCE) / 2
    low, high = values[int(tail * len(values))], values[int((1 - tail) * len(values)) - 1]
    return Interval(value, low, high)
