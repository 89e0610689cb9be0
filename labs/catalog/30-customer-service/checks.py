"""What makes each step right. Every check draws its inputs anew and stores no answers."""

import ast
import hashlib
import json
import random
import re
import sys
import threading
import time
import types
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import torch

from practicum_labs import data
from practicum_labs.authoring.source import read_cells
from practicum_labs.checking.probe import Probe, Wrong

NEEDS = {"pack": ("safetensors.torch",), "transfer": ("safetensors.torch",)}
CLOSE = {"rtol": 1e-4, "atol": 1e-5}
LARGEST_MIB = 4
SLACK = {"answered": 0.15, "right_when_answered": 0.1, "rating": 0.5}
LEAST_ANSWERED, LEAST_HANDED, LEAST_RIGHT = 0.7, 0.6, 0.85


@dataclass(frozen=True)
class _Request:
    text: str
    skill: str
    family: str


def split_by_family(probe: Probe, candidate: Any) -> None:
    """Each family on one side, each skill on both, about the share asked for, by the seed."""
    rng = probe.rng
    requests = []
    for skill in ("", "light", "timer", "volume"):
        for family in range(rng.randint(6, 14)):
            size = rng.randint(1, 9)
            requests += [_Request(f"{skill}{family % 5}", skill, f"{skill} {family}")] * size
    rng.shuffle(requests)
    share = rng.choice([0.3, 0.5])
    seed = rng.randrange(1000)
    kept, held = _pair(probe, probe.call(candidate, list(requests), share, seed))
    probe.expect(Counter(kept) + Counter(held) == Counter(requests), "lost",
                 got=len(kept) + len(held), want=len(requests))
    both = {r.family for r in kept} & {r.family for r in held}
    probe.expect(not both, "leaks", count=len(both), of=len({r.family for r in requests}))
    for skill in sorted({r.skill for r in requests}):
        sides = [{r.family for r in side if r.skill == skill} for side in (kept, held)]
        probe.expect(all(sides), "skill_missing", skill=skill or "-")
        total = sum(map(len, sides))
        probe.expect(abs(len(sides[1]) - share * total) <= 1.01, "share", skill=skill or "-",
                     got=len(sides[1]), of=total, share=share)
    again = _pair(probe, probe.call(candidate, list(requests), share, seed))
    probe.expect(Counter(again[1]) == Counter(held), "seed")
    others = [_pair(probe, probe.call(candidate, list(requests), share, seed + n))[1] for n in (1, 2)]
    probe.expect(any(Counter(other) != Counter(held) for other in others), "same_for_all_seeds")


def _pair(probe: Probe, got: Any) -> tuple[list[Any], list[Any]]:
    fine = isinstance(got, tuple | list) and len(got) == 2
    probe.expect(fine and all(isinstance(side, tuple | list) for side in got), "pair",
                 got=type(got).__name__)
    return list(got[0]), list(got[1])


def max_over_time(probe: Probe, candidate: Any) -> None:
    """The largest real value of each channel, also where all of them are negative."""
    torch.manual_seed(probe.seed)
    rng = probe.rng
    batch, channels, places = rng.randint(4, 7), rng.randint(3, 6), rng.randint(6, 9)
    lengths = [1, places, *(rng.randint(2, places - 1) for _ in range(batch - 2))]
    for shift in (-9.0, 0.0):
        features = torch.randn(batch, channels, places) + shift
        for row, length in enumerate(lengths):
            rest = torch.arange(places - length)
            features[row, :, length:] = shift + 5 + rest  # what stands in the padding must not count
        got = probe.call(candidate, features.clone(), torch.tensor(lengths))
        got = probe.tensor(got, shape=(batch, channels), dtype=torch.float32)
        want = torch.stack([row[:, :n].amax(dim=1) for row, n in zip(features, lengths, strict=True)])
        if torch.allclose(got, want, **CLOSE):
            continue
        rows = list(zip(features, lengths, strict=True))
        zeroed = torch.stack([torch.cat([r[:, :n], torch.zeros(channels, places - n)], 1).amax(1)
                              for r, n in rows])
        mean = torch.stack([row[:, :n].mean(dim=1) for row, n in rows])
        late = torch.stack([row[:, : n + 1].amax(dim=1) for row, n in rows])
        probe.expect(not torch.allclose(got, features.amax(dim=2), **CLOSE), "padding")
        probe.expect(not torch.allclose(got, zeroed, **CLOSE), "zero")
        probe.expect(not torch.allclose(got, mean, **CLOSE), "mean")
        probe.expect(not torch.allclose(got, late, **CLOSE), "one_too_many")
        raise Wrong("value")


def paired_interval(probe: Probe, candidate: Any) -> None:
    """The gain, and an interval as wide as families make it."""
    rng = probe.rng
    old, new, families = [], [], []
    count = rng.randint(32, 40)
    changed = rng.sample(range(count), 7)
    for family in range(count):  # a family succeeds or fails almost as one
        was = rng.random() < 0.6
        if family in changed:
            was = family not in changed[:5]
        is_ = not was if family in changed else was
        for _ in range(rng.randint(8, 18)):
            slip = rng.random() < 0.02
            old.append(was != slip)
            new.append(is_ != slip)
            families.append(f"f{family}")
    together = list(zip(old, new, families, strict=True))
    rng.shuffle(together)
    old, new, families = map(list, zip(*together, strict=True))
    got = probe.call(candidate, list(old), list(new), list(families), seed=3)
    probe.expect(isinstance(got, tuple | list | np.ndarray) and len(got) == 3, "triple")
    gain, low, high = (probe.number(value) for value in got)
    want = (sum(new) - sum(old)) / len(old)
    probe.expect(abs(gain + want) > 1e-6 or abs(want) < 1e-6, "sign")
    probe.expect(abs(gain - want) < 1e-6, "gain", got=gain, want=want)
    probe.expect(low <= high, "order", low=low, high=high)
    right = _interval(old, new, families)
    single = _interval(old, new, list(range(len(old))))
    wide = _unpaired(old, new, families)
    width = high - low
    near = abs(width - (single[1] - single[0])) < 0.3 * (single[1] - single[0])
    probe.expect(not near, "requests", width=width, want=right[1] - right[0])
    normal = right[1] - right[0]
    if not 0.8 * normal < width < 1.2 * normal:
        unpaired = abs(width - (wide[1] - wide[0])) < 0.12 * (wide[1] - wide[0])
        probe.expect(not unpaired, "unpaired", width=width, want=normal)
        raise Wrong("width", width=width, want=normal)
    off = max(abs(low - right[0]), abs(high - right[1]))
    probe.expect(off < 0.2 * normal, "place", low=low, high=high)


def _table(old: list[bool], new: list[bool], families: list[Any]) -> Any:
    sums: dict[Any, list[int]] = defaultdict(lambda: [0, 0, 0])
    for was, is_, family in zip(old, new, families, strict=True):
        sums[family][0] += was
        sums[family][1] += is_
        sums[family][2] += 1
    return np.array(list(sums.values()))


def _interval(old: list[bool], new: list[bool], families: list[Any]) -> tuple[float, float]:
    table = _table(old, new, families)
    drawn = np.random.default_rng(0).integers(0, len(table), (4000, len(table)))
    sums = table[drawn].sum(axis=1)
    low, high = np.quantile((sums[:, 1] - sums[:, 0]) / sums[:, 2], [0.025, 0.975])
    return float(low), float(high)


def _unpaired(old: list[bool], new: list[bool], families: list[Any]) -> tuple[float, float]:
    table = _table(old, new, families)
    rng = np.random.default_rng(0)
    one, two = (table[rng.integers(0, len(table), (4000, len(table)))].sum(axis=1) for _ in "ab")
    low, high = np.quantile(two[:, 1] / two[:, 2] - one[:, 0] / one[:, 2], [0.025, 0.975])
    return float(low), float(high)


def choose_threshold(probe: Probe, candidate: Any) -> None:
    """The lowest threshold that keeps the promise; ties stay together; none may be possible."""
    rng = probe.rng
    for step in (1000, 20, 8):  # the coarse steps make ties
        confidence = [rng.randint(1, step) / step for _ in range(rng.randint(150, 250))]
        surest = 0.97 * max(confidence)
        right = [p >= surest or rng.random() < 0.35 + 0.62 * p for p in confidence]
        target = rng.choice([0.8, 0.85])
        got = probe.number(probe.call(candidate, list(confidence), list(right), target))
        want = next((t for t in sorted(set(confidence)) if _kept(confidence, right, t) >= target), 2.0)
        given, best = (sum(p >= t for p in confidence) for t in (got, want))
        if given == best:
            continue
        share = _kept(confidence, right, got)
        probe.expect(share >= target, "broken", share=share, target=target)
        probe.expect(got != _early(confidence, right, target) or got > 1, "stops_early")
        probe.expect(given != 0, "nothing", best=best)
        raise Wrong("too_high", given=given, best=best)
    confidence = [0.3 + 0.6 * rng.random() for _ in range(40)]
    got = probe.number(probe.call(candidate, confidence, [False] * 40, 0.9))
    probe.expect(got > max(confidence), "impossible", got=got)
    gap = [0.2, 0.4, 0.6, 0.8]  # the promise holds at 0.2 although it does not at 0.8
    got = probe.number(probe.call(candidate, gap, [True, True, True, False], 0.75))
    probe.expect(got <= gap[0], "stops_early")


def _early(confidence: list[float], right: list[bool], target: float) -> float:
    """Return what going down from the top and stopping at the first failure finds."""
    found = 2.0
    for threshold in sorted(set(confidence), reverse=True):
        if _kept(confidence, right, threshold) < target:
            break
        found = threshold
    return found


def _kept(confidence: list[float], right: list[bool], threshold: float) -> float:
    given = [ok for p, ok in zip(confidence, right, strict=True) if p >= threshold]
    return sum(given) / len(given) if given else 1.0


def rate(probe: Probe, candidate: Any) -> None:
    """The declared rules, on every kind of dialogue."""
    rng = probe.rng
    ask = {"action": "ask", "skill": ""}
    cases = []
    for wanted in ("light", ""):
        for last in (_answer("light"), _answer("fan"), {"action": "hand_over", "skill": ""}):
            for asks in (0, 1, 2):
                for seconds in (rng.uniform(0.1, 1.9), rng.uniform(2.1, 9)):
                    cases.append((wanted, [*[dict(ask) for _ in range(asks)], last], seconds))
    rng.shuffle(cases)
    cases.append(("light", [dict(ask)], 0.5))
    results = []
    for wanted, replies, seconds in cases:
        dialogue = {"wanted": wanted, "replies": replies, "seconds": seconds}
        results.append((dialogue, probe.number(probe.call(candidate, dialogue))))
    outside = [got for _, got in results if not 1 <= got <= 5]
    probe.expect(not outside, "range", got=min(outside, default=0))
    for dialogue, got in sorted(results, key=lambda pair: (len(pair[0]["replies"]), pair[0]["seconds"])):
        _rated(probe, dialogue, got)


def _answer(skill: str) -> dict[str, str]:
    return {"action": "answer", "skill": skill}


def _rated(probe: Probe, dialogue: dict[str, Any], got: float) -> None:
    replies, wanted = dialogue["replies"], dialogue["wanted"]
    last, asks = replies[-1], sum(r["action"] == "ask" for r in replies)
    if last["action"] == "answer":
        points = 5 if last["skill"] == wanted else 1
    elif last["action"] == "hand_over":
        points = 3 if wanted else 4
    else:
        points = 1
    slow = dialogue["seconds"] > 2
    want = max(1, points - asks - slow)
    if got == want:
        return
    facts = {"got": got, "want": want}
    if last["action"] == "ask":
        raise Wrong("left_alone", **facts)
    if not asks and not slow:
        probe.expect(last["action"] != "hand_over", "hand_over", **facts)
        raise Wrong("answer", **facts)
    if asks and not slow:
        raise Wrong("asks", **facts)
    raise Wrong("slow", **facts)


class _Fake:
    """A service that remembers what it was asked."""

    def __init__(self, version: int, *, broken: bool = False) -> None:
        self.version, self.broken, self.asked = version, broken, []

    def reply(self, text: str, turn: int = 0, choice: str | None = None) -> dict[str, Any]:
        self.asked.append((text, turn, choice))
        if self.broken:
            raise RuntimeError("weights are gone")
        return {"action": "answer", "skill": "light", "confidence": 0.9, "options": [],
                "version": self.version, "say": text}


def route(probe: Probe, candidate: Any) -> None:
    """Over a real connection on this machine: health, replies, and every way to ask wrongly."""
    version = probe.rng.randint(2, 90)
    service = _Fake(version)
    state = {"service": service}
    failures: list[BaseException] = []

    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                got = probe.call(candidate, self.command, self.path, body, state["service"])
                fine = isinstance(got, tuple | list) and len(got) == 2 and isinstance(got[1], dict)
                probe.expect(fine, "pair", got=str(got)[:80])
                status, content = int(got[0]), json.dumps(got[1]).encode()
            except Exception as error:
                failures.append(error)
                status, content = 500, b"{}"
            self.send_response(status)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _reply

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        def ask(method: str, path: str, body: bytes | None = None) -> tuple[int, dict[str, Any]]:
            answer = _fetch(server.server_port, method, path, body)
            if failures:
                raise failures[0]
            return answer

        _health(probe, ask, state, service)
        _replies(probe, ask, state, service)
    finally:
        server.shutdown()
        server.server_close()


def _fetch(port: int, method: str, path: str, body: bytes | None) -> tuple[int, dict[str, Any]]:
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(asked, timeout=10) as got:
            return got.status, json.load(got)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def _health(probe: Probe, ask: Any, state: dict[str, Any], service: _Fake) -> None:
    status, content = ask("GET", "/healthz")
    probe.expect(status == 200 and content.get("version") == service.version, "not_healthy",
                 status=status, content=str(content)[:80])
    probe.expect(service.asked, "no_trial")
    state["service"] = None
    status, _ = ask("GET", "/healthz")
    probe.expect(status == 503, "healthy_without_service", status=status)
    state["service"] = _Fake(3, broken=True)
    status, _ = ask("GET", "/healthz")
    probe.expect(status == 503, "healthy_though_broken", status=status)
    state["service"] = service


def _replies(probe: Probe, ask: Any, state: dict[str, Any], service: _Fake) -> None:
    def post(content: Any) -> tuple[int, dict[str, Any]]:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        answer: tuple[int, dict[str, Any]] = ask("POST", "/v1/reply", body)
        return answer

    text = f"把灯调到{probe.rng.randint(2, 99)}"
    status, content = post({"text": text})
    probe.expect(status == 200, "refuses", status=status)
    probe.expect(content == _Fake(service.version).reply(text), "other_reply")
    probe.expect(service.asked[-1] == (text, 0, None), "arguments", got=str(service.asked[-1]))
    post({"text": text, "turn": 1, "choice": "fan"})
    probe.expect(service.asked[-1] == (text, 1, "fan"), "arguments", got=str(service.asked[-1]))
    status, _ = post({"text": "灯" * 200})
    probe.expect(status == 200, "refuses", status=status)
    for name, bad in (("not JSON", b"{text"), ("a list", ["text"]), ("a number", 7),
                      ("no text", {"turn": 0}), ("text is a number", {"text": 7}),
                      ("blank", {"text": "  \n"}), ("too long", {"text": "灯" * 201})):
        status, _ = post(bad)
        probe.expect(status == 400, "accepts", what=name, status=status)
    for broken in (None, _Fake(3, broken=True)):
        state["service"] = broken
        status, _ = post({"text": text})
        probe.expect(status == 503, "hides_failure", status=status)
    state["service"] = service
    for method, path in (("POST", "/healthz"), ("GET", "/v1/reply"), ("PUT", "/v1/reply")):
        status, _ = ask(method, path, json.dumps({"text": text}).encode() if method != "GET" else None)
        probe.expect(status == 405, "method", method=method, path=path, status=status)
    status, _ = ask("GET", "/nothing")
    probe.expect(status == 404, "method", method="GET", path="/nothing", status=status)


def latency(probe: Probe, candidate: Any) -> None:
    """Percentiles of what each took; requests for each second of the clock, not of the sum."""
    rng = probe.rng
    for overlapping in (True, False):
        started, finished, now = [], [], rng.uniform(50, 900)
        for _ in range(rng.randint(180, 260)):
            took = rng.uniform(0.01, 0.05) if rng.random() < 0.9 else rng.uniform(0.2, 0.9)
            started.append(now)
            finished.append(now + took)
            now += rng.uniform(0.001, 0.01) if overlapping else took + rng.uniform(0, 0.02)
        order = list(range(len(started)))
        rng.shuffle(order)  # as threads hand them in
        started, finished = [started[n] for n in order], [finished[n] for n in order]
        got = probe.call(candidate, list(started), list(finished))
        wanted = {"p50_ms", "p95_ms", "per_second"}
        probe.expect(isinstance(got, dict) and set(got) >= wanted, "keys", got=str(got)[:80])
        _quantiles(probe, got, sorted(b - a for a, b in zip(started, finished, strict=True)))
        each = len(started) / (max(finished) - min(started))
        rate_ = probe.number(got["per_second"])
        if abs(rate_ - each) > 0.01 * each:
            took = sum(b - a for a, b in zip(started, finished, strict=True))
            probe.expect(abs(rate_ - len(started) / took) > 0.01 * len(started) / took, "sum",
                         got=rate_, want=each)
            raise Wrong("per_second", got=rate_, want=each)


def _quantiles(probe: Probe, got: dict[str, Any], took: list[float]) -> None:
    for name, share in (("p50_ms", 0.5), ("p95_ms", 0.95)):
        value = probe.number(got[name])
        at = int(share * len(took))
        low, high = 1000 * took[at - 2], 1000 * took[min(at + 2, len(took) - 1)]
        if low <= value <= high:
            continue
        probe.expect(not low / 1000 <= value <= high / 1000, "seconds", name=name)
        mean = 1000 * sum(took) / len(took)
        probe.expect(abs(value - mean) > 0.02 * mean, "mean", name=name)
        probe.expect(abs(value - 1000 * took[-1]) > 1e-6, "slowest", name=name)
        raise Wrong("quantile", name=name, got=value, want=1000 * took[at])


class _Calls:
    """A tuner and a comparison that note how they are used."""

    def __init__(self, gain: tuple[float, float, float]) -> None:
        self.gain, self.tuned, self.compared = gain, [], []

    def tune(self, model: Any, log: Any) -> str:
        self.tuned.append((model, list(log)))
        return f"{model}+"

    def compare(self, old: Any, new: Any) -> tuple[float, float, float]:
        self.compared.append((old, new))
        gain, low, high = self.gain
        return self.gain if str(new).endswith("+") else (-gain, -high, -low)


def retune(probe: Probe, candidate: Any) -> None:
    """Waits until due, trains on what is new, promotes only what is clearly better."""
    rng = probe.rng
    every, version = rng.randint(3, 9), rng.randint(2, 40)
    last = date(2026, rng.randint(1, 12), rng.randint(1, 28))
    log = [f"request {n}" for n in range(rng.randint(3, 8))]
    base = {"version": version, "model": "model", "last": last, "every": every}
    due = last + timedelta(days=every)
    cases = {
        "chance": (due, log, (0.1, -0.02, 0.22)),
        "worse": (due, log, (-0.1, -0.15, -0.05)),
        "early": (due - timedelta(days=1), log, (0.1, 0.05, 0.15)),
        "empty": (due, [], (0.1, 0.05, 0.15)),
        "better": (due, log, (0.1, 0.05, 0.15)),
        "late": (due + timedelta(days=4), log, (0.1, 0.01, 0.15)),
    }
    for name, (today, new, gain) in cases.items():
        calls, given = _Calls(gain), dict(base)
        got = probe.call(candidate, today, given, list(new), calls.tune, calls.compare)
        fine = isinstance(got, tuple | list) and len(got) == 2 and all(isinstance(g, dict) for g in got)
        probe.expect(fine, "pair", got=str(got)[:80])
        probe.expect(given == base, "changes_input")
        _retuned(probe, name, got[0], got[1], calls, base, today, log)


def _retuned(  # noqa: PLR0913
    probe: Probe, name: str, state: Any, report: Any, calls: _Calls, base: Any, today: date, log: Any
) -> None:
    decision = {"early": "wait", "empty": "nothing new", "better": "promoted", "late": "promoted",
                "chance": "kept", "worse": "kept"}[name]
    if name == "early":
        probe.expect(not calls.tuned and state.get("last") == base["last"], "not_due")
    elif name == "empty":
        probe.expect(not calls.tuned, "empty")
    else:
        probe.expect(calls.tuned == [(base["model"], log)], "training", got=str(calls.tuned)[:80])
        probe.expect(calls.compared and set(calls.compared) == {("model", "model+")}, "swapped",
                     got=str(calls.compared)[:80])
    got = report.get("decision")
    if name in {"chance", "worse"}:
        probe.expect(got != "promoted" and state.get("version") == base["version"], name)
    probe.expect(got == decision, "decision", got=str(got), want=decision)
    promoted = decision == "promoted"
    probe.expect(state.get("version") == base["version"] + promoted, "version",
                 got=str(state.get("version")), want=base["version"] + promoted)
    probe.expect(state.get("model") == ("model+" if promoted else "model"), "model", decision=decision)
    probe.expect(state.get("every") == base["every"], "version", got=str(state.get("every")), want=base["every"])
    if name != "early":
        probe.expect(state.get("last") == today, "every_day", decision=decision)
    wanted = calls.gain if calls.tuned else None
    told = report.get("gain")
    probe.expect((told is None) if wanted is None else tuple(told or ()) == wanted, "gain")


def pack(probe: Probe, folder: Path) -> None:
    """The Chinese service: laid out, valid replies, and good with customers it has not met."""
    new = {"vacuum", "mower", "list"}
    _serve(probe, folder, "zh-CN", lambda skill: skill not in new)


def transfer(probe: Probe, folder: Path) -> None:
    """The English service, for every skill."""
    _serve(probe, folder, "en", lambda skill: True)


def _serve(probe: Probe, folder: Path, language: str, covers: Any) -> None:
    about = _about(probe, folder, language)
    service = _start(probe, folder)
    lab = _lab(probe, "requests", "customers", "rate", "simulate")
    rng = probe.rng
    exam = [r for r in lab.read_requests(probe.data, language, side="exam", each=3, seed=probe.seed)
            if covers(r.skill)]
    missing = sorted({r.skill for r in exam if r.skill} - set(about["skills"]))
    probe.expect(not missing, "skills", names=", ".join(missing))
    per_skill: Counter[str] = Counter()
    chosen = []
    for request in exam:  # no skill may drown the others
        per_skill[request.skill] += 1
        if per_skill[request.skill] <= 40:
            chosen.append(lab.as_customer(request, rng))
    _valid(probe, service, chosen[:20], about)
    try:
        dialogues = lab.simulate(service, chosen, probe.seed)
    except Exception as error:
        raise Wrong("bad_reply", problem=f"{type(error).__name__}: {error}"[:120]) from error
    found = lab.summary(dialogues)
    facts = {name: found[name] for name in SLACK}
    probe.expect(found["answered"] >= LEAST_ANSWERED, "too_shy", answered=found["answered"], least=LEAST_ANSWERED)
    handed = float(np.mean([d["replies"][-1]["action"] == "hand_over" for d in dialogues
                            if not d["wanted"]]))
    probe.expect(handed >= LEAST_HANDED, "keeps", handed=handed, least=LEAST_HANDED)
    probe.expect(found["right_when_answered"] >= LEAST_RIGHT, "too_sure",
                 right=found["right_when_answered"], least=LEAST_RIGHT)
    for name, slack in SLACK.items():
        written = about["metrics"][name]
        probe.expect(abs(written - found[name]) <= slack, "scores_differ", name=name,
                     written=float(written), found=found[name])
    for name, value in {**facts, "solved": found["solved"], "handed": handed}.items():
        probe.measure(name, value)


def _about(probe: Probe, folder: Path, language: str) -> dict[str, Any]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    pickles = [path.name for path in files if path.suffix in {".bin", ".pt", ".pth", ".pkl", ".joblib"}]
    probe.expect(not pickles, "pickle", names=", ".join(pickles))
    missing = [name for name in ("pack.json", "service.py") if not (folder / name).is_file()]
    probe.expect(not missing, "layout", names=", ".join(missing))
    size = sum(path.stat().st_size for path in files) / 2**20
    probe.expect(size <= LARGEST_MIB, "too_large", size=size, most=LARGEST_MIB)
    try:
        about = json.loads((folder / "pack.json").read_text("utf-8"))
    except ValueError:
        about = None
    probe.expect(isinstance(about, dict), "not_json")
    wanted = ("name", "version", "language", "skills", "input", "output", "metrics")
    missing = [name for name in wanted if name not in about]
    probe.expect(not missing, "format", names=", ".join(missing))
    probe.expect(about["language"] == language, "language", got=str(about["language"]), want=language)
    scores = about["metrics"] if isinstance(about["metrics"], dict) else {}
    missing = [name for name in SLACK
               if isinstance(scores.get(name), bool) or not isinstance(scores.get(name), int | float)]
    probe.expect(not missing, "no_metrics", names=", ".join(missing))
    return dict(about)


def _start(probe: Probe, folder: Path) -> Any:
    try:
        source = (folder / "service.py").read_text("utf-8")
        made = {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    except SyntaxError as error:
        raise Wrong("no_code") from error
    probe.expect("load" in made, "no_code")
    module = types.ModuleType("service")
    sys.modules["service"] = module
    torch.set_num_threads(1)
    try:
        exec(compile(source, "service.py", "exec"), module.__dict__)  # noqa: S102
        service = module.__dict__["load"](folder)
    except Exception as error:
        raise Wrong("does_not_load", error=f"{type(error).__name__}: {error}"[:200]) from error
    probe.expect(callable(getattr(service, "reply", None)), "does_not_load", error="no reply()")
    return service


def _valid(probe: Probe, service: Any, requests: list[Any], about: dict[str, Any]) -> None:
    for request in requests:
        try:
            reply = service.reply(request.text)
        except Exception as error:
            raise Wrong("bad_reply", problem=f"{type(error).__name__}: {error}"[:120]) from error
        problem = _problem(reply, set(about["skills"]))
        probe.expect(not problem, "bad_reply", problem=problem)


def _problem(reply: Any, skills: set[str]) -> str:
    if not isinstance(reply, dict):
        return f"not a dict: {type(reply).__name__}"
    if reply.get("action") not in {"answer", "ask", "hand_over"}:
        return f"action {reply.get('action')!r}"
    confidence = reply.get("confidence")
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 <= confidence <= 1:
        return f"confidence {confidence!r}"
    if reply["action"] == "answer" and (not reply.get("skill") or reply["skill"] not in skills):
        return f"skill {reply.get('skill')!r}"
    if reply["action"] == "ask" and not set(reply.get("options") or ["?"]) <= skills:
        return f"options {reply.get('options')!r}"
    return ""


def _lab(probe: Probe, *anchors: str) -> Any:
    """Return the lab's own functions, from the cells that define them."""
    module = types.ModuleType("lab_cells")
    sys.modules["lab_cells"] = module
    module.__dict__.update(
        hashlib=hashlib, json=json, random=random, re=re, time=time, np=np, Path=Path, data=data,
        Counter=Counter, defaultdict=defaultdict, dataclass=dataclass, replace=replace,
    )
    cells = {cell.anchor: cell.code for cell in read_cells(probe.folder / "lab.py") if cell.code}
    for anchor in ("templates", *anchors):
        exec(compile(cells[anchor] or "", anchor, "exec"), module.__dict__)  # noqa: S102
    return module
