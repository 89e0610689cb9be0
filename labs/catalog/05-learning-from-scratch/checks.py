"""What makes each step right. Every check draws its inputs anew and stores no answers."""

import hashlib
import json
import math
import random
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from practicum_labs import metrics
from practicum_labs.checking.probe import Probe, Wrong

NEEDS = {
    "adam": ("torch._dynamo",),  # torch.optim imports it at the first step, a second each time
    "transfer": ("safetensors.torch", "sklearn.linear_model", "scipy.sparse", "jieba"),
}
CLOSE = {"rtol": 1e-4, "atol": 1e-6}
KINDS = ("nr", "ns", "n")
SCORE_SLACK = 0.05
BELOW = 0.01
"""How much worse than a linear model even the hopeful end of the interval may be."""
LARGEST_MIB = 8


def _same(a: Any, b: Any) -> bool:
    return bool(torch.allclose(a, b, **CLOSE))


def _pair(probe: Probe, got: Any) -> Any:
    probe.expect(isinstance(got, tuple | list) and len(got) == 2, "pair", got=type(got).__name__)
    return got


def _by_hand(probe: Probe, candidate: Any, *args: Any, **kwargs: Any) -> Any:
    """Call the candidate where autograd does not work and the framework's losses refuse."""

    def refuse(*_: Any, **__: Any) -> None:
        raise Wrong("framework")

    for place, name in ((F, "cross_entropy"), (F, "nll_loss"), (F, "log_softmax"), (F, "mse_loss"),
                        (torch, "log_softmax"), (torch.Tensor, "log_softmax")):
        setattr(place, name, refuse)
    with torch.inference_mode():
        try:
            return probe.call(candidate, *args, **kwargs)
        except Wrong as wrong:
            if wrong.failure == "raised" and "grad" in wrong.facts["error"]:
                raise Wrong("framework") from wrong
            raise


def _network(probe: Probe) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Return weights and a batch of random sizes."""
    torch.manual_seed(probe.seed)
    rng = probe.rng
    batch, inputs, hidden, outputs = rng.sample(range(3, 12), 4)
    weights = {
        "w1": torch.randn(inputs, hidden), "b1": torch.randn(hidden),
        "w2": torch.randn(hidden, outputs), "b2": torch.randn(outputs),
    }
    return weights, torch.randn(batch, inputs)


def forward(probe: Probe, candidate: Any) -> None:
    """Two linear layers, tanh after the first alone."""
    weights, x = _network(probe)
    inner = x @ weights["w1"] + weights["b1"]
    hidden = torch.tanh(inner)
    outputs = hidden @ weights["w2"] + weights["b2"]
    values, inside = _pair(probe, probe.call(candidate, dict(weights), x.clone()))
    if isinstance(values, torch.Tensor) and isinstance(inside, torch.Tensor):
        probe.expect(values.shape != hidden.shape or inside.shape != outputs.shape, "swapped")
    values = probe.tensor(values, shape=tuple(outputs.shape), dtype=torch.float32)
    inside = probe.tensor(inside, shape=tuple(hidden.shape), dtype=torch.float32)
    if not _same(values, outputs):
        probe.expect(not _same(values, inner @ weights["w2"] + weights["b2"]), "linear")
        probe.expect(not _same(values, torch.tanh(outputs)), "squeezed")
        probe.expect(not _same(values, torch.tanh(x @ weights["w1"]) @ weights["w2"]), "no_bias")
        raise Wrong("value")
    probe.expect(_same(inside, hidden), "hidden")


def cross_entropy(probe: Probe, candidate: Any) -> None:
    """Loss and gradient as the framework has them, for logits of any size."""
    torch.manual_seed(probe.seed)
    batch, classes = probe.rng.randint(4, 9), probe.rng.randint(3, 7)
    labels = torch.randint(0, classes, (batch,))
    logits = 2 * torch.randn(batch, classes)
    right = F.one_hot(labels, classes)
    p = logits.softmax(1)
    loss = -(p[right.bool()].log()).mean()
    twice = -(p.softmax(1)[right.bool()].log()).mean()
    got, gradient = _pair(probe, _by_hand(probe, candidate, logits.clone(), labels))
    got = probe.tensor(got, shape=())
    if not _same(got, loss):
        probe.expect(not _same(got, twice), "softmax_twice")
        probe.expect(not _same(got, loss * batch), "sum", batch=batch)
        raise Wrong("loss", got=got.item(), want=loss.item())
    gradient = probe.tensor(gradient, shape=(batch, classes))
    want = (p - right) / batch
    if not _same(gradient, want):
        probe.expect(not _same(gradient, want * batch), "gradient_mean", batch=batch)
        probe.expect(not _same(gradient, -want), "gradient_sign")
        through = p * (want - (p * want).sum(1, keepdim=True))
        doubled = (p.softmax(1) - right) / batch
        fits = any(_same(gradient, wrong) for wrong in (through, doubled))
        probe.expect(not fits, "gradient_softmax_twice")
        raise Wrong("gradient")
    for size in (300.0, -2000.0):
        huge = logits * 100 + size
        least = huge.min(dim=1)
        want = (huge.logsumexp(1) - least.values).mean()
        got, gradient = _by_hand(probe, candidate, huge.clone(), least.indices)
        finite = bool(torch.isfinite(got) and torch.isfinite(gradient).all())
        probe.expect(finite and torch.allclose(got, want, rtol=1e-3), "overflow", got=got.item())


def mse(probe: Probe, candidate: Any) -> None:
    """Loss and gradient as the framework has them, and no silent broadcasting."""
    torch.manual_seed(probe.seed)
    batch = probe.rng.randint(4, 9)
    outputs, targets = torch.randn(batch, 1), torch.randn(batch) + 1
    error = outputs - targets[:, None]
    loss = (error**2).mean()
    got, gradient = _pair(probe, _by_hand(probe, candidate, outputs.clone(), targets.clone()))
    got = probe.tensor(got, shape=())
    if not _same(got, loss):
        probe.expect(not _same(got, ((outputs - targets) ** 2).mean()), "broadcast", batch=batch)
        probe.expect(not _same(got, loss / 2), "half")
        probe.expect(not _same(got, loss * batch), "sum", batch=batch)
        probe.expect(not _same(got, loss.sqrt()), "root")
        raise Wrong("loss", got=got.item(), want=loss.item())
    gradient = probe.tensor(gradient, shape=(batch, 1))
    want = 2 * error / batch
    if not _same(gradient, want):
        probe.expect(not _same(gradient, want * batch), "gradient_mean", batch=batch)
        probe.expect(not _same(gradient, want / 2), "gradient_two")
        raise Wrong("gradient")


def backward(probe: Probe, candidate: Any) -> None:
    """The four gradients, as autograd finds them."""
    weights, x = _network(probe)
    hidden = torch.tanh(x @ weights["w1"] + weights["b1"])
    gradient = torch.randn(len(x), len(weights["b2"]))
    got = _by_hand(probe, candidate, dict(weights), x.clone(), hidden.clone(), gradient.clone())
    probe.expect(isinstance(got, dict) and got.keys() == weights.keys(), "names")
    got = {name: probe.tensor(got[name], shape=tuple(w.shape)) for name, w in weights.items()}

    def chain(slope: torch.Tensor) -> dict[str, torch.Tensor]:
        inner = gradient @ weights["w2"].T * slope
        return {"w1": x.T @ inner, "b1": inner.sum(0), "w2": hidden.T @ gradient, "b2": gradient.sum(0)}

    want = chain(1 - hidden**2)
    off = [name for name in want if not _same(got[name], want[name])]
    if not off:
        return
    probe.expect(not all(_same(got[n] * len(x), want[n]) for n in off), "mean_again", names=", ".join(off))
    for failure, slope in (("no_slope", torch.ones_like(hidden)), ("slope", 1 - torch.tanh(hidden) ** 2)):
        wrong = chain(slope)
        probe.expect(not all(_same(got[name], wrong[name]) for name in off), failure)
    probe.expect(not all(_same(got[name], -want[name]) for name in off), "sign")
    raise Wrong("value", names=", ".join(off))


def _adam_path(weights: Any, gradients: Any, lr: float, options: Any, kind: str = "") -> list[Any]:
    """Return the weight after each step of Adam, or of one of its wrong relatives."""
    (beta1, beta2), epsilon = options["betas"], options["eps"]
    mean = square = torch.zeros_like(weights)
    path = []
    for step, gradient in enumerate(gradients, 1):
        if kind == "forgets":
            mean, square, step = torch.zeros_like(weights), torch.zeros_like(weights), 1  # noqa: PLW2901
        mean = beta1 * mean + (1 - beta1) * gradient
        square = beta2 * square + (1 - beta2) * gradient**2
        m, s = mean / (1 - beta1**step), square / (1 - beta2**step)
        if kind == "no_correction":
            m, s = mean, square
        change = m / (s.sqrt() + epsilon)
        if kind == "epsilon_inside":
            change = m / (s + epsilon).sqrt()
        elif kind == "no_root":
            change = m / (s + epsilon)
        weights = weights - lr * change
        path.append(weights)
    return path


def adam(probe: Probe, candidate: Any) -> None:
    """Each of several steps lands where torch.optim.Adam lands."""
    torch.manual_seed(probe.seed)
    rng = probe.rng
    options = {"betas": (rng.uniform(0.6, 0.9), rng.uniform(0.95, 0.99)), "eps": 0.01}
    lr = rng.uniform(0.05, 0.2)
    start = {"w": torch.randn(3, 4), "b": torch.randn(4)}
    slopes = [{name: torch.randn_like(w) for name, w in start.items()} for _ in range(5)]
    twins = {name: w.clone().requires_grad_() for name, w in start.items()}
    theirs = torch.optim.Adam(twins.values(), lr=lr, **options)
    weights, state, path = {name: w.clone() for name, w in start.items()}, {}, []
    for slope in slopes:
        for name, twin in twins.items():
            twin.grad = slope[name].clone()
        theirs.step()
        given = {name: g.clone() for name, g in slope.items()}
        betas = options["betas"]
        made = probe.call(candidate, weights, given, state, lr, beta1=betas[0], beta2=betas[1], epsilon=0.01)
        weights, state = _pair(probe, made)
        probe.expect(isinstance(weights, dict) and weights.keys() == start.keys(), "names")
        for name, w in start.items():
            probe.tensor(weights[name], shape=tuple(w.shape))
        path.append(weights["w"].clone())
        if all(_same(weights[name], twin) for name, twin in twins.items()):
            continue
        for kind in ("no_correction", "epsilon_inside", "no_root", "forgets"):
            wrong = _adam_path(start["w"], [slope["w"] for slope in slopes], lr, options, kind)
            fits = all(_same(*pair) for pair in zip(path, wrong, strict=False))
            probe.expect(not fits, kind)
        raise Wrong("first_step" if len(path) == 1 else "later_step", step=len(path))


def _curve(rng: random.Random, reached: int | None, final: float, target: float, every: int) -> Any:
    """Return a curve that first reaches the target at this step (never for None)."""
    curve = []
    for step in range(every, 201, every):
        below = target - rng.uniform(0.02, 0.2)
        curve.append((step, below if reached is None or step < reached else target + 0.005))
    return [*curve[:-1], (200, final)] if reached else curve


def choose(probe: Probe, candidate: Any) -> None:
    """The rule in the text, where every shortcut would take another run."""
    rng = probe.rng
    target = rng.choice([0.8, 0.9])
    shapes = {  # first steps at or above the target, last accuracy, steps between measurements
        "": ((100, 100, 120), target + 0.02, 20),
        "tie": ((100, 100, 120), target + 0.01, 20),
        "final": ((140, 160, 160), target + 0.09, 20),
        "best_seed": ((20, 180, 180), target + 0.02, 20),
        "unreached": ((40, 40, None), target + 0.02, 20),
        "places": ((160, 160, 160), target + 0.01, 40),
    }
    runs = [
        {"optimiser": rng.choice(["SGD", "Adam"]), "lr": rng.uniform(0.001, 1), "shape": name,
         "curves": [_curve(rng, first, final, target, every) for first in firsts]}
        for name, (firsts, final, every) in shapes.items()
    ]
    rng.shuffle(runs)
    kinds = [run.pop("shape") for run in runs]
    got = probe.call(candidate, [dict(run) for run in runs], target)
    probe.expect(isinstance(got, dict) and got in runs, "not_a_run", got=str(got)[:60])
    kind = kinds[runs.index(got)]
    if kind:
        raise Wrong(kind)


def build(probe: Probe, candidate: Any) -> None:
    """A module of the right size that is not linear and returns logits."""
    rng = probe.rng
    inputs, hidden, outputs = rng.sample(range(4, 20), 3)
    torch.manual_seed(probe.seed)
    model = probe.call(candidate, inputs, hidden, outputs)
    probe.expect(isinstance(model, nn.Module), "module", got=type(model).__name__)
    x = torch.randn(64, inputs)
    values = probe.tensor(probe.call(model, x), shape=(64, outputs))
    shapes = sorted(tuple(p.shape) for p in model.parameters())
    want = sorted([(hidden, inputs), (hidden,), (outputs, hidden), (outputs,)])
    probe.expect(shapes, "unregistered")
    count, right = (sum(math.prod(shape) for shape in some) for some in (shapes, want))
    probe.expect(count == right, "count", got=count, want=right)
    probe.expect(not _same(values.exp().sum(1), torch.ones(64)), "softmax")
    probe.expect(not _same(values.sum(1), torch.ones(64)), "softmax")
    probe.expect(bool((values > 0).any() and (values < 0).any()), "squeezed")
    with torch.no_grad():
        probe.expect(not _same(model(2 * x) - model(x), model(x) - model(0 * x)), "linear")
    F.cross_entropy(values, torch.randint(0, outputs, (64,))).backward()
    weights = [p for p in model.parameters() if p.ndim == 2]
    probe.expect(all(p.grad is not None and bool(p.grad.any()) for p in weights), "no_gradient")
    same = any(_same(p.grad, p.grad[:1].expand_as(p)) for p in weights)
    probe.expect(not same, "same_units")


class _Watched(nn.Module):
    """A classifier with dropout that remembers how it was asked."""

    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(inputs, 16), nn.Dropout(0.5), nn.Linear(16, classes))
        self.seen: list[tuple[int, bool, bool]] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.append((len(x), self.training, torch.is_grad_enabled()))
        logits: torch.Tensor = self.body(x) * 3
        return logits


def evaluate(probe: Probe, candidate: Any) -> None:
    """Exact over all examples, without dropout and without a graph, batch by batch."""
    torch.manual_seed(probe.seed)
    size, classes, inputs = probe.rng.randint(6, 12), probe.rng.randint(3, 6), 5
    x = torch.randn(3 * size + 2, inputs)
    model = _Watched(inputs, classes).train()
    with torch.no_grad():
        logits = model.eval()(x)
    labels = logits.argmax(1)
    labels[::3] = logits[::3].argmin(1)
    labels[-2:] = logits[-2:].argmin(1)  # the last, short batch is hard
    model.train().seen.clear()
    got = probe.call(candidate, model, x, labels, size)
    probe.expect(isinstance(got, dict) and {"loss", "accuracy"} <= got.keys(), "names")
    seen = model.seen
    probe.expect(seen and max(n for n, _, _ in seen) <= size, "too_large", size=size)
    probe.expect(not any(training for _, training, _ in seen), "train_mode")
    probe.expect(not any(graph for _, _, graph in seen), "graph")
    asked = sum(n for n, _, _ in seen)
    probe.expect(asked == len(x), "left_out", got=asked, want=len(x))
    loss, right = (probe.number(got[name]) for name in ("loss", "accuracy"))
    each = F.cross_entropy(logits, labels, reduction="none")
    hits = (logits.argmax(1) == labels).float()
    for name, said, values in (("loss", loss, each), ("accuracy", right, hits)):
        want = values.mean().item()
        if abs(said - want) > 1e-4:
            by_batch = torch.stack([part.mean() for part in values.split(size)]).mean().item()
            probe.expect(abs(said - by_batch) > 1e-4, "batch_means", name=name)
            probe.expect(abs(said - 100 * want) > 1e-2, "percent", name=name)
            twice = F.cross_entropy(logits.softmax(1), labels).item()
            probe.expect(name != "loss" or abs(said - twice) > 1e-4, "softmax_twice")
            raise Wrong("value", name=name, got=said, want=want)


def fit(probe: Probe, candidate: Any) -> None:
    """Stops, adjusts, logs and keeps the best weights, on losses that the check wrote."""
    rng = probe.rng
    patience = rng.randint(2, 3)
    worse = [1 + rng.random() for _ in range(10)]
    dip = [0.5, *worse[: patience - 1], 0.4, *worse[:1], 0.3]
    for losses, epochs in ((dip + worse, 30), (dip[:-1], len(dip) - 1)):
        _fit_once(probe, candidate, losses, epochs, patience)


def _fit_once(probe: Probe, candidate: Any, losses: list[float], epochs: int, patience: int) -> None:
    model, lr = nn.Linear(1, 1), probe.rng.choice([0.08, 0.4])
    rates: list[float] = []
    logged: list[tuple[Any, Any]] = []

    def train_epoch(model: nn.Module, lr: float) -> None:
        rates.append(float(lr))
        with torch.no_grad():
            model.weight.fill_(len(rates))

    def measure(model: nn.Module) -> dict[str, float]:
        at = int(model.weight.item())
        return {"train_loss": 1 / (1 + at), "validation_loss": losses[min(at, len(losses)) - 1]}

    def log(numbers: Any, epoch: Any) -> None:
        logged.append((epoch, dict(numbers)))

    chosen = probe.call(candidate, model, train_epoch, measure, log, epochs, patience, lr)
    best = min(range(min(epochs, len(losses))), key=losses.__getitem__) + 1
    last = min(best + patience, epochs)
    probe.expect(len(rates) >= last, "too_soon", got=len(rates), want=last, patience=patience)
    probe.expect(len(rates) <= last, "too_late", got=len(rates), want=last, patience=patience)
    probe.expect([epoch for epoch, _ in logged] == list(range(1, last + 1)), "not_each_epoch",
                 got=str([epoch for epoch, _ in logged])[:60], last=last)
    full = all({"lr", "validation_loss"} <= numbers.keys() for _, numbers in logged)
    probe.expect(full, "log_lacks")
    want = [lr]
    for epoch in range(1, last):
        want.append(want[-1] / (1 if losses[epoch - 1] == min(losses[:epoch]) else 2))
    probe.expect(rates == want or any(rate != lr for rate in rates), "not_adjusted")
    probe.expect(all(abs(a - b) < 1e-9 for a, b in zip(rates, want, strict=True)), "rates",
                 got=", ".join(f"{r:g}" for r in rates), want=", ".join(f"{r:g}" for r in want))
    kept = round(model.weight.item())
    probe.expect(kept == best or kept != last, "last_weights", best=best, last=last)
    probe.expect(kept == best, "weights", got=kept, best=best)
    probe.expect(probe.number(chosen) == best, "returned", got=chosen, best=best)


def lowest_loss(probe: Probe, candidate: Any) -> None:
    """Probability 1 for the right class, read as logits."""
    for classes in probe.rng.sample(range(3, 60), 4):
        got = probe.number(probe.call(candidate, classes))
        want = math.log(1 + (classes - 1) / math.e)
        if abs(got - want) > 1e-4:
            probe.expect(abs(got) > 1e-4, "zero")
            probe.expect(abs(got - math.log(classes)) > 1e-4, "uniform")
            probe.expect(abs(got + want) > 1e-4, "sign")
            raise Wrong("value", got=got, classes=classes)


def transfer(probe: Probe, folder: Path) -> None:
    """A tagger that can be loaded, is better than the baseline, and is honest about it."""
    model, characters, scores = _load(probe, folder)
    train, test = _words(7, 6000, (0,)), _words(probe.seed, 3000, (2,))
    gold = [kind for _, kind in test]
    with torch.inference_mode():
        said = model(_features([word for word, _ in test], characters)).argmax(1).tolist()
    probe.expect(len(set(said)) > 1, "constant", kind=said[0])
    score = metrics.score(metrics.accuracy, gold, said)
    gain = metrics.difference(metrics.accuracy, gold, said, _last_character(train, test))
    probe.expect(gain.above_zero, "not_better", score=score.value, gain=gain.value, low=gain.low)
    against = metrics.difference(metrics.accuracy, gold, said, _linear(train, test, characters))
    probe.expect(against.high > -BELOW, "below_linear", score=score.value, gain=against.value)
    probe.expect(abs(scores["accuracy"] - score.value) <= SCORE_SLACK, "scores_differ",
                 written=scores["accuracy"], score=score.value)
    width = (scores["high"] - scores["low"]) / 2
    usual = 1.96 * math.sqrt(score.value * (1 - score.value) / max(scores["examples"], 1))
    probe.expect(scores["low"] < scores["accuracy"] < scores["high"] and 0.5 < width / usual < 2,
                 "interval", width=width, usual=usual)
    for name, value in (("accuracy", score.value), ("low", score.low), ("high", score.high),
                        ("gain", gain.value), ("linear", against.value)):
        probe.measure(name, value)


def _load(probe: Probe, folder: Path) -> tuple[nn.Module, list[str], dict[str, float]]:
    """Return the network from its tensors alone, its characters and the written scores."""
    from safetensors.torch import load_file

    files = [path for path in folder.rglob("*") if path.is_file()]
    pickles = [path.name for path in files if path.suffix in {".bin", ".pt", ".pth", ".pkl"}]
    probe.expect(not pickles, "pickle", names=", ".join(pickles))
    wanted = ("model.safetensors", "model.json", "characters.json", "scores.json")
    missing = [name for name in wanted if not (folder / name).is_file()]
    probe.expect(not missing, "layout", names=", ".join(missing))
    size = sum(path.stat().st_size for path in files) / 2**20
    probe.expect(size <= LARGEST_MIB, "too_large", size=size, most=LARGEST_MIB)
    try:
        told, characters, scores = (json.loads((folder / n).read_text("utf-8")) for n in wanted[1:])
        tensors = load_file(folder / "model.safetensors")
        model = _sequential(tensors, told["activation"])
        model(_features(["中国"], characters))
        scores = {name: float(scores[name]) for name in ("accuracy", "low", "high", "examples")}
    except Exception as error:
        raise Wrong("does_not_load", error=f"{type(error).__name__}: {error}"[:200]) from error
    return model, characters, scores


def _sequential(tensors: dict[str, torch.Tensor], activation: str) -> nn.Module:
    """Return the linear layers in the order of their numbers, with the activation between."""
    layers: list[nn.Module] = []
    for number in sorted({int(name.split(".")[0]) for name in tensors}):
        weight, bias = tensors[f"{number}.weight"], tensors[f"{number}.bias"]
        layer = nn.Linear(weight.shape[1], weight.shape[0])
        layer.load_state_dict({"weight": weight, "bias": bias})
        layers += [layer, {"tanh": nn.Tanh, "relu": nn.ReLU}[activation]()]
    return nn.Sequential(*layers[:-1]).eval()


def _words(seed: int, most: int, sides: tuple[int, ...]) -> list[tuple[str, int]]:
    import jieba

    rng, pools = random.Random(seed), defaultdict(list)
    for line in Path(jieba.__file__).with_name("dict.txt").read_text("utf-8").splitlines():
        word, _, tag = line.split(" ")
        if tag in KINDS and 2 <= len(word) <= 4 and all("一" <= mark <= "鿿" for mark in word):
            digest = hashlib.sha256(word[:2].encode()).digest()
            number = int.from_bytes(digest[:4], "big") % 10
            if (2 if number < 2 else 1 if number < 4 else 0) in sides:
                pools[tag].append(word)
    return [(w, n) for n, tag in enumerate(KINDS) for w in rng.sample(pools[tag], most // len(KINDS))]


def _features(words: list[str], characters: list[str]) -> torch.Tensor:
    number = {character: n for n, character in enumerate(characters)}
    x = torch.zeros(len(words), 2 * len(characters) + 3)
    for row, word in enumerate(words):
        for character, start in ((word[0], 0), (word[-1], len(characters))):
            if character in number:
                x[row, start + number[character]] = 1
        x[row, 2 * len(characters) + len(word) - 2] = 1
    return x


def _last_character(train: list[tuple[str, int]], test: list[tuple[str, int]]) -> list[int]:
    votes: dict[str, Counter[int]] = defaultdict(Counter)
    for word, kind in train:
        votes[word[-1]][kind] += 1
    return [max(votes[word[-1]], key=votes[word[-1]].__getitem__, default=0) for word, _ in test]


def _linear(train: list[tuple[str, int]], test: list[tuple[str, int]], characters: list[str]) -> list[int]:
    """Return the answers of a softmax regression on the same features."""
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    known, asked = (csr_matrix(_features([w for w, _ in side], characters).numpy()) for side in (train, test))
    model = LogisticRegression(C=3, max_iter=200).fit(known, [kind for _, kind in train])
    answers: list[int] = model.predict(asked).tolist()
    return answers
