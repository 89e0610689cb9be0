"""What makes each step right. Every check draws its inputs anew and stores no answers."""

import functools
import json
import math
import random
import re
from pathlib import Path
from typing import Any

import numpy as np

from practicum_labs import data, metrics
from practicum_labs.authoring.source import read_cells
from practicum_labs.checking.probe import Probe, Wrong
from practicum_labs.registry import entry

NEEDS = {"transfer": ("transformers", "safetensors.numpy")}
CUTS_SLACK, SCORE_SLACK, ECE_MOST = 0.02, 0.06, 0.1
ANSWERED_LEAST, RIGHT_LEAST = 0.25, 0.7
NOUNS = ("train", "coffee", "phone", "weekend", "garden", "match", "paper", "window")


@functools.cache
def _catalogue(folder: Path) -> dict[str, Any]:
    """Return what the lab's own cells define, as far as checks need it."""
    scope: dict[str, Any] = {"re": re, "math": math, "np": np, "random": random}
    cells = {cell.anchor: cell.code for cell in read_cells(folder / "lab.py") if cell.code}
    for anchor in ("normalise", "word_scores", "choose_cuts", "roughen"):
        exec(cells[anchor], scope)  # noqa: S102 (the catalogue's own code)
    for anchor, names in (("words", ("EMOTICON", "WORD", "words_of")), ("features", ("lexicon_columns",))):
        exec("\n".join(_definitions(cells[anchor], names)), scope)  # noqa: S102
    return scope


def _definitions(code: str, names: tuple[str, ...]) -> list[str]:
    import ast

    return [
        ast.unparse(node)
        for node in ast.parse(code).body
        if getattr(node, "name", "") in names
        or (isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in names)
    ]


def normalise(probe: Probe, candidate: Any) -> None:
    """Each rule does its own work, alone and together."""
    rng = probe.rng
    ours = _catalogue(probe.folder)
    word, other = rng.sample(NOUNS, 2)
    names = {"😂": "face with tears of joy", "👍": "thumbs up", "👍🏽": "thumbs up: medium skin tone", "🎉": "庆祝"}
    tag = word.title() + other.title()
    number = f"{rng.randint(1, 9)}000"

    def say(text: str, rules: tuple[str, ...]) -> str:
        got = probe.call(candidate, text, dict(names), rules)
        probe.expect(isinstance(got, str), "text", got=type(got).__name__)
        return str(got)

    def only(rule: str, text: str) -> tuple[str, str]:
        return say(text, (rule,)), ours["normalise"](text, names, (rule,))

    got, want = only("mentions", f"thanks @{word}_7, and @{other}!")
    probe.expect(got == want, "mentions", got=got, want=want)
    got, want = only("links", f"see https://t.co/{word} now")
    probe.expect(got == want, "links", got=got, want=want)
    got, want = only("hashtags", f"#{tag} #{word} at last")
    probe.expect(got != f"{tag} {word} at last", "camel", got=got, want=want)
    probe.expect(got == want, "hashtags", got=got, want=want)
    got, want = only("repeats", f"{number} times soooo gooood, all of it")
    probe.expect(number in got, "digits", got=got)
    probe.expect("gooood" not in got and "god" not in got and "goood" not in got, "twice", got=got, want=want)
    probe.expect(got == want, "repeats", got=got, want=want)
    got, want = only("emoji", f"{word}😂😂 👍🏽")
    probe.expect("medium" in got or "🏽" not in got, "longest", got=got, want=want)
    probe.expect(got == want, "emoji", got=got, want=want)
    text = f"@{word} soooo   funny 哈哈哈哈😂 #{tag} https://t.co/{other}"
    for rules in (tuple(rng.sample(ours["RULES"], 3)), ()):
        got, want = say(text, rules), ours["normalise"](text, names, rules)
        probe.expect(got == want, "switched_off", rules=", ".join(rules) or "()", got=got, want=want)
    got, want = say(text, ours["RULES"]), ours["normalise"](text, names)
    probe.expect(got == want, "together", got=got, want=want)


def word_scores(probe: Probe, candidate: Any) -> None:
    """The word before it, the three before it, and where a clause ends."""
    rng, ours = probe.rng, _catalogue(probe.folder)
    good, bad, icon = "g" + rng.choice(NOUNS), "b" + rng.choice(NOUNS), ":-)"
    lexicon = {good: rng.uniform(1, 3), bad: rng.uniform(-3, -1), icon: 2.0, "no": -1.2}
    stronger, weaker = rng.choice(sorted(ours["STRONGER"])), rng.choice(sorted(ours["WEAKER"]))
    not_ = rng.choice(sorted(ours["NEGATORS"] - {"no"}))
    a, b, c = rng.sample(NOUNS, 3)

    def compare(failure: str, *words: str) -> None:
        got = probe.call(candidate, list(words), dict(lexicon))
        probe.expect(isinstance(got, list | tuple) and len(got) == len(words), "list", want=len(words), got=repr(got)[:80])
        want = ours["word_scores"](list(words), lexicon)
        fine = all(math.isclose(probe.number(g), w, abs_tol=1e-6) for g, w in zip(got, want, strict=True))
        shown = [[round(float(s), 2) for s in each] for each in (got, want)]
        probe.expect(fine, failure, words=" ".join(words), got=shown[0], want=shown[1])

    compare("plain", a, good.upper(), icon, bad, b)
    compare("stronger", a, stronger, good)
    compare("weaker", weaker.upper(), bad, a)
    compare("far_stronger", stronger, a, good)
    compare("negated", a, not_, b, good)
    compare("negated", not_.upper(), bad)
    compare("window", not_, a, b, good)
    compare("window", not_, a, b, c, good)
    compare("clause", not_, a, rng.choice(sorted(ours["ENDS"] - {"but"})), good)
    compare("clause", not_, a, "But", good)
    compare("clause", bad, ",", not_, good)
    compare("negator", "no", a, ",", "NO", good)
    compare("twice", not_, not_, good)
    compare("both", not_, stronger, good, weaker, bad)


def choose_cuts(probe: Probe, candidate: Any) -> None:
    """Macro-F1 as good as two cuts can make it, whatever the scores look like."""
    rng = np.random.default_rng(probe.seed)
    for shift in (0.0, 3.0):
        labels = np.r_[np.repeat([0, 1, 2], (40, 25, 115)), [0, 1, 2]]
        scores = np.round(rng.normal(shift + np.array([-1.2, 0.4, 1.6])[labels], 0.9), 1)
        given = (scores.copy(), labels.copy()) if shift else (scores.tolist(), labels.tolist())
        got = probe.call(candidate, *given)
        probe.expect(isinstance(got, tuple | list) and len(got) == 2, "pair", got=repr(got)[:80])
        low, high = (probe.number(each) for each in got)
        probe.expect(low <= high, "order", low=low, high=high)
        reached, best, accurate = _f1(labels, _cut(scores, low, high)), *_best_cuts(scores, labels)
        share = np.mean(_cut(scores, low, high) == labels)
        neutral = np.mean(_cut(scores, low, high)[labels == 1] == 1)
        if reached >= best - CUTS_SLACK:
            continue
        facts = {"reached": reached, "best": best, "neutral": neutral}
        probe.expect(share < accurate - 0.02, "accuracy", share=share, **facts)
        raise Wrong("not_best", low=low, high=high, shift=shift, **facts)


def _cut(scores: Any, low: float, high: float) -> Any:
    return np.where(scores < low, 0, np.where(scores > high, 2, 1))


def _f1(labels: Any, found: Any) -> float:
    table = np.bincount(3 * labels + found, minlength=9).reshape(3, 3)
    return float(np.mean(2 * table.diagonal() / (table.sum(0) + table.sum(1)).clip(min=1)))


def _best_cuts(scores: Any, labels: Any) -> tuple[float, float]:
    """Return the best macro-F1 and the best accuracy of all pairs of cuts."""
    values = np.unique(scores)
    found = [_cut(scores, low, high) for low in values for high in values if low <= high]
    return max(_f1(labels, f) for f in found), max(float(np.mean(f == labels)) for f in found)


def roughen(probe: Probe, candidate: Any) -> None:
    """Three kinds, at the rate asked for, on words only, and the same again."""
    rng = probe.rng
    plain = [word for word in (*NOUNS, "really", "great", "tomorrow", "morning") for _ in range(12)]
    rng.shuffle(plain)
    kept = ["@lucy_lu", "#MondayMood", ":-)", "http://t.co/abcd", "don't", "so", "not", "bad", "sun", "B2B4", "!!!!"]

    def rough(words: list[str], rate: float, seed: int) -> list[str]:
        got = probe.call(candidate, " ".join(words), rate, random.Random(seed))  # noqa: S311
        probe.expect(isinstance(got, str), "text", got=type(got).__name__)
        probe.expect(len(got.split(" ")) == len(words), "words", got=len(got.split(" ")), want=len(words))
        return got.split(" ")

    mixed = [each for word in kept for each in (word, "weather")]
    for before, after in zip(mixed, rough(mixed, 1.0, probe.seed), strict=True):
        probe.expect(before not in kept or before == after, "protected", before=before, after=after)
    probe.expect(rough(plain, 0.0, 1) == plain, "rate_zero")
    first = rough(plain, 1.0, 2)
    kinds = {name: 0 for name in ("swap", "squeeze", "stretch")}
    for before, after in zip(plain, first, strict=True):
        kind = _kind(before, after)
        probe.expect(kind, "kind", before=before, after=after)
        if kind in kinds:
            kinds[kind] += 1
    probe.expect(min(kinds.values()) > len(plain) / 7, "uneven", **kinds)
    probe.expect(rough(plain, 1.0, 2) == first, "chance")
    probe.expect(rough(plain, 1.0, 3) != first, "chance")
    rate = rng.uniform(0.3, 0.6)
    changed = np.mean([a != b for a, b in zip(plain, rough(plain, rate, 4), strict=True)])
    probe.expect(abs(changed - rate) < 0.2, "rate", rate=rate, changed=changed)


def _kind(before: str, after: str) -> str:
    """Return how a word was made rough; empty for a way that was not asked for."""
    if before == after:
        return "same"  # letters that are alike changed places, or there was no vowel inside
    if after == before[0] + re.sub("[aeiou]", "", before[1:-1]) + before[-1]:
        return "squeeze"
    if (before[0], before[-1]) == (after[0], after[-1]) and sorted(before) == sorted(after):
        return "swap"
    runs = [before[:n] + before[n] * more + before[n + 1 :] for n in range(len(before)) for more in (3, 4, 5)]
    return "stretch" if after in runs else ""


def calibration_error(probe: Probe, candidate: Any) -> None:
    """Weighted by what a bin holds, without sign, from the confidence of what was said."""
    rng = np.random.default_rng(probe.seed)
    for bins in (10, 5):
        p = rng.dirichlet([0.6, 0.8, 1.0], size=150)
        p[:4] = np.eye(3)[[0, 2, 1, 2]]  # entirely sure
        # Right in nine of ten or in two, in turn from one tenth of confidence to the next.
        often = np.where((p.max(1) * 10).astype(int) % 2, 0.2, 0.9)
        labels = (p.argmax(1) + np.where(rng.random(150) < often, 0, rng.integers(1, 3, 150))) % 3
        labels[:3] = (p[:3].argmax(1) + 1) % 3  # and wrong
        got = probe.call(candidate, p.copy(), labels.copy(), bins)
        if np.ndim(got):
            raise Wrong("not_a_number", generic=True, got=type(got).__name__)
        got = probe.number(got)
        confidence, right = p.max(1), p.argmax(1) == labels
        parts = _bins(confidence, right, bins)
        want = sum(n * abs(gap) for n, gap in parts) / len(p)
        if math.isclose(got, want, abs_tol=1e-6):
            continue
        first = confidence < 1
        others = {
            "percent": 100 * want,
            "unweighted": np.mean([abs(gap) for _, gap in parts]),
            "no_bins": abs(right.mean() - confidence.mean()),
            "gold_probability": sum(n * abs(gap) for n, gap in _bins(p[np.arange(150), labels], right, bins)) / len(p),
            "sure_lost": sum(n * abs(gap) for n, gap in _bins(confidence[first], right[first], bins)) / len(p),
            "fixed_bins": sum(n * abs(gap) for n, gap in _bins(confidence, right, 15 - bins)) / len(p),
        }
        for failure, value in others.items():
            probe.expect(not math.isclose(abs(got), abs(value), abs_tol=1e-6), failure, got=got, want=want)
        raise Wrong("value", got=got, want=want)


def _bins(confidence: Any, right: Any, bins: int) -> list[tuple[int, float]]:
    """Return for each bin that holds something how much, and right answers less confidence."""
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    inside = [number == each for each in range(bins)]
    return [(int(m.sum()), float(right[m].mean() - confidence[m].mean())) for m in inside if m.any()]


def transfer(probe: Probe, folder: Path) -> None:
    """A scorer for reviews that beats the tuned lexicon, knows how sure it is, and passes in time."""
    head, settings, scores = _read(probe, folder)
    own = scores["ece"]  # what it says of itself needs no reading of reviews
    probe.expect(own <= ECE_MOST, "not_calibrated", error=own, most=ECE_MOST)
    ours = _catalogue(probe.folder) | {"LEXICON": _lexicon(probe)}
    split = data.load("vader-reviews", folder=probe.data)
    chosen = probe.rng.sample(split.validation, min(600, len(split.validation)))
    gold = np.array([example.label for example in chosen])
    texts = [ours["normalise"](example.text, _names(probe)) for example in chosen]
    known = probe.rng.sample(split.train, 600)
    p = _probabilities(head, _rows(probe, ours, texts), settings["temperature"])
    said = p.argmax(1)
    probe.expect(len(set(said)) > 1, "constant", label=int(said[0]))
    cuts = ours["choose_cuts"](
        [_mood(ours, ours["normalise"](e.text, _names(probe))) for e in known], [e.label for e in known]
    )
    lexicon = _cut(np.array([_mood(ours, text) for text in texts]), *cuts)
    score = metrics.score(metrics.macro_f1, gold.tolist(), said.tolist())
    gain = metrics.difference(metrics.macro_f1, gold.tolist(), said.tolist(), lexicon.tolist())
    probe.expect(gain.above_zero, "not_better", score=score.value, gain=gain.value, low=gain.low)
    probe.expect(abs(scores["macro_f1"] - score.value) <= SCORE_SLACK, "scores_differ",
                 written=scores["macro_f1"], score=score.value)
    base = _f1(gold, lexicon)
    probe.expect(abs(scores["lexicon"] - base) <= SCORE_SLACK, "lexicon_differs", written=scores["lexicon"], score=base)
    error = sum(n * abs(gap) for n, gap in _bins(p.max(1), said == gold, 10)) / len(p)
    probe.expect(error <= ECE_MOST, "not_calibrated", error=error, most=ECE_MOST)
    given = p.max(1) >= settings["threshold"]
    probe.expect(given.mean() >= ANSWERED_LEAST, "silent", share=given.mean(), least=ANSWERED_LEAST)
    right = float((said == gold)[given].mean())
    probe.expect(right >= RIGHT_LEAST, "too_bold", right=right, all=float((said == gold).mean()), least=RIGHT_LEAST)
    for name, value in (("macro_f1", score.value), ("low", score.low), ("high", score.high), ("gain", gain.value),
                        ("ece", error), ("answered", float(given.mean())), ("right", right)):
        probe.measure(name, value)


def _read(probe: Probe, folder: Path) -> tuple[dict[str, Any], dict[str, float], dict[str, float]]:
    """Return head, settings and scores of a scorer's folder."""
    from safetensors.numpy import load_file

    wanted = ("head.safetensors", "settings.json", "scores.json")
    missing = [name for name in wanted if not (folder / name).is_file()]
    probe.expect(not missing, "layout", names=", ".join(missing))
    try:
        head = load_file(folder / "head.safetensors")
        shapes = {name: head[name].shape for name in ("mean", "scale", "weight", "bias")}
    except Exception as error:
        raise Wrong("head", got=f"{type(error).__name__}: {error}"[:120]) from error
    fine = shapes == {"mean": (387,), "scale": (387,), "weight": (3, 387), "bias": (3,)}
    probe.expect(fine, "head", got=str(shapes))
    return head, _numbers(probe, folder / "settings.json", ("temperature", "threshold")), _numbers(
        probe, folder / "scores.json", ("macro_f1", "lexicon", "ece"))


def _numbers(probe: Probe, path: Path, names: tuple[str, ...]) -> dict[str, float]:
    try:
        content = json.loads(path.read_text("utf-8"))
        return {name: float(content[name]) for name in names}
    except (ValueError, KeyError, TypeError) as error:
        raise Wrong("numbers", file=path.name, names=", ".join(names)) from error


def _lexicon(probe: Probe) -> dict[str, float]:
    path = probe.data / entry("vader-lexicon").folder / "vader_lexicon.txt"
    rows = (line.split("\t") for line in path.read_text("utf-8").splitlines() if line)
    return {word: float(mean) for word, mean, *_ in rows}


@functools.cache
def _emoji(path: Path) -> dict[str, str]:
    entries = json.loads(path.read_text("utf-8"))
    entries += [skin for each in entries for skin in each.get("skins", ())]
    return {each["unicode"]: each["label"] for each in entries}


def _names(probe: Probe) -> dict[str, str]:
    return _emoji(probe.data / entry("emojibase").folder / "en/compact.json")


def _mood(ours: dict[str, Any], text: str) -> float:
    total = sum(ours["word_scores"](ours["words_of"](text), ours["LEXICON"]))
    return float(total / math.sqrt(total**2 + 15))


def _rows(probe: Probe, ours: dict[str, Any], texts: list[str]) -> Any:
    """Return the lab's 387 numbers of each text."""
    import torch
    from transformers import AutoModel, AutoTokenizer, logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    place = probe.data / entry("minilm").folder
    encoder, tokenizer = AutoModel.from_pretrained(place, add_pooling_layer=False), AutoTokenizer.from_pretrained(place)
    vectors = np.empty((len(texts), 384), "float32")
    order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
    with torch.inference_mode():
        for start in range(0, len(order), 64):
            part = order[start : start + 64]
            batch = tokenizer([texts[n] for n in part], padding=True, truncation=True, max_length=48, return_tensors="pt")
            hidden = encoder(batch["input_ids"], batch["attention_mask"]).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1)
            vectors[part] = ((hidden * mask).sum(1) / mask.sum(1)).numpy()
    scope = ours["word_scores"].__globals__
    scope["LEXICON"] = ours["LEXICON"]
    return np.hstack([vectors, [scope["lexicon_columns"](text) for text in texts]])


def _probabilities(head: dict[str, Any], x: Any, temperature: float) -> Any:
    logits = ((x - head["mean"]) / head["scale"] @ head["weight"].T + head["bias"]) / temperature
    odds = np.exp(logits - logits.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True)
