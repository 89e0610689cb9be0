"""What makes each step right. Every check draws its inputs anew and stores no answers."""

import bisect
import heapq
import itertools
import json
import math
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import binom

from practicum_labs import models
from practicum_labs.checking.probe import Probe, Wrong

NEEDS = {
    "generate": ("transformers.models.llama.modeling_llama",),
    "transfer": ("transformers.models.auto.modeling_auto", "transformers.models.bert.modeling_bert"),
}
CLOSE = 1e-6
Seconds = Callable[[int], float]


def generate(probe: Probe, candidate: Any) -> None:
    """The tokens of decoding without a cache, padding unseen, each position computed once."""
    rng = probe.rng
    model, vocabulary = _small_llama(rng.randrange(10**6))
    steps, width = rng.randint(5, 8), rng.randint(9, 14)
    ids = torch.tensor([[rng.randrange(3, vocabulary) for _ in range(width)] for _ in range(3)])
    mask = torch.ones_like(ids)
    want, forgetful = _recomputed(model, ids, mask, steps), _recomputed(model, ids, mask, steps, 1)
    positions, got = _counted(probe, model, candidate, ids, mask, steps)
    probe.tensor(got, shape=(3, steps), dtype=torch.int64)
    probe.expect(not torch.equal(got[:, 1:], forgetful[:, 1:]), "forgets")
    probe.expect(not (torch.equal(got[:, :-1], want[:, 1:]) and steps > 2), "first_lost")
    probe.expect(torch.equal(got, want), "value")
    probe.expect(
        positions <= 3 * (width + steps), "recomputes", got=positions, want=3 * (width + steps - 1)
    )
    padding = [0, rng.randint(2, 4), rng.randint(4, 6)]
    for row, n in enumerate(padding):
        ids[row, :n], mask[row, :n] = rng.randrange(3, vocabulary), 0
    _, got = _counted(probe, model, candidate, ids, mask, steps)
    probe.tensor(got, shape=(3, steps), dtype=torch.int64)
    alone = [
        _recomputed(model, ids[r : r + 1, n:], mask[r : r + 1, n:], steps)
        for r, n in enumerate(padding)
    ]
    probe.expect(torch.equal(got, torch.cat(alone)), "padding")


def _small_llama(seed: int) -> tuple[Any, int]:
    """Return a small random model whose next tokens depend on everything before them."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=61,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.5,
        eos_token_id=None,
        bos_token_id=None,
        pad_token_id=None,
    )
    return LlamaForCausalLM(config).eval(), 61


@torch.inference_mode()
def _recomputed(model: Any, ids: Any, mask: Any, steps: int, seen: int = 10**6) -> Any:
    """Return the next tokens without a cache, of which the model sees the last ``seen`` alone."""
    start = ids.shape[1]
    for n in range(steps):
        last = seen if n else 10**6
        logits = model(input_ids=ids[:, -last:], attention_mask=mask[:, -last:]).logits
        ids = torch.cat([ids, logits[:, -1].argmax(-1, keepdim=True)], dim=1)
        mask = torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1)
    return ids[:, start:]


def _counted(
    probe: Probe, model: Any, candidate: Any, ids: Any, mask: Any, steps: int
) -> tuple[int, Any]:
    """Return how many positions went through the model, and what came."""
    counts = []
    hook = model.get_input_embeddings().register_forward_pre_hook(
        lambda _, inputs: counts.append(inputs[0].numel())
    )
    got = probe.call(candidate, model, ids.clone(), mask.clone(), steps)
    hook.remove()
    return sum(counts), got


def quantize(probe: Probe, candidate: Any) -> None:
    """One scale a row, rounded to the nearest level, nothing beyond the largest."""
    rng = probe.rng
    generator = torch.Generator().manual_seed(rng.randrange(10**6))
    for bits in (8, 4):
        rows, columns = rng.randint(5, 9), rng.randint(20, 40)
        weight = torch.randn(rows, columns, generator=generator)
        weight *= 10 ** torch.linspace(-2, 1, rows)[:, None]
        weight[rows // 2] = 0.0
        got = probe.call(candidate, weight.clone(), bits)
        probe.expect(isinstance(got, tuple) and len(got) == 2, "pair", got=type(got).__name__)
        probe.tensor(got[0], shape=(rows, columns), dtype=torch.int8)
        probe.expect(torch.isfinite(torch.as_tensor(got[1])).all(), "zeros")
        scale = probe.tensor(got[1], shape=(rows, 1))
        largest = 2 ** (bits - 1) - 1
        levels = got[0].to(torch.int64)
        found = levels.abs().max().item()
        probe.expect(found <= largest, "range", got=found, want=largest, bits=bits)
        want = weight.abs().amax(1, keepdim=True) / largest
        used = want[:, 0] > 0
        probe.expect(not torch.allclose(scale[used], want.max()), "per_tensor")
        probe.expect(torch.allclose(scale[used], want[used], rtol=1e-4), "scale", bits=bits)
        error = ((levels * scale - weight).abs() / scale.clamp(min=1e-20))[used].max().item()
        probe.expect(error <= 0.501, "rounding", got=error)


def tail(probe: Probe, candidate: Any) -> None:
    """All requests in one pot; a time that occurred; the interval of order statistics."""
    rng = probe.rng
    for sizes, share in (((900, 60, 140), 0.95), ((333, 418), 0.5), ((8, 12), 0.95)):
        replicas = [
            [rng.gammavariate(3, 0.02 * (1 + 5 * k)) for _ in range(size)]
            for k, size in enumerate(sizes)
        ]
        got = probe.call(candidate, [list(r) for r in replicas], share)
        probe.expect(isinstance(got, tuple | list) and len(got) == 3, "three", got=str(got)[:60])
        times = sorted(itertools.chain(*replicas))
        n = len(times)
        value = probe.number(got[0])
        means = [
            np.mean([np.percentile(r, 100 * share, method=m) for r in replicas])
            for m in ("linear", "inverted_cdf")
        ]
        probe.expect(min(abs(value - m) for m in means) > CLOSE, "mean_of_percentiles")
        want = times[math.ceil(share * n - 1e-9) - 1]
        probe.expect(value in times, "not_observed", got=value)
        probe.expect(abs(value - want) < CLOSE, "value", got=value, want=want)
        low, high = float(got[1]), float(got[2])
        a, b = (int(x) for x in binom.interval(0.95, n, share))
        if b >= n:
            probe.expect(high == math.inf, "too_few", n=n)
        elif abs(high - times[b - 1]) < CLOSE:
            raise Wrong("one_short")
        else:
            probe.expect(abs(high - times[b]) < CLOSE, "interval", low=times[a - 1], high=times[b])
        probe.expect(
            abs(low - times[max(a, 1) - 1]) < CLOSE,
            "interval",
            low=times[max(a, 1) - 1],
            high=times[min(b, n - 1)],
        )


def run_queue(probe: Probe, candidate: Any) -> None:
    """Latencies of an open loop: from the arrival, by window, batch limit and free replicas."""
    rng = probe.rng
    cost = _line(rng.uniform(0.8, 1.2), rng.uniform(0.05, 0.2))
    cases = [
        (1.3, 0.0, 1, 1),
        (0.6, 0.0, 1, 1),
        (1.5, 0.7, 1, 2),
        (4.0, 0.0, 4, 1),
        (1.5, 1.5, 4, 2),
        (6.0, 1.0, 5, 3),
    ]
    for rate, window, most, replicas in cases:
        arrivals = list(itertools.accumulate(rng.expovariate(rate) for _ in range(120)))
        setting = (cost, window, most, replicas)
        got = probe.call(candidate, list(arrivals), *setting)
        probe.expect(
            isinstance(got, list | tuple | np.ndarray) and len(got) == len(arrivals),
            "length",
            got=len(got) if hasattr(got, "__len__") else 0,
            want=len(arrivals),
        )
        got = np.array([probe.number(x) for x in got])
        if np.allclose(got, _queue(arrivals, *setting)):
            continue
        slips = {
            "closed": _queue(arrivals, *setting, from_start=True),
            "window": _queue(arrivals, cost, 0.0, most, replicas),
            "full": _queue(arrivals, *setting, full_leaves=False),
            "replicas": _queue(arrivals, cost, window, most, 1),
            "most": _queue(arrivals, cost, window, 10**6, replicas),
        }
        for failure, slip in slips.items():
            probe.expect(not np.allclose(got, slip), failure)
        raise Wrong("value", rate=round(rate, 1), window=window, most=most, replicas=replicas)


def _line(first: float, more: float) -> Seconds:
    return lambda n: first + more * (n - 1)


def _queue(
    arrivals: list[float],
    seconds: Seconds,
    window: float,
    most: int,
    replicas: int,
    *,
    from_start: bool = False,
    full_leaves: bool = True,
) -> list[float]:
    """Return the latencies; optionally as one would get them who takes a wrong turn."""
    free, latencies = [0.0] * replicas, list[float]()
    while (first := len(latencies)) < len(arrivals):
        ends = first + most
        full = arrivals[ends - 1] if full_leaves and ends <= len(arrivals) else math.inf
        leaves = max(heapq.heappop(free), min(arrivals[first] + window, full))
        last = min(bisect.bisect_right(arrivals, leaves), ends)
        done = leaves + seconds(last - first)
        heapq.heappush(free, done)
        latencies += [done - (leaves if from_start else a) for a in arrivals[first:last]]
    return latencies


def respond(probe: Probe, candidate: Any) -> None:
    """Liveness and readiness apart; limits; refusals that say when to come again."""
    rng = probe.rng
    per = rng.uniform(0.6, 0.9)
    calm = {"phase": "ready", "beat": 0.2, "waiting": 3, "room": 8, "seconds": per}
    full, slow = calm | {"waiting": 8}, calm | {"beat": 31.0 + rng.random()}
    starting, draining = calm | {"phase": "starting", "waiting": 0}, calm | {"phase": "draining"}

    def ask(method: str, path: str, body: bytes, state: dict[str, Any]) -> tuple[int, Any, Any]:
        got = probe.call(candidate, method, path, body, dict(state))
        fine = isinstance(got, tuple) and len(got) == 3 and type(got[0]) is int
        probe.expect(
            fine and isinstance(got[1], dict) and isinstance(got[2], dict),
            "triple",
            got=str(got)[:60],
        )
        return got

    def status(
        want: int,
        failure: str,
        state: dict[str, Any],
        *,
        path: str = "/v1/reply",
        method: str = "",
        body: bytes = b"",
    ) -> tuple[Any, Any]:
        asked = method or ("POST" if path == "/v1/reply" else "GET")
        code, headers, content = ask(asked, path, body, state)
        probe.expect(code == want, failure, got=code, want=want, phase=state["phase"])
        return headers, content

    for state in (calm, full, starting, draining):
        status(200, "alive", state, path="/healthz")
    status(503, "dead", slow, path="/healthz")
    for state, want in ((calm, 200), (full, 503), (starting, 503), (draining, 503)):
        status(want, "ready", state, path="/readyz")
    text = "".join(rng.choice("abcdef ") for _ in range(30)) + "é"
    _, content = status(200, "admits", calm, body=json.dumps({"text": text}).encode())
    probe.expect(content == {"text": text, "tokens": 12}, "content", got=str(content)[:80])
    tokens = rng.randint(1, 32)
    _, content = status(
        200, "admits", calm, body=json.dumps({"text": text, "tokens": tokens}).encode()
    )
    probe.expect(content.get("tokens") == tokens, "content", got=str(content)[:80])
    bad = [b"", b"{", b"[1]", b'"a"', b"null", b"{}", b'{"text": 3}', b'{"text": " \\n"}', b"\xff"]
    for body in bad:
        status(400, "bad", calm, body=body)
    for count in (0, 33, -1, 2.5, "5", True, None):
        body = json.dumps({"text": text, "tokens": count}).encode()
        status(400, "tokens", calm, body=body)
    long = json.dumps({"text": "é" * 700}, ensure_ascii=True).encode()  # 700 letters, 4200 bytes
    status(413, "long", calm, body=long)
    good = json.dumps({"text": text}).encode()
    for state, want in ((full, 429), (starting, 503), (draining, 503)):
        headers, _ = status(want, "refuses", state, body=good)
        wait = str(max(1, math.ceil(state["waiting"] * per)))
        found = headers.get("Retry-After")
        probe.expect(found is not None, "no_retry", phase=state["phase"])
        probe.expect(str(found) == wait, "retry", got=found, want=wait)


def cost(probe: Probe, candidate: Any) -> None:
    """Replicas for the busiest hour, paid around the clock, with what maintenance costs."""
    rng = probe.rng
    for low in (10**6, 20_000, 50):  # at a million, each slip makes another number
        per_day = rng.randint(low, 2 * low - 10)
        speed, tokens = rng.uniform(20, 60), rng.randint(20, 60)
        peak, price, upkeep = rng.uniform(2.2, 4), rng.uniform(0.2, 2), rng.uniform(1, 9)
        got = probe.call(candidate, speed, tokens, per_day, peak, price, upkeep)
        names = {"replicas", "day", "thousand"}
        probe.expect(isinstance(got, dict) and got.keys() >= names, "keys", got=str(got)[:80])
        load = per_day / 86400 * tokens / speed
        replicas = probe.number(got["replicas"])
        want = max(1, math.ceil(load * peak / 0.7))
        slips = {
            "average": math.ceil(load / 0.7),
            "busy": math.ceil(load * peak),
            "fraction": load * peak / 0.7,
        }
        for failure, slip in slips.items():
            probe.expect(
                want == slip or abs(replicas - slip) > CLOSE, failure, got=replicas, want=want
            )
        probe.expect(replicas == want, "replicas", got=replicas, want=want)
        day = probe.number(got["day"])
        probe.expect(abs(day - want * 24 * price) > CLOSE, "upkeep")
        whole = want * 24 * price + upkeep
        probe.expect(day > whole * 0.999, "idle", got=day, want=whole)
        probe.expect(math.isclose(day, whole, rel_tol=1e-6), "day", got=day, want=whole)
        thousand = probe.number(got["thousand"])
        probe.expect(
            math.isclose(thousand, 1000 * whole / per_day, rel_tol=1e-6),
            "thousand",
            got=thousand,
            want=1000 * whole / per_day,
        )


TARGET, PRICE, PER_SECOND, SLACK, FACTOR = 0.5, 0.35, 25, 1.3, 3.0
FIELDS = ("window", "most", "replicas", "p95", "day", "thousand")


def transfer(probe: Probe, folder: Path) -> None:
    """A plan that holds on traffic drawn anew, wastes little, and whose numbers are true."""
    plan, measured = _read_plan(probe, folder)
    truth = _measure(probe, sorted(measured))
    for size, seconds in truth.items():
        ratio = measured[size] / seconds
        probe.expect(
            1 / FACTOR <= ratio <= FACTOR,
            "not_measured",
            size=size,
            got=1000 * measured[size],
            want=1000 * seconds,
        )
    sizes, costs = zip(*sorted(measured.items()), strict=True)

    def step(n: int) -> float:
        return float(np.interp(n, sizes, costs))

    most, replicas, window = int(plan["most"]), int(plan["replicas"]), plan["window"]
    probe.expect(
        1 <= most <= max(sizes) and replicas >= 1 and window >= 0, "setting", largest=max(sizes)
    )
    days = [_campaign(probe.seed + n) for n in range(3)]

    def p95(window: float, most: int, replicas: int) -> float:
        took = sorted(t for day in days for t in _queue(day, step, window, most, replicas))
        return took[math.ceil(0.95 * len(took)) - 1]

    found = p95(window, most, replicas)
    probe.measure("p95", 1000 * found)
    probe.measure("replicas", replicas)
    probe.expect(found <= TARGET * SLACK, "too_slow", got=1000 * found)
    fewest = min(
        next((r for r in range(1, replicas + 1) if p95(0.0, m, r) <= TARGET / SLACK), 10**6)
        for m in (1, max(s for s in sizes))
    )
    probe.expect(replicas <= fewest + 1, "wasteful", got=replicas, want=fewest)
    probe.expect(
        1 / SLACK <= plan["p95"] / found <= SLACK or abs(plan["p95"] - found) < 0.05,
        "p95_differs",
        written=1000 * plan["p95"],
        got=1000 * found,
    )
    day = replicas * 24 * PRICE
    probe.expect(math.isclose(plan["day"], day, rel_tol=0.01), "day", written=plan["day"], got=day)
    thousand = 1000 * day / (PER_SECOND * 86400)
    probe.measure("thousand", thousand)
    probe.expect(
        math.isclose(plan["thousand"], thousand, rel_tol=0.05),
        "thousand",
        written=plan["thousand"],
        got=thousand,
    )


def _read_plan(probe: Probe, path: Path) -> tuple[dict[str, float], dict[int, float]]:
    """Return the plan's numbers and the measured seconds by batch size."""
    try:
        plan = json.loads(path.read_text("utf-8"))
        measured = {int(size): float(seconds) for size, seconds in plan["seconds"].items()}
        numbers = {name: float(plan[name]) for name in FIELDS}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise Wrong("not_json", error=str(error)[:80]) from error
    except KeyError as error:
        raise Wrong("lacks", name=str(error)) from error
    probe.expect(1 in measured and len(measured) >= 3 and min(measured.values()) > 0, "sizes")
    return numbers, measured


def _measure(probe: Probe, sizes: list[int]) -> dict[int, float]:
    """Return the CPU seconds of MiniLM's smallest and largest batch here and now."""
    from transformers import AutoModel, AutoTokenizer

    from practicum_labs import data

    torch.set_num_threads(1)
    path = models.path("minilm", folder=probe.data)
    model, tokenizer = (
        AutoModel.from_pretrained(path, add_pooling_layer=False).eval(),
        AutoTokenizer.from_pretrained(path),
    )
    texts = [
        e.text for e in data.load("vader-reviews", train=64, validation=0, folder=probe.data).train
    ]
    found = {}
    for size in (sizes[0], sizes[-1]):
        runs = []
        for _ in range(4):
            began = time.process_time()
            batch = tokenizer(
                texts[:size], padding=True, truncation=True, max_length=48, return_tensors="pt"
            )
            with torch.inference_mode():
                model(**batch)
            runs.append(time.process_time() - began)
        found[size] = sorted(runs)[1]
    return found


def _campaign(seed: int, minutes: int = 5) -> list[float]:
    """Return arrivals as the notebook's function of this name draws them."""
    rng = random.Random(seed)  # noqa: S311 (made-up traffic)
    times, now = list[float](), 0.0
    while now < 60 * minutes:
        now += rng.expovariate(20)
        times.append(now)
    for minute in range(minutes):
        start = 60 * minute + 50 * rng.random()
        times += [start + 2 * rng.random() for _ in range(300)]
    return sorted(times)
