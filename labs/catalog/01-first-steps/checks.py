"""What makes each step right. Every check draws its inputs anew and stores no answers."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from practicum_labs import data, metrics
from practicum_labs.checking.probe import Probe, Wrong
from practicum_labs.registry import entry
from practicum_labs.settings import LabSettings
from practicum_labs.tier import tier, use_threads

NEEDS = {"transfer": ("torch", "transformers", "safetensors.numpy")}
Z = 1.96
LAYER = 8
REVIEWS = 240
LEAST_GAIN = 0.03
SCORE_SLACK = 0.15
REVIEW = (
    "Say whether a sentence from a product review is negative, neutral or positive. "
    "Answer with the word only."
)
WORDS = "apple river castle candle violin rocket ticket basket lemon tiger anchor magnet".split()


def probabilities(probe: Probe, candidate: Any) -> None:
    """Softmax with a temperature, for scores of any size."""
    rng = probe.rng
    for offset, temperature in ((0, 1.0), (0, rng.uniform(0.3, 0.6)), (0, rng.uniform(1.8, 3.0)), (3000, 1.5)):
        logits = [offset + rng.uniform(-4, 4) for _ in range(rng.randint(3, 7))]
        got = probe.call(candidate, list(logits), temperature)
        probe.expect(isinstance(got, list | tuple | np.ndarray) and len(got) == len(logits), "form",
                     count=len(logits), got=repr(got)[:80])
        shares = [probe.number(value) for value in got]
        if _close(shares, _softmax(logits, 1 / temperature)):
            continue
        probe.expect(not _close(shares, [s / sum(logits) for s in logits]), "linear")
        probe.expect(abs(sum(shares) - 1) < 1e-6, "sum", total=sum(shares))
        probe.expect(not _close(shares, _softmax(logits, 1.0)), "temperature")
        probe.expect(not _close(shares, _softmax(logits, temperature)), "inverted")
        raise Wrong("value")


def _softmax(logits: list[float], factor: float) -> list[float]:
    highest = max(logits)
    powers = [math.exp(factor * (score - highest)) for score in logits]
    return [power / sum(powers) for power in powers]


def _close(ours: list[float], theirs: list[float]) -> bool:
    return all(math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9) for a, b in zip(ours, theirs, strict=True))


def build_messages(probe: Probe, candidate: Any) -> None:
    """A system message, a pair of turns for each example, and the request."""
    rng = probe.rng
    for count in (0, 1, rng.randint(3, 5)):
        texts = rng.sample(WORDS, count + 1)
        examples = [(text, f"group-{rng.randint(10, 99)}") for text in texts[1:]]
        instruction = f"Sort this, please ({rng.randint(100, 999)})."
        got = probe.call(candidate, instruction, list(examples), texts[0])
        fine = isinstance(got, list) and got and all(
            isinstance(m, dict) and {"role", "content"} <= m.keys() for m in got)
        probe.expect(fine, "form", got=repr(got)[:80])
        want = [("system", instruction)]
        for text, label in examples:
            want += [("user", text), ("assistant", label)]
        want.append(("user", texts[0]))
        said = [(m["role"], m["content"]) for m in got]
        if said == want:
            continue
        probe.expect(texts[0] in str(said[-1][1]), "request")
        probe.expect(len(said) == len(want), "shots", got=len(said), want=len(want), examples=count)
        roles = [role for role, _ in said]
        probe.expect(roles == [role for role, _ in want], "roles", got=", ".join(map(str, roles)))
        probe.expect(sorted(map(str, said)) != sorted(map(str, want)), "order")
        raise Wrong("content", got=next(repr(a[1])[:80] for a, b in zip(said, want, strict=True) if a != b))


def wilson(probe: Probe, candidate: Any) -> None:
    """Wilson's score interval, also where nothing or everything was right."""
    rng = probe.rng
    total = rng.randint(60, 150)
    cases = [(rng.randint(total // 4, total // 3), total), (rng.randint(3, 6),) * 2, (0, rng.randint(5, 20))]
    for right, total in cases:
        got = probe.call(candidate, right, total)
        probe.expect(isinstance(got, tuple | list) and len(got) == 3, "form", got=repr(got)[:80])
        share, low, high = (probe.number(value) for value in got)
        _, want_low, want_high = _wilson(right, total, Z)
        probe.expect(abs(share - right / total) < 1e-9, "share", got=share, want=right / total)
        if abs(low - want_low) < 1e-3 and abs(high - want_high) < 1e-3:
            continue
        probe.expect(low <= high, "order")
        probe.expect(not (low == high or low < -1e-9 or high > 1 + 1e-9) and not _is_wald(share, total, low, high),
                     "certain", right=right, total=total, low=low, high=high)
        probe.expect(high - low > 0.75 * (want_high - want_low), "narrow", got=high - low, want=want_high - want_low)
        raise Wrong("value", low=low, high=high, want_low=want_low, want_high=want_high)


def _wilson(right: int, total: int, z: float) -> tuple[float, float, float]:
    """Return share, low and high: the roots of (share - p)² = z² p (1 - p) / total."""
    share = right / total
    a, b, c = 1 + z**2 / total, -(2 * share + z**2 / total), share**2
    root = math.sqrt(b**2 - 4 * a * c)
    return share, (-b - root) / (2 * a), (-b + root) / (2 * a)


def _is_wald(share: float, total: int, low: float, high: float) -> bool:
    half = Z * math.sqrt(share * (1 - share) / total)
    return abs(low - (share - half)) < 1e-6 and abs(high - (share + half)) < 1e-6


def parse_answer(probe: Probe, candidate: Any) -> None:
    """Whole labels only; blanks, one full stop and capitals are forgiven."""
    rng = probe.rng
    labels = rng.sample(WORDS, 4)
    labels[1] = labels[1].capitalize()
    for label in rng.sample(labels, 4):
        for answer in (label, label.upper(), label.lower()):
            _reads(probe, candidate, answer, labels, label, "case")
        for answer in (f"  {label}\n", f"{label}.", f" {label.capitalize()}. "):
            _reads(probe, candidate, answer, labels, label, "trimmed")
        other = next(each for each in labels if each != label)
        for answer in (f"not {label}", f"It is {label}, {other} or both.", f"{label}s", f"{label} {label}"):
            _reads_nothing(probe, candidate, answer, labels, "substring")
        for answer in ("", ".", label[: rng.randint(2, 4)], label[1:], "none of these"):
            _reads_nothing(probe, candidate, answer, labels, "invented")


def _reads(probe: Probe, candidate: Any, answer: str, labels: list[str], want: str, failure: str) -> None:
    got = probe.call(candidate, answer, list(labels))
    probe.expect(isinstance(got, str), "form", got=repr(got)[:80])
    if got != want:
        probe.expect(got.lower() != want.lower(), "spelling", got=got, want=want)
        raise Wrong(failure, answer=repr(answer))


def _reads_nothing(probe: Probe, candidate: Any, answer: str, labels: list[str], failure: str) -> None:
    got = probe.call(candidate, answer, list(labels))
    probe.expect(isinstance(got, str), "form", got=repr(got)[:80])
    probe.expect(got == "", failure, answer=repr(answer), got=repr(got))


def choose(probe: Probe, candidate: Any) -> None:
    """The label with the largest gain on its prior, when every wrong rule gives another one."""
    rng = probe.rng
    for _ in range(4):
        labels = rng.sample(WORDS, 6)
        right, probable, liked, least, both = labels[:5]
        logprobs = [rng.uniform(-30, -25) for _ in range(40)]
        tokens = dict(zip(labels, rng.sample(range(6, 40), 6), strict=True))
        prior = {label: rng.uniform(-8.4, -8.0) for label in labels}
        for label in labels:
            logprobs[tokens[label]] = rng.uniform(-9.4, -9.0)
        logprobs[tokens[right]] = -5.0  # gains 3.2 or so
        logprobs[tokens[probable]], prior[probable] = -2.0, -3.0
        logprobs[tokens[liked]], prior[liked] = -6.0, -0.1
        logprobs[tokens[both]], prior[both] = -2.5, -1.0
        logprobs[tokens[least]], prior[least] = -12.0, -2.0
        logprobs[next(n for n in range(6, 40) if n not in tokens.values())] = -0.1  # no label's token
        order = rng.sample(labels, 6)
        got = probe.call(candidate, np.array(logprobs), {k: tokens[k] for k in order}, {k: prior[k] for k in order})
        probe.expect(isinstance(got, str) and got in labels, "form", got=repr(got)[:80])
        for label, failure in ((probable, "raw"), (both, "added"), (liked, "prior"), (least, "lowest")):
            probe.expect(got != label, failure)
        probe.expect(got == right, "value", got=got, want=right)


def nearest(probe: Probe, candidate: Any) -> None:
    """Rows by cosine, where products and distances give other orders."""
    rng = np.random.default_rng(probe.seed)
    for k in (5, 3, 1):
        query = rng.normal(size=8)
        vectors = rng.normal(size=(30, 8)) * rng.uniform(0.2, 5, size=(30, 1))
        products = vectors @ query
        cosine = products / np.linalg.norm(vectors, axis=1)
        want = np.argsort(-cosine)[:k].tolist()
        got = probe.call(candidate, query.copy(), vectors.copy(), k)
        fine = isinstance(got, list) and all(type(n) is int and 0 <= n < 30 for n in got)
        probe.expect(fine, "form", k=k, got=repr(got)[:80])
        probe.expect(len(got) == k, "count", got=len(got), k=k)
        if got == want:
            continue
        distances = np.linalg.norm(vectors - query, axis=1)
        for order, failure in ((cosine, "least"), (-products, "long"), (distances, "distance")):
            probe.expect(got != np.argsort(order)[:k].tolist(), failure)
        probe.expect(got != want[::-1], "reversed")
        raise Wrong("value", k=k)


def transfer(probe: Probe, folder: Path) -> None:
    """A head that is better than the generic model, and honest about both.

    The gain is told with its interval, and judged without it: with so few reviews a right head's
    interval reaches zero in one draw of ten.
    """
    weight, bias, claimed = _read_head(probe, folder)
    split = data.load("vader-reviews", folder=probe.data)
    count = min(REVIEWS, tier(LabSettings().tier or "cpu").examples(REVIEWS))
    chosen = probe.rng.sample(split.validation, count)
    gold, texts = [each.label for each in chosen], [each.text for each in chosen]
    vectors, generic = _model_says(probe, texts, list(split.classes))
    tuned = (vectors @ weight.T + bias).argmax(axis=1).tolist()
    probe.expect(len(set(tuned)) > 1, "constant", label=split.classes[tuned[0]])
    score = metrics.score(metrics.macro_f1, gold, tuned)
    base = metrics.score(metrics.macro_f1, gold, generic).value
    gain = metrics.difference(metrics.macro_f1, gold, tuned, generic)
    probe.expect(gain.value > LEAST_GAIN, "not_better", score=score.value, gain=gain.value, low=gain.low)
    probe.expect(abs(claimed["tuned"] - score.value) <= SCORE_SLACK, "scores_differ",
                 written=claimed["tuned"], score=score.value)
    probe.expect(abs(claimed["zero_shot"] - base) <= SCORE_SLACK, "generic_differs",
                 written=claimed["zero_shot"], score=base)
    for name, value in (("macro_f1", score.value), ("low", score.low), ("high", score.high), ("generic", base),
                        ("gain", gain.value), ("gain_low", gain.low), ("gain_high", gain.high)):
        probe.measure(name, value)


def _read_head(probe: Probe, folder: Path) -> tuple[Any, Any, dict[str, float]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    missing = [n for n in ("head.safetensors", "scores.json") if not (folder / n).is_file()]
    probe.expect(not missing, "layout", names=", ".join(missing))
    try:
        scores = json.loads((folder / "scores.json").read_text("utf-8"))
    except ValueError:
        scores = None
    names = ("zero_shot", "tuned")
    honest = isinstance(scores, dict) and all(isinstance(scores.get(n), int | float) for n in names)
    probe.expect(honest, "not_json")
    try:
        state = load_file(folder / "head.safetensors")
    except (SafetensorError, OSError) as error:
        raise Wrong("shape", got=str(error)[:80]) from error
    shapes = {name: tensor.shape for name, tensor in state.items()}
    probe.expect(shapes == {"weight": (3, 576), "bias": (3,)}, "shape", got=str(shapes)[:120])
    return state["weight"], state["bias"], {name: float(scores[name]) for name in names}


def _model_says(probe: Probe, texts: list[str], classes: list[str]) -> tuple[Any, list[int]]:
    """Return the mean vector of each text in LAYER, and the generic model's calibrated choice."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    use_threads()
    place = probe.data / entry("smollm2").folder
    tokenizer = AutoTokenizer.from_pretrained(place, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(place, dtype=torch.bfloat16).eval()
    empty = _prompt(tokenizer, "N/A")
    start = empty[: empty.rindex("<|im_start|>user")]
    tokens = [tokenizer.encode(name)[0] for name in classes]
    vectors = np.zeros((len(texts), model.config.hidden_size), "float32")
    rows = np.zeros((len(texts) + 1, len(classes)), "float32")
    order = sorted(range(len(texts) + 1), key=lambda n: len([*texts, ""][n]))
    with torch.inference_mode():
        first = tokenizer(start, return_tensors="pt")["input_ids"]
        for part in (order[i : i + 24] for i in range(0, len(order), 24)):
            cache = model(first, use_cache=True, logits_to_keep=1).past_key_values
            cache.batch_repeat_interleave(len(part))
            rest = [_prompt(tokenizer, [*texts, "N/A"][n]).removeprefix(start) for n in part]
            batch = tokenizer(rest, return_tensors="pt", padding=True)
            mask = torch.nn.functional.pad(batch["attention_mask"], (first.shape[1], 0), value=1)
            places = mask.cumsum(1)[:, first.shape[1] :] - 1
            out = model(batch["input_ids"], attention_mask=mask, position_ids=places,
                        past_key_values=cache, logits_to_keep=1)
            rows[part] = out.logits[:, -1].float().log_softmax(-1)[:, tokens].numpy()
        del model.model.layers[LAYER + 1 :]
        model.config.num_hidden_layers = LAYER + 1
        order.remove(len(texts))  # the empty request
        for part in (order[i : i + 24] for i in range(0, len(order), 24)):
            batch = tokenizer([texts[n] for n in part], return_tensors="pt", padding=True,
                              truncation=True, max_length=48)
            hidden = model.model(**batch, output_hidden_states=True).hidden_states[LAYER].float()
            weight = batch["attention_mask"].unsqueeze(-1)
            vectors[part] = ((hidden * weight).sum(1) / weight.sum(1)).numpy()
    return vectors, (rows[:-1] - rows[-1]).argmax(axis=1).tolist()


def _prompt(tokenizer: Any, text: str) -> str:
    turns = [{"role": "system", "content": REVIEW}, {"role": "user", "content": text}]
    prompt: str = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    return prompt
