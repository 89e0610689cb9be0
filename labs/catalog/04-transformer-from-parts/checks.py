"""What makes each step right: torch's own modules say so, on inputs drawn anew."""

import json
import math
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from practicum_labs import data, metrics
from practicum_labs.checking.probe import Probe, Wrong

NEEDS = {
    "transfer": ("safetensors.torch", "sklearn.svm", "sklearn.pipeline",
                 "sklearn.feature_extraction.text"),
}
CLOSE = {"rtol": 1e-5, "atol": 1e-5}
LARGEST_MIB = 4
SCORE_SLACK = 0.08
BEHIND_COUNTS = 0.12
TEXTS = 900


def _same(got: torch.Tensor, want: torch.Tensor) -> bool:
    return got.shape == want.shape and torch.allclose(got, want, **CLOSE)


def to_ids(probe: Probe, candidate: Any) -> None:
    """Fixed length, whatever comes in: a word, a sentence, a paragraph."""
    rng = probe.rng
    letters = rng.sample("天地玄黄宇宙洪荒日月盈昃辰宿列张", 9)
    vocabulary = {letter: number for number, letter in enumerate(letters, 2)}
    length = rng.randint(4, 7)
    texts = [[rng.choice(letters) for _ in range(n)] for n in (length, 1, length + 3, length - 2)]
    texts += [[letters[0], "未", letters[1]], [], [rng.choice(letters) for _ in range(60)]]
    want = torch.tensor([
        ([vocabulary.get(t, 1) for t in text] + [0] * length)[:length] for text in texts
    ])
    got = probe.call(candidate, [list(text) for text in texts], dict(vocabulary), length)
    got = probe.tensor(got, shape=tuple(want.shape), dtype=torch.long)
    if torch.equal(got, want):
        return
    known = [0, 1, 2, 3, 5, 6]
    filled = torch.equal(got[known] == 0, want[known] == 0)
    probe.expect(filled, "padding", got=got[1].tolist())
    probe.expect(torch.equal(got[0], want[0]), "value", got=got[0].tolist(), want=want[0].tolist())
    probe.expect(torch.equal(got[2], want[2]), "cut", got=got[2].tolist(), want=want[2].tolist())
    raise Wrong("unknown", got=got[4].tolist())


def _reference_positions(length: int, width: int) -> torch.Tensor:
    """The formula of the paper, number by number."""
    rows = [[(math.sin if d % 2 == 0 else math.cos)(p / 10000 ** ((d - d % 2) / width))
             for d in range(width)] for p in range(length)]
    return torch.tensor(rows)


def positions(probe: Probe, candidate: Any) -> None:
    """Sines and cosines, as section 3.5 of the paper has them."""
    length, width = probe.rng.randint(9, 40), 2 * probe.rng.randint(4, 16)
    want = _reference_positions(length, width)
    got = probe.tensor(probe.call(candidate, length, width), shape=(length, width)).float()
    if _same(got, want):
        return
    sines, cosines = want[:, 0::2], want[:, 1::2]
    probe.expect(not _same(got, torch.cat([sines, cosines], dim=1)), "halves")
    probe.expect(not _same(got, torch.stack([cosines, sines], -1).flatten(1)), "swapped")
    probe.expect(not _same(got, _reference_positions(length + 1, width)[1:]), "start")
    place, number = torch.arange(length)[:, None], torch.arange(0, width, 2)
    for power in (number / 2 / width, 2 * number / width):
        angle = place / 10000**power
        wrong = torch.stack([angle.sin(), angle.cos()], -1).flatten(1)
        probe.expect(not torch.allclose(got, wrong, atol=1e-3), "exponent")
    raise Wrong("value")


def embed(probe: Probe, candidate: Any) -> None:
    """The token's row of the table, scaled, and its position's row."""
    torch.manual_seed(probe.seed)
    rng = probe.rng
    size, width = rng.randint(10, 20), 2 * rng.randint(3, 6)
    for batch, tokens in ((1, 1), (3, rng.randint(4, 9)), (2, 60)):
        ids = torch.randint(0, size, (batch, tokens))
        table = torch.randn(size, width, requires_grad=True)
        places = torch.randn(tokens + rng.randint(1, 5), width)
        vectors = torch.stack([torch.stack([table[i] for i in row]) for row in ids])
        here, scale = places[:tokens], math.sqrt(width)
        got = probe.call(candidate, ids.clone(), table, places.clone())
        got = probe.tensor(got, shape=(batch, tokens, width), dtype=torch.float32)
        if not _same(got, vectors * scale + here):
            probe.expect(not _same(got, vectors * scale), "no_positions")
            probe.expect(not _same(got, vectors + here), "unscaled")
            probe.expect(not _same(got, (vectors + here) * scale), "all_scaled")
            raise Wrong("value")
        probe.expect(got.requires_grad, "detached")


def softmax(probe: Probe, candidate: Any) -> None:
    """Probabilities, at any temperature and any size of logits."""
    torch.manual_seed(probe.seed)
    rng = probe.rng
    shape = (rng.randint(2, 4), rng.randint(5, 7), rng.randint(8, 11))
    for temperature in (1.0, rng.choice([0.3, 0.5]), rng.choice([2.0, 3.0])):
        logits = torch.randn(shape) * 3
        want = F.softmax(logits / temperature, dim=-1)
        got = probe.tensor(probe.call(candidate, logits.clone(), temperature), shape=shape)
        if _same(got, want):
            continue
        plain, times = F.softmax(logits, dim=-1), F.softmax(logits * temperature, dim=-1)
        probe.expect(not _same(got, plain), "temperature")
        probe.expect(not _same(got, times), "inverse")
        sums = got.sum(dim=-1)
        probe.expect(torch.allclose(sums, torch.ones_like(sums), atol=1e-4), "sum",
                     got=float(sums.flatten()[0]))
        raise Wrong("value")
    large = torch.randn(3, 6) * 5 + rng.choice([500, 2000])
    got = probe.call(candidate, large.clone(), 0.5)
    probe.expect(isinstance(got, torch.Tensor) and bool(torch.isfinite(got).all()), "overflow")
    probe.expect(torch.allclose(got, F.softmax(large / 0.5, dim=-1), atol=2e-3), "value")


def attention(probe: Probe, candidate: Any) -> None:
    """What F.scaled_dot_product_attention gives, within 1e-5."""
    torch.manual_seed(probe.seed)
    rng = probe.rng
    batch, heads, queries, keys = 2, rng.randint(2, 3), rng.randint(4, 6), rng.randint(7, 9)
    width, out = rng.choice([5, 8, 12]), rng.randint(3, 6)  # never as many as keys
    q = torch.randn(batch, heads, queries, width)
    k, v = torch.randn(batch, heads, keys, width), torch.randn(batch, heads, keys, out)
    mask = torch.rand(batch, 1, queries, keys) < 0.6
    mask[..., 0] = True
    for given in (None, mask):
        want = F.scaled_dot_product_attention(q, k, v, attn_mask=given)
        got = probe.call(candidate, q.clone(), k.clone(), v.clone(), given)
        shape = (batch, heads, queries, out)
        if given is not None:
            _masked(q, k, v, given, got)
        got = probe.tensor(got, shape=shape, dtype=torch.float32)
        if _same(got, want):
            probe.measure("difference", float((got - want).abs().max()))
            continue
        for power, failure in ((0.0, "scale"), (1.0, "width")):
            scores = _hide(q @ k.transpose(-2, -1) / width**power, given)
            probe.expect(not _same(got, scores.softmax(-1) @ v), failure, width=width)
        scores = _hide(q @ k.transpose(-2, -1) / width**0.5, given)
        probe.expect(not _same(got, scores.softmax(-2).nan_to_num() @ v), "axis")
        raise Wrong("value", got=float((got - want).abs().max()))


def _hide(scores: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    return scores if mask is None else scores.masked_fill(~mask, float("-inf"))


def _masked(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor, got: Any) -> None:
    """Raise Wrong for the ways in which people get the mask wrong."""
    if not isinstance(got, torch.Tensor):
        return
    free = F.scaled_dot_product_attention(q, k, v)
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    late = (scores.softmax(-1) * mask) @ v
    other = _hide(scores, ~mask).softmax(-1) @ v
    zeroed = (scores * mask).softmax(-1) @ v
    for wrong, failure in ((free, "mask_ignored"), (late, "mask_late"), (zeroed, "mask_zero")):
        if _same(got, wrong):
            raise Wrong(failure)
    fine = ~other.isnan()
    if got.shape == other.shape and torch.allclose(got[fine], other[fine], **CLOSE):
        raise Wrong("mask_inverted")


def multi_head(probe: Probe, candidate: Any) -> None:
    """What nn.MultiheadAttention gives with the same weights, within 1e-5."""
    torch.manual_seed(probe.seed)
    rng = probe.rng
    heads = rng.choice([2, 4])
    width, batch, queries, keys = heads * rng.randint(3, 6), 3, rng.randint(4, 6), rng.randint(7, 9)
    theirs = nn.MultiheadAttention(width, heads, batch_first=True).eval()
    for parameter in theirs.parameters():
        nn.init.normal_(parameter, std=0.5)
    x, memory = torch.randn(batch, queries, width), torch.randn(batch, keys, width)
    for given, look in ((memory, None), (x, torch.ones(queries, queries, dtype=torch.bool).tril())):
        hidden = None if look is None else ~look
        with torch.no_grad():
            want, _ = theirs(x, given, given, attn_mask=hidden)
            got = probe.call(candidate, x.clone(), given.clone(), theirs, heads, look, _attend)
            got = probe.tensor(got, shape=(batch, queries, width), dtype=torch.float32)
            if _same(got, want):
                probe.measure("difference", float((got - want).abs().max()))
                continue
            _wrong_heads(probe, theirs, (x, given, look), heads, got)
        raise Wrong("value", got=float((got - want).abs().max()))


def _attend(q: Any, k: Any, v: Any, mask: Any) -> Any:
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


def _wrong_heads(probe: Probe, theirs: nn.MultiheadAttention, inputs: tuple[Any, Any, Any],
                 heads: int, got: torch.Tensor) -> None:
    x, memory, look = inputs
    parts = list(zip(theirs.in_proj_weight.chunk(3), theirs.in_proj_bias.chunk(3), strict=True))
    q, k, v = (F.linear(z, *part) for z, part in zip((x, memory, memory), parts, strict=True))
    single = _attend(q, k, v, look)
    probe.expect(not _same(got, theirs.out_proj(single)), "one_head", heads=heads)
    s_q, s_k, s_v = (z.unflatten(-1, (heads, -1)).transpose(1, 2) for z in (q, k, v))
    each = _attend(s_q, s_k, s_v, look)
    probe.expect(not _same(got, each.transpose(1, 2).flatten(2)), "no_output")
    probe.expect(not _same(got, theirs.out_proj(each.reshape(x.shape))), "joined")
    b_q, b_k, b_v = (z.reshape(z.shape[0], heads, z.shape[1], -1) for z in (q, k, v))
    mixed = _attend(b_q, b_k, b_v, look)
    for joined in (mixed.transpose(1, 2).flatten(2), mixed.reshape(x.shape)):
        probe.expect(not _same(got, theirs.out_proj(joined)), "split")
    own, _ = theirs(x, x, x, attn_mask=None if look is None else ~look)
    probe.expect(not _same(got, own) or memory is x, "memory")


def feed_forward(probe: Probe, candidate: Any) -> None:
    """Two linear layers with max(0, .) between them, each token by itself."""
    torch.manual_seed(probe.seed)
    rng = probe.rng
    batch, tokens, width, inner = 2, rng.randint(4, 6), rng.randint(5, 8), rng.randint(12, 20)
    first, second = nn.Linear(width, inner), nn.Linear(inner, width)
    x = torch.randn(batch, tokens, width)
    weights = (first.weight, first.bias, second.weight, second.bias)
    want = second(F.relu(first(x)))
    got = probe.call(candidate, x.clone(), *weights)
    got = probe.tensor(got, shape=(batch, tokens, width), dtype=torch.float32)
    if not _same(got, want):
        probe.expect(not _same(got, second(first(x))), "linear")
        probe.expect(not _same(got, F.relu(second(F.relu(first(x))))), "relu_last")
        probe.expect(not _same(got, F.relu(second(first(x)))), "relu_last")
        bare = F.linear(F.relu(F.linear(x, first.weight)), second.weight)
        probe.expect(not _same(got, bare), "biases")
        probe.expect(not _same(got, x + want), "residual")
        raise Wrong("value")
    probe.expect(got.requires_grad, "detached")


def sublayer(probe: Probe, candidate: Any) -> None:
    """Two of them in a row are an nn.TransformerEncoderLayer, within 1e-5."""
    torch.manual_seed(probe.seed)
    rng = probe.rng
    heads = rng.choice([2, 4])
    width, tokens = heads * rng.randint(3, 6), rng.randint(5, 8)
    layer = nn.TransformerEncoderLayer(width, heads, 3 * width, dropout=0.0, batch_first=True,
                                       norm_first=True).eval()
    for norm in (layer.norm1, layer.norm2):
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    x = 2 * torch.randn(3, tokens, width) + 1

    def attend(z: torch.Tensor) -> torch.Tensor:
        return layer.self_attn(z, z, z, need_weights=False)[0]

    def feed(z: torch.Tensor) -> torch.Tensor:
        return layer.linear2(F.relu(layer.linear1(z)))

    def run(z: torch.Tensor, work: Any, norm: Any, residual: bool) -> torch.Tensor:  # noqa: FBT001
        got = probe.call(candidate, z.clone(), work, norm, residual)
        return probe.tensor(got, shape=tuple(z.shape), dtype=torch.float32)

    with torch.no_grad():
        normed = layer.norm1(x)
        change = attend(normed)
        got = run(x, attend, layer.norm1, True)  # noqa: FBT003
        if not _same(got, x + change):
            probe.expect(not _same(got, change), "missing")
            probe.expect(not _same(got, normed + change), "normed")
            probe.expect(not _same(got, layer.norm1(x + attend(x))), "after")
            probe.expect(not _same(got, x + attend(x)), "no_norm")
            raise Wrong("value")
        off = run(x, attend, layer.norm1, False)  # noqa: FBT003
        probe.expect(not _same(off, x + change), "always")
        probe.expect(_same(off, change), "switch")
        both = run(got, feed, layer.norm2, True)  # noqa: FBT003
        want = layer(x)
        probe.expect(_same(both, want), "value")
        probe.measure("difference", float((both - want).abs().max()))


def decode_label(probe: Probe, candidate: Any) -> None:
    """The mean of real tokens, a linear layer, a softmax, and the largest."""
    torch.manual_seed(probe.seed)
    rng = probe.rng
    batch, tokens, width, classes = rng.randint(4, 6), rng.randint(5, 8), 6, rng.randint(3, 5)
    lengths = [1, tokens, *(rng.randint(2, tokens - 1) for _ in range(batch - 2))]
    mask = torch.tensor([[i < n for i in range(tokens)] for n in lengths])
    hidden, layer = torch.randn(batch, tokens, width) * 3, nn.Linear(width, classes)
    got = probe.call(candidate, hidden.clone(), mask.clone(), layer.weight, layer.bias)
    pair = isinstance(got, tuple | list) and len(got) == 2
    probe.expect(pair, "pair", got=type(got).__name__)
    labels = probe.tensor(got[0], shape=(batch,))
    said = probe.tensor(got[1], shape=(batch, classes), dtype=torch.float32)
    means = torch.stack([h[:n].mean(0) for h, n in zip(hidden, lengths, strict=True)])
    sums = torch.stack([h[:n].sum(0) for h, n in zip(hidden, lengths, strict=True)])
    want = layer(means).softmax(-1)
    if not _same(said, want):
        padded = layer(hidden.mean(1)).softmax(-1)
        divided = layer(sums / tokens).softmax(-1)
        first = layer(hidden[:, 0]).softmax(-1)
        probe.expect(not _same(said, padded) and not _same(said, divided), "padding")
        probe.expect(not _same(said, first), "first")
        probe.expect(not _same(said, layer(means)), "logits")
        probe.expect(not _same(said, layer(means).log_softmax(-1)), "logits")
        raise Wrong("value")
    probe.expect(torch.equal(labels.long(), want.argmax(-1)), "labels")


def _honest(ids: torch.Tensor) -> torch.Tensor:
    """Depends on every token up to its own, and on no other."""
    weights = torch.arange(1, ids.shape[1] + 1) ** 0.5
    past = torch.cumsum((ids + 1) * weights, dim=1) / 10
    return torch.stack([past.sin(), past.cos(), ids / 7], dim=-1)


def _leaky(kind: str) -> Any:
    def model(ids: torch.Tensor) -> torch.Tensor:
        said = _honest(ids)
        if kind == "next":
            said[:, :-1, 1] += 0.2 * torch.sin(ids[:, 1:] + 1.0)
        elif kind == "last":
            said[:, 0, 2] += 0.2 * torch.sin(ids[:, -1] + 1.0)
        elif kind == "row":
            said[0, 1, 0] += 0.2 * torch.sin(ids[0, 2] + 1.0)
        return said

    return model


def sees_future(probe: Probe, candidate: Any) -> None:
    """Accuses the models that look ahead, and no other."""
    rng = probe.rng
    for size in (rng.randint(5, 9), 3):
        ids = torch.randint(0, size, (rng.randint(2, 4), rng.randint(5, 8)),
                            generator=torch.Generator().manual_seed(probe.seed))
        ids[0, 0] = size - 1
        for kind in ("honest", "next", "last", "row"):
            inner = _leaky(kind)

            def model(given: Any, inner: Any = inner, size: int = size) -> torch.Tensor:
                fine = isinstance(given, torch.Tensor) and given.dim() == 2
                probe.expect(fine and not given.is_floating_point(), "tokens")
                probe.expect(bool(((given >= 0) & (given < size)).all()), "vocabulary", size=size)
                said: torch.Tensor = inner(given)
                return said

            before = ids.clone()
            said = probe.call(candidate, model, ids, size)
            probe.expect(torch.equal(ids, before), "spoils")
            fine = isinstance(said, bool) or (isinstance(said, torch.Tensor) and said.numel() == 1)
            probe.expect(fine or type(said).__name__ in {"bool_", "bool"}, "not_bool",
                         got=type(said).__name__)
            wanted = kind != "honest"
            failure = {"honest": "false_alarm", "next": "misses_next"}.get(kind, "misses_far")
            probe.expect(bool(said) == wanted, failure)


def causal_mask(probe: Probe, candidate: Any) -> None:
    """The inverse of torch's own, where true hides."""
    for length in (probe.rng.randint(4, 9), 1):
        hidden = nn.Transformer.generate_square_subsequent_mask(length) < 0
        got = probe.tensor(probe.call(candidate, length), shape=(length, length), dtype=torch.bool)
        if torch.equal(got, ~hidden):
            continue
        probe.expect(not torch.equal(got, hidden), "inverted")
        probe.expect(not bool((got & hidden).any()), "leaks")
        probe.expect(bool(got.diagonal().all()), "blind")
        raise Wrong("value")


class _Says:
    """Answers next_logits from a script, and remembers what it was asked."""

    def __init__(self, size: int, script: list[int], sharp: float = 9.0) -> None:
        self.size, self.script, self.sharp = size, script, sharp
        self.asked: list[Any] = []

    def __call__(self, ids: Any, *memory: Any) -> torch.Tensor:
        self.asked.append(([int(i) for i in ids] if hasattr(ids, "__iter__") else ids, memory))
        logits = torch.zeros(self.size)
        logits[self.script[min(len(self.asked) - 1, len(self.script) - 1)]] = self.sharp
        return logits


def _list(probe: Probe, value: Any) -> list[int]:
    probe.expect(isinstance(value, list | tuple), "not_a_list", got=type(value).__name__)
    try:
        return [int(item) for item in value]
    except (TypeError, ValueError):
        raise Wrong("not_a_list", got=str(value)[:60]) from None


def _script(probe: Probe, candidate: Any, call: Any) -> None:
    """What both writers have in common: the prefix grows, the end ends, the most is the most."""
    rng = probe.rng
    size, start = rng.randint(12, 20), 2
    end = 3
    script = [rng.randint(4, size - 1) for _ in range(rng.randint(3, 5))]
    model = _Says(size, [*script, end], sharp=60.0)
    got = _list(probe, call(candidate, model, start, end, 10))
    probe.expect(start not in got, "start")
    probe.expect(end not in got, "end")
    probe.expect(len(model.asked) <= len(script) + 1, "goes_on")
    prefixes = [ids for ids, _ in model.asked]
    want = [[start, *script[:n]] for n in range(len(script) + 1)]
    probe.expect(prefixes == want[: len(prefixes)], "prefix", got=str(prefixes[-1])[:60],
                 want=str(want[min(len(prefixes), len(want)) - 1]))
    probe.expect(got == script, "value", got=got, want=script)
    most = rng.randint(2, 4)
    endless = _Says(size, [5], sharp=60.0)
    got = _list(probe, call(candidate, endless, start, end, most))
    probe.expect(len(got) == most, "most", got=len(got), want=most)


def decode_text(probe: Probe, candidate: Any) -> None:
    """Draws from the softmax at the temperature, token after token."""
    seed = probe.seed

    def call(candidate: Any, model: Any, start: int, end: int, most: int,
             temperature: float = 1.0, number: int = 0) -> Any:
        generator = torch.Generator().manual_seed(seed + number)
        return probe.call(candidate, model, start, end, most, temperature, generator)

    _script(probe, candidate, call)
    size, logits = 8, torch.tensor([-9.0, -9.0, -9.0, -9.0, 0.0, 1.0, 2.0, 0.5])
    for temperature in (1.0, 2.5, 0.4):
        drawn = []
        for number in range(12):
            drawn += _list(probe, call(candidate, lambda _: logits.clone(), 2, 3, 50, temperature,
                                       number))
        share = torch.bincount(torch.tensor(drawn), minlength=size) / max(1, len(drawn))
        probe.expect(int((share > 0).sum()) > 1, "greedy")
        want = F.softmax(logits / temperature, dim=-1)
        if float((share - want).abs().max()) < 0.09:
            continue
        for wrong, failure in ((F.softmax(logits, -1), "temperature"),
                               (F.softmax(logits * temperature, -1), "inverse")):
            probe.expect(float((share - wrong).abs().max()) > 0.09, failure)
        raise Wrong("distribution", got=float(share.max()), want=float(want.max()))
    again = [call(candidate, lambda _: logits.clone(), 2, 3, 30, 1.0, 5) for _ in range(2)]
    probe.expect(list(again[0]) == list(again[1]), "generator")


def decode_translation(probe: Probe, candidate: Any) -> None:
    """Reads the source once, then writes the most probable token until the end."""
    source, memory = SimpleNamespace(name="source"), SimpleNamespace(name="memory")
    encoded: list[Any] = []

    def encode(given: Any) -> Any:
        encoded.append(given)
        return memory

    def call(candidate: Any, model: Any, start: int, end: int, most: int) -> Any:
        encoded.clear()
        said = probe.call(candidate, encode, model, source, start, end, most)
        probe.expect(len(encoded) == 1, "encodes", count=len(encoded))
        probe.expect(encoded[0] is source, "source")
        for _, seen in model.asked:
            probe.expect(len(seen) == 1 and seen[0] is memory, "memory")
        return said

    _script(probe, candidate, call)
    flat = _Says(16, [7], sharp=0.05)
    got = _list(probe, call(candidate, flat, 2, 3, 8))
    probe.expect(got == [7] * 8, "draws")


def transfer(probe: Probe, folder: Path) -> None:
    """torch's own encoder runs the weights: the same answers, and a score that holds."""
    card, vocabulary, tensors = _laid_out(probe, folder)
    model = _load(tensors, card)
    split = data.load("vader-tweets", train=3000, folder=probe.data)
    said = _probabilities(model, card, vocabulary, card["examples"])
    wrote = torch.tensor(card["probabilities"])
    same = said.shape == wrote.shape and torch.allclose(said, wrote, atol=1e-4)
    off = float((said - wrote).abs().max()) if said.shape == wrote.shape else 1.0
    probe.expect(same, "differs", got=off)
    chosen = probe.rng.sample(split.validation, min(TEXTS, len(split.validation)))
    gold = [example.label for example in chosen]
    texts = [re.findall(r"\w+|[^\w\s]", e.text.lower()) for e in chosen]
    if card.get("tokens") == "characters":
        texts = [list(e.text) for e in chosen]
    predicted = _probabilities(model, card, vocabulary, texts).argmax(-1).tolist()
    probe.expect(len(set(predicted)) > 1, "constant", label=predicted[0])
    score = metrics.score(metrics.macro_f1, gold, predicted)
    rng = probe.rng
    guessed = [rng.choice(split.train).label for _ in gold]
    chance = metrics.difference(metrics.macro_f1, gold, predicted, guessed)
    counts = metrics.difference(metrics.macro_f1, gold, predicted, _counts(split, chosen))
    facts = {"score": score.value, "gain": chance.value, "low": chance.low}
    probe.expect(chance.above_zero, "not_better", **facts)
    probe.expect(counts.value > -BEHIND_COUNTS, "far_behind", score=score.value, behind=-counts.value)
    written = card["score"].get("macro_f1")
    probe.expect(abs(written - score.value) <= SCORE_SLACK, "scores_differ", written=written,
                 score=score.value)
    for name, value in (("macro_f1", score.value), ("low", score.low), ("high", score.high),
                        ("chance", chance.value), ("counts", counts.value),
                        ("counts_low", counts.low), ("counts_high", counts.high),
                        ("difference", off)):
        probe.measure(name, value)


def _laid_out(probe: Probe, folder: Path) -> tuple[dict[str, Any], dict[str, int], dict[str, Any]]:
    from safetensors.torch import load_file

    files = [path for path in folder.rglob("*") if path.is_file()]
    pickles = [p.name for p in files if p.suffix in {".bin", ".pt", ".pth", ".pkl"}]
    probe.expect(not pickles, "pickle", names=", ".join(pickles))
    wanted = ("model.safetensors", "card.json", "vocabulary.json")
    missing = [name for name in wanted if not (folder / name).is_file()]
    probe.expect(not missing, "layout", names=", ".join(missing))
    size = sum(path.stat().st_size for path in files) / 2**20
    probe.expect(size <= LARGEST_MIB, "too_large", size=size, most=LARGEST_MIB)
    try:
        card = json.loads((folder / "card.json").read_text("utf-8"))
        vocabulary = json.loads((folder / "vocabulary.json").read_text("utf-8"))
        tensors = load_file(folder / "model.safetensors")
    except Exception as error:
        raise Wrong("does_not_load", error=f"{type(error).__name__}: {error}"[:200]) from error
    keys = ("heads", "length", "classes", "score", "examples", "probabilities")
    lacking = [key for key in keys if key not in card]
    probe.expect(not lacking, "card", names=", ".join(lacking))
    number = isinstance(card["score"], dict) and isinstance(card["score"].get("macro_f1"), float)
    probe.expect(number, "card", names="score.macro_f1")
    probe.expect(len(card["classes"]) == 3, "classes", got=len(card["classes"]))
    return card, vocabulary, tensors


class _Framework(nn.Module):
    """The lab's labeller, made of torch's own modules and nothing else."""

    def __init__(self, size: int, width: int, inner: int, heads: int, depth: int) -> None:
        super().__init__()
        self.table = nn.Embedding(size, width)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, heads, inner, dropout=0.0, batch_first=True,
                                       norm_first=True)
            for _ in range(depth)
        )
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 3)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        width, mask = self.table.embedding_dim, ids != 0
        x = self.table(ids) * math.sqrt(width) + _reference_positions(ids.shape[1], width)
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=~mask)
        kept = mask.unsqueeze(-1).float()
        mean = (self.norm(x) * kept).sum(1) / kept.sum(1).clamp(min=1)
        probabilities: torch.Tensor = self.head(mean).softmax(-1)
        return probabilities


def _load(tensors: dict[str, torch.Tensor], card: dict[str, Any]) -> _Framework:
    try:
        size, width = tensors["table.weight"].shape
        inner = tensors["layers.0.linear1.weight"].shape[0]
        depth = 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("layers."))
        model = _Framework(size, width, inner, int(card["heads"]), depth)
        model.load_state_dict(tensors)
    except Exception as error:
        raise Wrong("does_not_load", error=f"{type(error).__name__}: {error}"[:200]) from error
    return model.eval()


def _probabilities(model: _Framework, card: dict[str, Any], vocabulary: dict[str, int],
                   texts: list[list[str]]) -> torch.Tensor:
    length = int(card["length"])
    rows = []
    for text in texts:
        row = [vocabulary.get(token, 1) for token in text][:length]
        rows.append((row or [1]) + [0] * (length - max(1, len(row))))
    ids, parts = torch.tensor(rows), []
    with torch.no_grad():
        for start in range(0, len(rows), 100):
            parts.append(model(ids[start : start + 100]))
    return torch.cat(parts)


def _counts(split: data.Split, chosen: list[data.Example]) -> list[int]:
    """Return the answers of a linear model on words and letters, trained on as many tweets."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.svm import LinearSVC

    features = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
    )
    model = make_pipeline(features, LinearSVC(C=0.3, class_weight="balanced"))
    model.fit([e.text for e in split.train], [e.label for e in split.train])
    answers: list[int] = model.predict([e.text for e in chosen]).tolist()
    return answers
