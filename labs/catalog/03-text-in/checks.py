"""What makes each step right. Every check draws its inputs anew and stores no answers."""

import html
import json
import math
import random
import re
import runpy
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from practicum_labs import data, metrics
from practicum_labs.checking.probe import Probe, Wrong

NEEDS = {
    "transfer": ("sklearn.model_selection", "sklearn.feature_extraction.text", "sklearn.svm", "nltk.tokenize"),
}
WORDS = "耳机 屏幕 客服 发货 质量 退款 快递 颜色 好评 电池 说明书 充电器 商家".split()
KEPT = ("a < b，c > d", "<3", "C++", "……", "——", "26.5℃", "3:0", "👨\u200d👩\u200d👧", "½", "x_1")
ADDRESS = re.compile(r"https?://[!-~]+")
MOST_MERGES = 1000
MOST_FERTILITY = 0.5
SCORE_SLACK = 0.06
Tokens = list[bytes]


def clean(probe: Probe, candidate: Any) -> None:
    """Each kind of dirt goes, what only looks like dirt stays, and the order is right."""
    rng = probe.rng
    one, two, three = rng.sample(WORDS, 3)
    mark, invisible = rng.choice("！？!?，。、~～"), rng.choice("\u200b\u200c\ufeff\u2060\u00ad\u202e")
    control, site = rng.choice("\x00\x07\x08\x1b\x7f"), f"https://t.cn/A{rng.randrange(10**6)}?a=1&b=2"
    tags = ((rng.choice(["b", "h1"]), ""), ("a", " href=\"http://x.cn\""))
    fixtures = {
        "tags": [(f"{one}<{tag}{more}>{two}</{tag}>{three}", f"{one}{two}{three}") for tag, more in tags],
        "ate_text": [(f"{one} {kept} {two}", f"{one} {kept} {two}") for kept in KEPT],
        "entities": [(f"{one} &amp; {two} &lt; 3 &#{ord('好')};", f"{one} & {two} < 3 好")],
        "escaped": [(f"{one} &lt;b&gt;{two}&lt;/b&gt;", f"{one} <b>{two}</b>")],
        "invisible": [(f"{one[0]}{invisible}{one[1:]}{control}{two}", f"{one}{two}")],
        "hidden": [(f"{one[0]}&#8203;{one[1:]}{two}", f"{one}{two}")],
        "blanks": [(f" \u3000{one}\r\n\t{two}<br/>{three}&nbsp;", f"{one} {two} {three}")],
        "address": [(f"{one} {site} {two}", f"{one} {two}"), (f"{one}http://x.cn", one)],
        "too_far": [(f"{one}{site}{two}，{three}", f"{one}{two}，{three}")],
        "marks": [(f"{one}{mark * rng.randint(2, 9)}{two}", f"{one}{mark}{two}"),
                  (f"{one}？！？！{two}", f"{one}？！？！{two}")],
    }
    for failure, pairs in fixtures.items():
        for dirty, want in pairs:
            got = _text(probe, probe.call(candidate, dirty))
            probe.expect(got == want, failure, dirty=_seen(dirty), got=_seen(got), want=_seen(want))
    dirty, want = _mixed(rng)
    got = _text(probe, probe.call(candidate, dirty))
    probe.expect(got == want, "together", dirty=_seen(dirty), got=_seen(got), want=_seen(want))


def _mixed(rng: random.Random) -> tuple[str, str]:
    """Return a long dirty text and what is left of it."""
    parts = [rng.choice(WORDS if rng.random() < 0.7 else KEPT) for _ in range(5)]
    noise = ("\u200b", "<i>", "</i>", "&#8203;", "\x07", "<span a='1'>", "\ufeff")
    dirty = [rng.choice(noise) + html.escape(part, quote=False) + rng.choice(noise) for part in parts]
    return " \n".join(dirty) + "。\u200b。<i>。</i><br>http://x.cn/1", " ".join(parts) + "。"


def _seen(text: str) -> str:
    """Return text in quotes, what nobody sees written as its code."""
    return f"“{''.join(c if c.isprintable() else ascii(c)[1:-1] for c in text)}”"


def _text(probe: Probe, got: Any) -> str:
    probe.expect(isinstance(got, str), "not_text", got=type(got).__name__)
    return str(got)


def normalize(probe: Probe, candidate: Any) -> None:
    """Width and case become one, composed is composed, and nothing else changes."""
    rng = probe.rng
    ascii_ = "".join(rng.choice("abcxyz0189%+-=@#/.") for _ in range(8))
    full = "".join(chr(ord(c) + 0xFEE0) for c in ascii_)
    letter = rng.choice("eaou")
    composed = unicodedata.normalize("NFC", letter + "\u0301")
    fixtures = {
        "width": [(f"{full}好", f"{ascii_}好"), ("\u3000好\u3000吗", " 好 吗"), ("～｜", "~|")],
        "punctuation": [(f"{c}好{c}", f"{c}好{c}") for c in "，！？：；（）。、《》“”"],
        "case": [("ＨＤＭＩ Hello USB", "hdmi hello usb")],
        "fold": [("Straße ΟΔΟΣ", "strasse οδοσ")],
        "changed": [(f"25 m{c}，2{c}", f"25 m{c}，2{c}") for c in "²½①…℃㎡"],
        "composed": [(f"caf{letter}\u0301", f"caf{composed}")],
        "order": [(f"caf{chr(ord(letter) + 0xFEE0)}\u0301", f"caf{composed}")],
    }
    for failure, pairs in fixtures.items():
        for given, want in pairs:
            got = _text(probe, probe.call(candidate, given))
            probe.expect(got == want, failure, given=_seen(given), got=_seen(got), want=_seen(want))


def segment(probe: Probe, candidate: Any) -> None:
    """The most probable of all ways to cut, on sentences with traps and on drawn alphabets."""
    wrong = []
    for text, logp, unknown in _to_cut(probe.rng):
        longest = max(map(len, logp))
        got = probe.call(candidate, text, dict(logp), longest, unknown)
        fine = isinstance(got, list) and all(isinstance(word, str) for word in got)
        probe.expect(fine, "not_words", got=str(got)[:80])
        probe.expect("".join(got) == text, "lost", text=text, got=" ".join(got))
        probe.expect("" not in got, "empty")
        strange = next((word for word in got if word not in logp and len(word) > 1), "")
        probe.expect(not strange, "no_word", word=strange)
        best = _best(text, logp, longest, unknown)
        score, want = (sum(logp.get(w, unknown) for w in words) for words in (got, best))
        if score < want - 1e-9:
            facts = {"text": text, "got": " ".join(got), "score": score, "want": want}
            ones = dict.fromkeys(logp, -1.0)
            fewest = len(got) == len(_best(text, ones, longest, -1.0))
            wrong.append((facts, got == _greedy(text, logp, longest), fewest))
    if wrong:
        facts = wrong[0][0]
        probe.expect(not all(greedy for _, greedy, _ in wrong), "greedy", **facts)
        probe.expect(not all(fewest for _, _, fewest in wrong), "fewest", **facts)
        raise Wrong("not_best", **facts)


def _to_cut(rng: random.Random) -> Iterator[tuple[str, dict[str, float], float]]:
    """Yield texts with the log probabilities of their words and of an unknown character."""
    a, b, c, d = rng.sample("天地人大小山水火", 4)
    logp = dict.fromkeys((a, b, c, d), -1.0) | {a + b: -20.0, b + c + d: -20.0}
    yield a + b + c + d, logp, -15.0  # greedy, fewest and best differ
    for text, words in (("他说的确实在理", "他 说 的 的确 确实 实在 在 在理 理"),
                        ("研究生命起源", "研究 研究生 生命 命 起源"),
                        ("乒乓球拍卖完了", "乒乓 乒乓球 球拍 拍卖 卖 完 了")):
        yield text, {word: -rng.uniform(2, 12) for word in words.split()}, -30.0
    for _ in range(12):
        letters = rng.sample("天地人大小山水火", 3)
        made = {"".join(rng.choices(letters, k=rng.randint(1, 4))) for _ in range(14)}
        text = "".join(rng.choices([*letters, "龘"], k=rng.randint(5, 11)))
        yield text, {word: -rng.uniform(1, 9) for word in sorted(made)}, -15.0
    words = ("天地", "地人", "人天", "天", "地", "人")
    yield "".join(rng.choices("天地人", k=60)), dict.fromkeys(words, -3.0), -15.0


def _best(text: str, logp: dict[str, float], longest: int, unknown: float) -> list[str]:
    best: list[tuple[float, list[str]]] = [(0.0, [])]
    for end in range(1, len(text) + 1):
        ways = []
        for begin in range(max(0, end - longest), end):
            word = text[begin:end]
            alone = unknown if len(word) == 1 else -math.inf
            before, words = best[begin]
            ways.append((before + logp.get(word, alone), [*words, word]))
        best.append(max(ways, key=lambda way: way[0]))
    return best[-1][1]


def _greedy(text: str, logp: dict[str, float], longest: int) -> list[str]:
    found, at = [], 0
    while at < len(text):
        ends = range(min(len(text), at + longest), at, -1)
        end = next((e for e in ends if text[at:e] in logp), at + 1)
        found.append(text[at:end])
        at = end
    return found


def word_f1(probe: Probe, candidate: Any) -> None:
    """Words by their place, over all sentences together."""
    rng = probe.rng
    gold, predicted = [], []
    for _ in range(rng.randint(6, 9)):
        text = "".join(rng.choices("天地人大小", k=rng.randint(2, 30)))
        ours, theirs = _cut(text, rng, 0.5), _cut(text, rng, 0.7)
        gold.append(ours)
        predicted.append(theirs)
    got = probe.number(probe.call(candidate, gold, predicted))
    pairs = list(zip(gold, predicted, strict=True))
    spans = [(_spans(a), _spans(b)) for a, b in pairs]
    right = sum(len(a & b) for a, b in spans)
    wanted, found = sum(map(len, gold)), sum(map(len, predicted))
    want = 2 * right / (wanted + found)
    if abs(got - want) > 1e-6:
        bags = sum((Counter(a) & Counter(b)).total() for a, b in pairs)
        ends = [({e for _, e in a}, {e for _, e in b}) for a, b in spans]
        each = [2 * len(a & b) / (len(a) + len(b)) for a, b in spans]
        others = {
            "precision": right / found, "recall": right / wanted,
            "percent": 100 * want, "bag": 2 * bags / (wanted + found),
            "bounds": 2 * sum(len(a & b) for a, b in ends) / (wanted + found),
            "mean": sum(each) / len(each),
            "exact": sum(a == b for a, b in pairs) / len(pairs),
        }
        for failure, value in others.items():
            probe.expect(abs(got - value) > 1e-6, failure, got=got, want=want)
        raise Wrong("value", got=got, want=want)
    none = probe.number(probe.call(candidate, [["天地"]], [["天", "地"]]))
    probe.expect(none == 0, "value", got=none, want=0.0)


def _cut(text: str, rng: random.Random, chance: float) -> list[str]:
    words = [text[0]]
    for character in text[1:]:
        if rng.random() < chance:
            words.append(character)
        else:
            words[-1] += character
    return words


def _spans(words: Sequence[str]) -> set[tuple[int, int]]:
    ends = [sum(len(word) for word in words[: n + 1]) for n in range(len(words))]
    return set(pairwise([0, *ends]))


def learn_merges(probe: Probe, candidate: Any) -> None:
    """The same merges in the same order, also where pieces weigh differently and pairs tie."""
    rng = probe.rng
    for text, size in (("天地人大小山", 25), ("abc", 12), ("ab", 400)):
        made = ["".join(rng.choices(text, k=rng.randint(1, 7))) for _ in range(14)]
        counts = {piece.encode(): rng.randint(1, 30) for piece in made}
        got = probe.call(candidate, dict(counts), size)
        fine = isinstance(got, list) and all(
            isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(p, bytes) for p in pair)
            for pair in got
        )
        probe.expect(fine, "not_pairs", got=str(got)[:80])
        want = _merges(counts, size)
        if got != want:
            probe.expect(len(got) <= size, "too_many", got=len(got), want=size)
            probe.expect(got != _merges(dict.fromkeys(counts, 1), size), "unweighted")
            probe.expect(got != _first_counts(counts, size), "once")
            at = next((n for n, (a, b) in enumerate(zip(got, want, strict=False)) if a != b), -1)
            probe.expect(at >= 0, "too_few", got=len(got), want=len(want))
            ties = _pair_counts(_parts(counts, want[:at]), counts)
            probe.expect(ties[got[at]] != ties[want[at]], "tie", got=got[at], want=want[at])
            raise Wrong("merges", place=at + 1, got=got[at], want=want[at])


def _parts(counts: dict[bytes, int], merges: Sequence[tuple[bytes, bytes]]) -> dict[bytes, Tokens]:
    tokens = {piece: [bytes([b]) for b in piece] for piece in counts}
    for pair in merges:
        tokens = {piece: _merge(parts, pair) for piece, parts in tokens.items()}
    return tokens


def _pair_counts(tokens: dict[bytes, Tokens], counts: dict[bytes, int]) -> Counter[Any]:
    pairs: Counter[Any] = Counter()
    for piece, parts in tokens.items():
        for pair in pairwise(parts):
            pairs[pair] += counts[piece]
    return pairs


def _merges(counts: dict[bytes, int], size: int) -> list[tuple[bytes, bytes]]:
    tokens, merges = _parts(counts, ()), []
    while len(merges) < size and (pairs := _pair_counts(tokens, counts)):
        merges.append(min(pairs, key=lambda pair: (-pairs[pair], pair)))
        tokens = {piece: _merge(parts, merges[-1]) for piece, parts in tokens.items()}
    return merges


def _first_counts(counts: dict[bytes, int], size: int) -> list[tuple[bytes, bytes]]:
    pairs = _pair_counts(_parts(counts, ()), counts)
    return sorted(pairs, key=lambda pair: (-pairs[pair], pair))[:size]


def _merge(tokens: Tokens, pair: tuple[bytes, bytes]) -> Tokens:
    made: Tokens = []
    for token in tokens:
        if made and (made[-1], token) == pair:
            made[-1] += token
        else:
            made.append(token)
    return made


def encode(probe: Probe, candidate: Any) -> None:
    """Merges in their order; every text comes back, also what the merges never saw."""
    rng = probe.rng
    made = ["".join(rng.choices("天地人ab", k=rng.randint(2, 8))) for _ in range(20)]
    counts = {piece.encode(): rng.randint(1, 30) for piece in made}
    ranks = {pair: rank for rank, pair in enumerate(_merges(counts, 40))}
    drawn = ["".join(rng.choices("天地人ab", k=12)) for _ in range(12)]
    wrong: list[tuple[str, Tokens, Tokens]] = []
    for text in (*made, *drawn, "龘 👨\u200d👩\u200d👧  x_1\n", ""):
        got = probe.call(candidate, text, dict(ranks))
        fine = isinstance(got, list) and all(isinstance(token, bytes) for token in got)
        probe.expect(fine, "not_tokens", got=str(got)[:80])
        back = b"".join(got).decode(errors="replace")
        probe.expect(back == text, "lossy", text=text, got=back)
        want = _encode(text, ranks)
        if got != want:
            wrong.append((text, got, want))
    if wrong:
        text, got, want = wrong[0]
        facts = {"text": text, "got": _shown(got), "want": _shown(want)}
        whole = {a + b for a, b in ranks}
        probe.expect(any(len(g) < len(t.encode()) for t, g, _ in wrong), "no_merge", **facts)
        probe.expect(any(g != _longest(t, whole) for t, g, _ in wrong), "longest", **facts)
        probe.expect(not any(_left(t, g, ranks) for t, g, _ in wrong), "stops_early", **facts)
        raise Wrong("order", **facts)


def _encode(text: str, ranks: dict[tuple[bytes, bytes], int]) -> Tokens:
    tokens = []
    for piece in _pieces(text):
        parts = [bytes([b]) for b in piece]
        for pair in ranks:
            parts = _merge(parts, pair)
        tokens += parts
    return tokens


def _left(text: str, tokens: Tokens, ranks: dict[tuple[bytes, bytes], int]) -> bool:
    """Whether two neighbours inside a piece could still be merged."""
    bounds = set(accumulate(len(piece) for piece in _pieces(text)))
    ends = accumulate(len(token) for token in tokens)
    pairs = zip(pairwise(tokens), ends, strict=False)
    return any(pair in ranks and end not in bounds for pair, end in pairs)


def _longest(text: str, whole: set[bytes]) -> Tokens:
    tokens = []
    for piece in _pieces(text):
        at = 0
        while at < len(piece):
            end = next((e for e in range(len(piece), at, -1) if piece[at:e] in whole), at + 1)
            tokens.append(piece[at:end])
            at = end
    return tokens


def _pieces(text: str) -> Tokens:
    return [p.encode() for p in re.findall(r" ?[^\W\d_]+|\d| ?(?:[^\w\s]|_)+|\s+", text)]


def _shown(tokens: Tokens) -> str:
    return " | ".join(token.decode(errors="backslashreplace") for token in tokens)


def transfer(probe: Probe, folder: Path) -> None:
    """A pipeline that cleans tweets, loses nothing else, is cheap, and says how good it is."""
    names = ("pipeline.py", "merges.json", "scores.json")
    missing = [name for name in names if not (folder / name).is_file()]
    probe.expect(not missing, "layout", names=", ".join(missing))
    tidy, cut = _pipeline(probe, folder)
    written = _json(probe, folder / "scores.json", dict)
    systems = ("characters", "words", "subwords")
    fine = all(isinstance(written.get(name), int | float) for name in systems)
    probe.expect(fine, "no_comparison")
    split = data.load("vader-tweets", folder=probe.data)
    _tidies(probe, tidy, [e.text for e in probe.rng.sample(split.validation, 200)])
    texts = [str(tidy(example.text)) for example in split.validation]
    for text in (*probe.rng.sample(texts, 200), "好评👍 naïve x_1 龘"):
        back = b"".join(probe.call(cut, text)).decode(errors="replace")
        probe.expect(back == text, "lossy", text=text, got=back)
    fertility = sum(len(cut(text)) for text in texts) / sum(map(len, texts))
    probe.expect(fertility <= MOST_FERTILITY, "costly", got=fertility, most=MOST_FERTILITY)
    _scores(probe, written, split, _cutters(tidy, cut))
    probe.measure("fertility", fertility)


def _pipeline(probe: Probe, folder: Path) -> tuple[Callable[[str], Any], Callable[[str], Any]]:
    """Return tidy and encode of pipeline.py, the second with merges.json."""
    pairs = _json(probe, folder / "merges.json", list)
    probe.expect(len(pairs) <= MOST_MERGES, "too_many", got=len(pairs), most=MOST_MERGES)
    try:
        ranks = {tuple(part.encode("latin-1") for part in pair): n for n, pair in enumerate(pairs)}
        scope = runpy.run_path(str(folder / "pipeline.py"))
    except Exception as error:
        raise Wrong("does_not_load", error=f"{type(error).__name__}: {error}"[:200]) from error
    probe.expect(callable(scope.get("tidy")) and callable(scope.get("encode")), "no_code")
    return scope["tidy"], lambda text: scope["encode"](text, ranks)


def _json(probe: Probe, path: Path, kind: type) -> Any:
    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError:
        content = None
    probe.expect(isinstance(content, kind), "not_json", name=path.name)
    return content


def _tidies(probe: Probe, tidy: Callable[[str], Any], texts: list[str]) -> None:
    for text in texts:
        noisy = text.replace(" ", "\u200b ", 1) + f" http://t.co/x{probe.rng.randrange(99)} &amp; ＯＫ"
        got = _text(probe, probe.call(tidy, noisy))
        facts = {"text": _seen(noisy), "got": _seen(got)}
        dirt = ADDRESS.search(got) or "\u200b" in got or "&amp;" in got or not got.endswith("& ok")
        probe.expect(not dirt, "dirty", **facts)
        probe.expect(not re.search(r"(?<!\w)@(?!user\b)\w", got), "names", **facts)
        words = re.findall(r"[a-z]+", re.sub(r"https?://\S+|&\w+;|<[^>]*>|@\w+", " ", text.lower()))
        lost = [word for word in words if word.isascii() and word not in got]
        probe.expect(len(lost) <= len(words) / 5, "overcleaned", words=" ".join(lost[:5]), **facts)


def _cutters(tidy: Callable[[str], Any], cut: Callable[[str], Any]) -> dict[str, Any]:
    from nltk.tokenize import TweetTokenizer

    words = TweetTokenizer(reduce_len=True)
    return {
        "characters": lambda text: list(tidy(text)),
        "words": lambda text: words.tokenize(tidy(text)),
        "subwords": lambda text: cut(tidy(text)),
    }


def _scores(
    probe: Probe, written: dict[str, float], split: data.Split, cutters: dict[str, Any]
) -> None:
    """Each score holds on the validation side, and subwords are clearly better than characters."""
    gold = [example.label for example in split.validation]
    answers = {name: _classify(split, cut) for name, cut in cutters.items()}
    for name, answer in answers.items():
        score = metrics.score(metrics.macro_f1, gold, answer).value
        close = abs(written[name] - score) <= SCORE_SLACK
        probe.expect(close, "scores_differ", name=name, written=written[name], score=score)
        probe.measure(name, score)
    for name in ("characters", "words"):
        gain = metrics.difference(metrics.macro_f1, gold, answers["subwords"], answers[name])
        probe.measure(f"over_{name}", gain.value)
        if name == "characters":
            probe.expect(gain.above_zero, "not_better", gain=gain.value, low=gain.low)


def _classify(split: data.Split, cut: Any) -> list[int]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.model_selection import GridSearchCV
    from sklearn.svm import LinearSVC

    features = TfidfVectorizer(analyzer=cut, sublinear_tf=True)
    strengths = {"C": [0.03, 0.1, 0.3, 1]}
    model = GridSearchCV(LinearSVC(class_weight="balanced"), strengths, cv=3, scoring="f1_macro")
    model.fit(features.fit_transform([e.text for e in split.train]), [e.label for e in split.train])
    answers: list[int] = model.predict(features.transform([e.text for e in split.validation])).tolist()
    return answers
