# %% [markdown] intro
# %% setup
import hashlib
import json
import math
import random
import time
from collections import Counter, defaultdict
from pathlib import Path

import jieba
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression, RidgeCV
from torch import nn
from torch.nn import functional as F

from practicum_labs import data, metrics, track
from practicum_labs.lab import open_lab

lab = open_lab("learning", language="en")
lab.style()

SEED = 0
SEEDS = (0, 1, 2)
torch.set_num_threads(1)  # these networks are so small that threads would wait for each other
print(lab.say("ready", tier=lab.tier.name, torch=torch.__version__))
# %% [markdown] data
# %% data
def thirds(x, y, train, test, seed=0):
    """Shuffle, and return (x, y) for training, for validation and for the test, in this order."""
    order = np.random.default_rng(seed).permutation(len(x))
    rest = len(x) - train - test
    parts = np.split(order, [train, train + rest])
    return [(torch.tensor(x[part], dtype=torch.float32), torch.tensor(y[part])) for part in parts]


digits = load_digits()
data.note_loaded("digits", hashlib.sha256(digits.data.tobytes()).hexdigest())
(x_train, y_train), (x_valid, y_valid), (x_test, y_test) = thirds(
    digits.data / 16, digits.target, train=1000, test=400
)
x_train, y_train = x_train[: lab.tier.examples(1000)], y_train[: lab.tier.examples(1000)]
print(f"train {len(x_train)}  validation {len(x_valid)}  test {len(x_test)}  inputs {x_train.shape[1]}")

figure, places = plt.subplots(1, 12, figsize=(9, 1.2))
for place, image, label in zip(places, x_train, y_train, strict=False):
    place.imshow(image.reshape(8, 8), cmap="gray_r")
    place.set_title(int(label))
    place.axis("off")
plt.show()
# %% [markdown] baseline
# %% baseline
models = [LogisticRegression(C=c, max_iter=500).fit(x_train, y_train) for c in (0.1, 1, 10)]
linear = max(models, key=lambda model: model.score(x_valid, y_valid))


def neighbour(x):
    """Return the label of the training image that is nearest to each image."""
    return y_train[torch.cdist(x, x_train).argmin(dim=1)]


print(f"{lab.say('linear')}: {lab.say('validation')} {linear.score(x_valid, y_valid):.3f}")
print(f"{lab.say('neighbour')}: {lab.say('validation')} {(neighbour(x_valid) == y_valid).float().mean():.3f}")
# %% [markdown] forward
# %% forward graded=forward
def forward(weights, x):
    """Send x through a hidden layer with tanh and through an output layer without.

    weights: {"w1": (inputs, hidden), "b1": (hidden,), "w2": (hidden, outputs), "b2": (outputs,)}
    x: (batch, inputs)
    Returns (outputs, hidden): (batch, outputs) and, for the way back, (batch, hidden).
    """
    # >>>
    hidden = torch.tanh(x @ weights["w1"] + weights["b1"])
    outputs = hidden @ weights["w2"] + weights["b2"]
    return outputs, hidden
    # <<<
# %% forward-check
lab.check("forward", forward)
# %% [markdown] solution forward-reading
# %% [markdown] cross_entropy
# %% cross_entropy graded=cross_entropy
def cross_entropy(logits, labels):
    """Return the mean cross-entropy of a batch, and its gradient with respect to the logits.

    logits: (batch, classes), any real numbers   labels: (batch,), numbers of the right classes
    Returns (loss, gradient): a tensor without dimensions, and (batch, classes).
    """
    rows = torch.arange(len(labels))
    # >>>
    top = logits.max(dim=1, keepdim=True).values
    log_sum = top + (logits - top).exp().sum(dim=1, keepdim=True).log()
    log_p = logits - log_sum
    loss = -log_p[rows, labels].mean()
    gradient = log_p.exp()
    gradient[rows, labels] -= 1
    return loss, gradient / len(labels)
    # <<<
# %% cross_entropy-check
lab.check("cross_entropy", cross_entropy)
# %% [markdown] solution cross_entropy-reading
# %% [markdown] mse
# %% mse graded=mse
def mse(outputs, targets):
    """Return the mean squared error of a batch, and its gradient with respect to the outputs.

    outputs: (batch, 1), as a network gives them   targets: (batch,)
    Returns (loss, gradient): a tensor without dimensions, and (batch, 1).
    """
    # >>>
    error = outputs - targets.reshape(outputs.shape)
    return (error**2).mean(), 2 * error / len(targets)
    # <<<
# %% mse-check
lab.check("mse", mse)
# %% [markdown] solution mse-reading
# %% [markdown] backward
# %% backward graded=backward
def backward(weights, x, hidden, gradient):
    """Return the gradient of the loss for each of the weights, under the same names.

    x, hidden: what went into `forward` and what it returned as hidden
    gradient: (batch, outputs), the loss's gradient with respect to the outputs
    """
    # >>>
    at_hidden = (gradient @ weights["w2"].T) * (1 - hidden**2)
    return {
        "w1": x.T @ at_hidden,
        "b1": at_hidden.sum(dim=0),
        "w2": hidden.T @ gradient,
        "b2": gradient.sum(dim=0),
    }
    # <<<
# %% backward-check
lab.check("backward", backward)
# %% [markdown] solution backward-reading
# %% [markdown] predict_epsilon
# %% predict_epsilon
lab.predict("epsilon_exponent", ..., ...)
# %% [markdown] gradient_check
# %% gradient_check
def initial(inputs, hidden, outputs, seed=0):
    """Return weights to begin with: small, different from each other, biases zero."""
    generator = torch.Generator().manual_seed(seed)
    return {
        "w1": torch.randn(inputs, hidden, generator=generator) / math.sqrt(inputs),
        "b1": torch.zeros(hidden),
        "w2": torch.randn(hidden, outputs, generator=generator) / math.sqrt(hidden),
        "b2": torch.zeros(outputs),
    }


def slope(weights, name, place, epsilon):
    """Return how the loss changes with one weight: nudge it up, nudge it down, divide."""
    losses = []
    for nudge in (epsilon, -epsilon):
        nudged = {key: value.clone() for key, value in weights.items()}
        nudged[name].view(-1)[place] += nudge
        losses.append(cross_entropy(forward(nudged, x_few)[0], y_few)[0])
    return (losses[0] - losses[1]).item() / (2 * epsilon)


def gradient_errors(epsilon, dtype):
    """Return the relative difference of backward and slope for some weights of each tensor."""
    weights = {name: value.to(dtype) for name, value in initial(64, 16, 10).items()}
    outputs, hidden = forward(weights, x_few.to(dtype))
    ours = backward(weights, x_few.to(dtype), hidden, cross_entropy(outputs, y_few)[1])
    errors = []
    for name, gradient in ours.items():
        for place in gradient.abs().view(-1).topk(5).indices.tolist():
            exact, measured = gradient.view(-1)[place].item(), slope(weights, name, place, epsilon)
            errors.append(abs(exact - measured) / (abs(exact) + abs(measured)))
    return errors


x_few, y_few = x_train[:12].double(), y_train[:12]
exponents = range(-13, 0)
worst = [max(gradient_errors(10.0**n, torch.float64)) for n in exponents]
best_exponent = exponents[int(np.argmin(worst))]
print(lab.say("gradient_check", exponent=best_exponent, error=min(worst)))
lab.reveal("epsilon_exponent", best_exponent)

plt.figure(figsize=(6, 3))
plt.loglog([10.0**n for n in exponents], worst, "o-", label="float64")
x_few = x_few.float()
plt.loglog([10.0**n for n in exponents], [max(gradient_errors(10.0**n, torch.float32)) for n in exponents],
           "s--", label="float32")
plt.xlabel("ε")
plt.ylabel(lab.say("relative_error"))
plt.legend()
plt.show()
# %% [markdown] sgd
# %% sgd
def sgd(weights, gradients, state, lr, momentum=0.0):
    """Take one step downhill; with momentum, keep some of the speed of the steps before."""
    speed = {
        name: momentum * state.get(name, torch.zeros_like(g)) + g for name, g in gradients.items()
    }
    return {name: weight - lr * speed[name] for name, weight in weights.items()}, speed


def train_by_hand(x, y, loss_of, update, *, outputs, hidden=32, steps, lr, seed, size=32, watch=None):
    """Train for so many steps with nothing but the functions above, and return the weights."""
    weights, state = initial(x.shape[1], hidden, outputs, seed), {}
    generator = torch.Generator().manual_seed(seed)
    for step in range(1, steps + 1):
        drawn = torch.randint(len(x), (size,), generator=generator)
        values, inside = forward(weights, x[drawn])
        loss, gradient = loss_of(values, y[drawn])
        gradients = backward(weights, x[drawn], inside, gradient)
        weights, state = update(weights, gradients, state, lr)
        if watch:
            watch(step, loss.item(), weights)
    return weights


def accuracy(weights, x, labels):
    """Return the share of right answers."""
    return (forward(weights, x)[0].argmax(dim=1) == labels).float().mean().item()


weights = train_by_hand(x_train, y_train, cross_entropy, sgd, outputs=10, steps=500, lr=0.3, seed=SEED)
print(lab.say("by_hand", accuracy=accuracy(weights, x_valid, y_valid)))
# %% [markdown] predict_regression
# %% predict_regression
lab.predict("rmse_gain", ..., ...)
# %% [markdown] regression
# %% regression
patients = load_diabetes(scaled=False)
data.note_loaded("diabetes", hashlib.sha256(patients.data.tobytes()).hexdigest())
(p_train, t_train), (p_valid, t_valid), (p_test, t_test) = thirds(
    patients.data, patients.target.astype(np.float32), train=220, test=130
)
center, spread = p_train.mean(0), p_train.std(0)  # of the training side alone
p_train, p_valid, p_test = ((part - center) / spread for part in (p_train, p_valid, p_test))
middle, scale = t_train.mean(), t_train.std()


def rmse(predicted, true):
    """Return the root of the mean squared error, in the target's own unit."""
    return ((predicted - true) ** 2).mean().sqrt().item()


def regress(seed):
    """Train on the patients; return the test predictions of the step that did best in validation."""
    curves, best = [], (math.inf, None)

    def watch(step, loss, weights):
        nonlocal best
        if step % 20 == 0:
            fits = [forward(weights, part)[0][:, 0] * scale + middle for part in (p_train, p_valid, p_test)]
            curves.append((step, rmse(fits[0], t_train), rmse(fits[1], t_valid)))
            best = min(best, (curves[-1][2], fits[2]), key=lambda pair: pair[0])

    train_by_hand(p_train, (t_train - middle) / scale, mse, sgd, outputs=1, hidden=16,
                  steps=lab.tier.examples(1500), lr=0.03, seed=seed, watch=watch)
    return best[1], curves


fitted, curves = regress(SEED)
ridge = RidgeCV(alphas=np.logspace(-1, 3, 20)).fit(p_train, t_train)
straight = torch.tensor(ridge.predict(p_test), dtype=torch.float32)
for name, predicted in ((lab.say("mean"), middle.expand(len(t_test))), (lab.say("ridge"), straight),
                        (lab.say("network"), fitted)):
    print(f"{name}: RMSE {rmse(predicted, t_test):.1f}")
gain = metrics.bootstrap(
    lambda some: rmse(straight[some], t_test[some]) - rmse(fitted[some], t_test[some]), len(t_test)
)
print(lab.say("gain", gain=gain))
others = [rmse(straight, t_test) - rmse(regress(seed)[0], t_test) for seed in SEEDS[1:]]
print(lab.say("other_seeds"), "  ".join(f"{other:+.1f}" for other in others))
lab.reveal("rmse_gain", gain.value)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
steps, ours, theirs = zip(*curves, strict=True)
left.plot(steps, ours, label=lab.say("training"))
left.plot(steps, theirs, label=lab.say("validation"))
left.set(xlabel=lab.say("step"), ylabel="RMSE")
left.legend()
right.scatter(t_test, fitted, s=12, label=lab.say("network"))
right.scatter(t_test, straight, s=12, marker="x", label=lab.say("ridge"))
right.plot([25, 350], [25, 350], color="grey", linewidth=1)
right.set(xlabel=lab.say("truth"), ylabel=lab.say("predicted"))
right.legend()
figure.tight_layout()
plt.show()
# %% [markdown] adam
# %% adam graded=adam
def adam(weights, gradients, state, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Take one step of Adam and return (new weights, new state).

    state: {} before the first step, afterwards what this function returned; its form is yours.
    """
    # >>>
    step = state.get("step", 0) + 1
    fresh, kept = {}, {"step": step}
    for name, gradient in gradients.items():
        mean, square = state.get(name, (torch.zeros_like(gradient), torch.zeros_like(gradient)))
        mean = beta1 * mean + (1 - beta1) * gradient
        square = beta2 * square + (1 - beta2) * gradient**2
        kept[name] = (mean, square)
        corrected = mean / (1 - beta1**step)
        size = (square / (1 - beta2**step)).sqrt()
        fresh[name] = weights[name] - lr * corrected / (size + epsilon)
    return fresh, kept
    # <<<
# %% adam-check
lab.check("adam", adam)
# %% [markdown] solution adam-reading
# %% [markdown] paths
# %% paths
def momentum(weights, gradients, state, lr):
    """SGD that keeps nine tenths of its speed."""
    return sgd(weights, gradients, state, lr, momentum=0.9)


two = p_train[:, [4, 5]]  # total and LDL cholesterol: they rise and fall together
wanted = (t_train - middle) / scale


def two_weights_loss(w):
    """Return the mean squared error and its gradient of a model with two weights."""
    error = two @ w - wanted
    return (error**2).mean(), 2 * two.T @ error / len(two)


def path(update, lr, steps=60):
    """Return the places an optimiser visits."""
    weights, state, places = {"w": torch.tensor([-1.7, 0.9])}, {}, []
    for _ in range(steps):
        places.append(weights["w"])
        weights, state = update(weights, {"w": two_weights_loss(weights["w"])[1]}, state, lr)
    return torch.stack(places)


axis = np.linspace(-2, 2, 60)
heights = np.array([[two_weights_loss(torch.tensor([a, b]).float())[0].item() for a in axis] for b in axis])
lowest = torch.linalg.lstsq(two, wanted[:, None]).solution[:, 0]
figure, places = plt.subplots(1, 3, figsize=(9.5, 3.2), sharey=True)
for place, (name, update, lr) in zip(
    places, [("SGD", sgd, 0.4), (lab.say("momentum"), momentum, 0.05), ("Adam", adam, 0.1)], strict=True
):
    place.contour(axis, axis, heights, levels=heights.min() + np.geomspace(0.01, 8, 12), cmap="viridis_r", linewidths=0.7)
    place.plot(*path(update, lr).T, ".-", markersize=4, linewidth=1)
    place.plot(*lowest, "r*", markersize=10)
    place.set(title=f"{name}, lr {lr}", xlabel="w₁")
places[0].set_ylabel("w₂")
figure.tight_layout()
plt.show()
# %% [markdown] predict_sweep
# %% predict_sweep
lab.predict("sgd_over_adam", ..., ...)
# %% [markdown] sweep
# %% sweep
BUDGET, TARGET = 60 if lab.tier.name == "tiny" else 400, 0.95
RATES = {
    "SGD": (sgd, (0.03, 0.1, 0.3, 1.0, 3.0)),
    "momentum": (momentum, (0.003, 0.01, 0.03, 0.1, 0.3)),
    "Adam": (adam, (0.001, 0.003, 0.01, 0.03, 0.1)),
}


def try_out(name, update, lr):
    """Train with each seed under the step budget, in one tracked run; return its curves."""
    curves = []
    for seed in SEEDS:
        curve = []

        def watch(step, loss, weights, curve=curve):
            if step % 20 == 0:
                curve.append((step, accuracy(weights, x_valid, y_valid)))

        train_by_hand(x_train, y_train, cross_entropy, update, outputs=10, steps=BUDGET, lr=lr, seed=seed,
                      watch=watch)
        curves.append(curve)
    config = {"optimiser": name, "lr": lr, "steps": BUDGET, "seeds": list(SEEDS), "seed": SEEDS[0]}
    with track.init(lab="learning", name=f"{name}, lr {lr}", config=config) as run:
        for points in zip(*curves, strict=True):
            values = [value for _, value in points]
            run.log({"validation_accuracy": np.mean(values), "worst_seed": min(values)}, step=points[0][0])
    return {"optimiser": name, "lr": lr, "curves": curves}


runs = [try_out(name, update, lr) for name, (update, rates) in RATES.items() for lr in rates]
# %% [markdown] choose
# %% choose graded=choose
def choose(runs, target):
    """Return the run that is fastest to reach the target accuracy, by the rule in the text.

    runs: a list of {"optimiser": str, "lr": float, "curves": [curve of each seed]}
    A curve is a list of (step, validation accuracy), by step; all end at the same last step.
    """
    # >>>
    def steps(curve):
        reached = [step for step, accuracy in curve if accuracy >= target]
        return reached[0] if reached else 2 * curve[-1][0]

    def rank(run):
        curves = run["curves"]
        mean_steps = sum(map(steps, curves)) / len(curves)
        final = sum(curve[-1][1] for curve in curves) / len(curves)
        return mean_steps, -final

    return min(runs, key=rank)
    # <<<
# %% choose-check
lab.check("choose", choose)
# %% compare
def mean_steps(run):
    """Return the mean number of steps to the target, as the rule counts them."""
    firsts = [next((s for s, value in curve if value >= TARGET), 2 * BUDGET) for curve in run["curves"]]
    return float(np.mean(firsts))


figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.4))
winners = {}
for name in RATES:
    mine = [run for run in runs if run["optimiser"] == name]
    winners[name] = best = choose(mine, TARGET)
    left.semilogx([run["lr"] for run in mine], [mean_steps(run) for run in mine], "o-", label=name)
    steps = [step for step, _ in best["curves"][0]]
    values = np.array([[value for _, value in curve] for curve in best["curves"]])
    right.plot(steps, values.mean(0), label=f"{name}, lr {best['lr']}")
    right.fill_between(steps, values.min(0), values.max(0), alpha=0.2)
    print(f"{name:9} lr {best['lr']:<6} {lab.say('steps_to', target=TARGET)} {mean_steps(best):5.0f}"
          f"   {lab.say('after', steps=BUDGET)} {values[:, -1].mean():.3f}")
chosen = choose(runs, TARGET)
print(lab.say("chosen", optimiser=chosen["optimiser"], lr=chosen["lr"]))
lab.reveal("sgd_over_adam", mean_steps(winners["SGD"]) / mean_steps(winners["Adam"]))
left.set(xlabel=lab.say("rate"), ylabel=lab.say("steps_to", target=TARGET))
right.axhline(TARGET, color="grey", linestyle="--", linewidth=1)
right.set(xlabel=lab.say("step"), ylabel=lab.say("validation"), ylim=(0.6, 1))
right.legend()
figure.tight_layout()
plt.show()
# %% [markdown] solution choose-reading
# %% [markdown] build
# %% build graded=build
def build(inputs, hidden, outputs):
    """Return an nn.Module: inputs → hidden, a nonlinearity, hidden → outputs; it gives logits."""
    # >>>
    return nn.Sequential(nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, outputs))
    # <<<
# %% build-check
lab.check("build", build)
# %% same
model = build(64, 32, 10)
F.cross_entropy(model(x_train), y_train).backward()
twin = dict(zip(("w1", "b1", "w2", "b2"), model.parameters(), strict=True))
turned = {name: p.detach().T if p.ndim == 2 else p.detach() for name, p in twin.items()}
outputs, inside = forward(turned, x_train)
for name, ours in backward(turned, x_train, inside, cross_entropy(outputs, y_train)[1]).items():
    theirs = twin[name].grad.T if ours.ndim == 2 else twin[name].grad
    print(f"{name} {str(tuple(ours.shape)):9} {ours.numel():5,}", lab.say("agrees", difference=(ours - theirs).abs().max().item()))
# %% [markdown] solution build-reading
# %% [markdown] evaluate
# %% evaluate graded=evaluate
def evaluate(model, x, labels, size):
    """Return {"loss", "accuracy"} of a classifier on held-out data, in batches of at most size.

    model(x) gives logits; the loss is the mean cross-entropy over all examples.
    """
    # >>>
    model.eval()
    loss, right = 0.0, 0
    with torch.inference_mode():
        for some, wanted in zip(x.split(size), labels.split(size), strict=True):
            logits = model(some)
            loss += F.cross_entropy(logits, wanted, reduction="sum").item()
            right += (logits.argmax(dim=1) == wanted).sum().item()
    return {"loss": loss / len(labels), "accuracy": right / len(labels)}
    # <<<
# %% evaluate-check
lab.check("evaluate", evaluate)
# %% [markdown] solution evaluate-reading
# %% [markdown] fit
# %% fit graded=fit
def fit(model, train_epoch, measure, log, epochs, patience, lr):
    """Train until the validation loss stops falling, and leave the best weights in the model.

    train_epoch(model, lr) trains for one epoch
    measure(model) returns numbers by name, "validation_loss" among them
    log(numbers, epoch) keeps them; "lr" must be with them. Epochs count from 1.
    Returns the number of the best epoch.
    """
    # >>>
    best, best_epoch, kept = math.inf, 0, {}
    for epoch in range(1, epochs + 1):
        train_epoch(model, lr)
        numbers = measure(model)
        log({**numbers, "lr": lr}, epoch)
        if numbers["validation_loss"] < best:
            best, best_epoch = numbers["validation_loss"], epoch
            kept = {name: value.clone() for name, value in model.state_dict().items()}
        elif epoch - best_epoch >= patience:
            break
        else:
            lr = lr / 2
    model.load_state_dict(kept)
    return best_epoch
    # <<<
# %% fit-check
lab.check("fit", fit)
# %% [markdown] solution fit-reading
# %% [markdown] train
# %% train
def epoch_of(loss_of, x, y, seed, size=32, optimiser=torch.optim.Adam):
    """Return what trains a model for one epoch."""
    generator, optimizer = torch.Generator().manual_seed(seed), None

    def train_epoch(model, lr):
        nonlocal optimizer
        model.train()
        optimizer = optimizer or optimiser(model.parameters(), lr=lr)
        optimizer.param_groups[0]["lr"] = lr
        for some in torch.randperm(len(x), generator=generator).split(size):
            optimizer.zero_grad()
            loss_of(model(x[some]), y[some]).backward()
            optimizer.step()

    return train_epoch


def train(name, x, y, validation, *, hidden, seed, epochs=60, patience=5, lr=3e-3, steady=False):
    """Train a classifier in a tracked run; return (model, best epoch, run). steady keeps lr as it is."""
    torch.manual_seed(seed)
    train_epoch = epoch_of(F.cross_entropy, x, y, seed)
    model = build(x.shape[1], hidden, int(max(y.max(), validation[1].max())) + 1)

    def measure(model):
        sides = {"train": evaluate(model, x, y, 512), "validation": evaluate(model, *validation, 512)}
        return {f"{side}_{key}": value for side, found in sides.items() for key, value in found.items()}

    config = {"hidden": hidden, "lr": lr, "patience": patience, "train": len(x), "seed": seed}
    with track.init(lab="learning", name=name, config=config) as run:
        began = time.process_time()
        step = (lambda model, _: train_epoch(model, lr)) if steady else train_epoch
        best = fit(model, step, measure, run.log, epochs, patience, lr)
        run.finish({**measure(model), "best_epoch": best, "cpu_seconds": time.process_time() - began})
    return model, best, run


trained = [train(f"digits, seed {seed}", x_train, y_train, (x_valid, y_valid), hidden=64, seed=seed) for seed in SEEDS]
spoiled = y_train[:300].clone()
spoiled[::5] = torch.randint(10, (len(spoiled[::5]),), generator=torch.Generator().manual_seed(SEED))
held = {"hidden": 256, "seed": SEED}
braked = train("labels with errors", x_train[:300], spoiled, (x_valid, y_valid), **held)
endless = train("never stops", x_train[:300], spoiled, (x_valid, y_valid), patience=60, steady=True, **held)

figure, places = plt.subplots(1, 2, figsize=(9.5, 3.2))
titles = lab.say("examples", count=len(x_train)), lab.say("errors", count=len(spoiled))
shown = ((trained[0][2], trained[0][1]), (endless[2], braked[1]))
for place, (run, best), title in zip(places, shown, titles, strict=True):
    for side in ("train", "validation"):
        place.semilogy(*zip(*run.history(f"{side}_loss"), strict=True), label=lab.say(side))
    place.axvline(best, color="grey", linestyle=":", label=lab.say("best_epoch"))
    place.set(xlabel=lab.say("epoch"), title=title)
places[0].set_ylabel(lab.say("loss"))
places[1].legend()
figure.tight_layout()
plt.show()
# %% [markdown] test
# %% test
gold = y_test.tolist()
answers = {
    lab.say("linear"): linear.predict(x_test).tolist(),
    lab.say("neighbour"): neighbour(x_test).tolist(),
    lab.say("network"): trained[0][0](x_test).argmax(dim=1).tolist(),
}
for name, given in answers.items():
    print(f"{name}: {metrics.score(metrics.accuracy, gold, given)}")
ours = answers[lab.say("network")]
for name in (lab.say("linear"), lab.say("neighbour")):
    print(lab.say("minus", name=name), metrics.difference(metrics.accuracy, gold, ours, answers[name]))
print(lab.say("seeds"), "  ".join(f"{evaluate(m, x_test, y_test, 512)['accuracy']:.3f}" for m, _, _ in trained))
# %% [markdown] colleagues
# %% colleagues
def first(outputs, labels):
    """The first colleague: ten digits are numbers, and the distance to a number is its error."""
    return F.mse_loss(outputs[:, 0], labels.float())


def second(outputs, labels):
    """The second colleague: cross-entropy wants probabilities, so give it probabilities."""
    return F.cross_entropy(F.softmax(outputs, dim=1), labels)


def try_loss(loss_of, outputs, answer, optimiser, lr, seed, epochs=15):
    """Train with a loss; return (its value on the training data after each epoch, test answers)."""
    torch.manual_seed(seed)
    model, values = build(64, 64, outputs), []
    train_epoch = epoch_of(loss_of, x_train, y_train, seed, optimiser=optimiser)
    for _ in range(epochs):
        train_epoch(model, lr)
        with torch.no_grad():
            values.append(loss_of(model(x_train), y_train).item())
    with torch.no_grad():
        return values, answer(model(x_test))


def nearest(outputs):
    """Return the digit nearest to the number."""
    return outputs[:, 0].round().clamp(0, 9).long()


def largest(outputs):
    """Return the digit with the largest output."""
    return outputs.argmax(dim=1)


tried = {}
for name, loss_of, outputs, answer, slow in (
    ("first", first, 1, nearest, 0.01),  # at 0.1 it diverges
    ("second", second, 10, largest, 0.1),
    ("cross-entropy", F.cross_entropy, 10, largest, 0.1),
):
    for rule, optimiser, lr in (("SGD", torch.optim.SGD, slow), ("Adam", torch.optim.Adam, 3e-3)):
        tried[name, rule] = [try_loss(loss_of, outputs, answer, optimiser, lr, seed) for seed in SEEDS]
        right = [(given == y_test).float().mean().item() for _, given in tried[name, rule]]
        ends = "  ".join(f"{values[-1]:.2f}" for values, _ in tried[name, rule])
        print(f"{name:14} {rule:5} {lab.say('loss')} {ends}   {lab.say('accuracy')} {'  '.join(f'{r:.2f}' for r in right)}")
# %% [markdown] lowest_loss
# %% lowest_loss graded=lowest_loss
def lowest_loss(classes):
    """Return the lowest value that the second colleague's loss can have with so many classes."""
    # >>>
    return math.log(1 + (classes - 1) / math.e)
    # <<<
# %% lowest_loss-check
lab.check("lowest_loss", lowest_loss)
# %% diagnosed
figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.4))
for (name, rule), seeds in tried.items():
    if name != "first":
        left.plot(range(1, 16), seeds[0][0], "o-", markersize=3, label=f"{name}, {rule}")
left.axhline(lowest_loss(10), color="grey", linestyle="--", label="lowest_loss(10)")
left.set(xlabel=lab.say("epoch"), ylabel=lab.say("loss"), ylim=(0, 3.2))
left.legend(ncols=2, fontsize=8)
table = np.zeros((10, 10))
np.add.at(table, (y_test.numpy(), tried["first", "Adam"][0][1].numpy()), 1)
right.imshow(table / table.sum(1, keepdims=True), cmap="Oranges")
right.set(xlabel=lab.say("predicted"), ylabel=lab.say("truth"), title="first", xticks=range(10), yticks=range(10))
right.grid(visible=False)
figure.tight_layout()
plt.show()
# %% [markdown] solution lowest_loss-reading
# %% [markdown] words
# %% words
DICTIONARY = Path(jieba.__file__).with_name("dict.txt")
KINDS = {"nr": "人名", "ns": "地名", "n": "普通名词"}


def side_of(word):
    """Return 0 for training, 1 for validation, 2 for the test; words that begin alike stay together."""
    number = int.from_bytes(hashlib.sha256(word[:2].encode()).digest()[:4], "big") % 10
    return 2 if number < 2 else 1 if number < 4 else 0


def draw_words(seed, train, validation, test):
    """Return three lists of (word, number of its kind), each with as many words of every kind."""
    rng, pools = random.Random(seed), defaultdict(list)
    for line in DICTIONARY.read_text("utf-8").splitlines():
        word, _, tag = line.split(" ")
        if tag in KINDS and 2 <= len(word) <= 4 and all("一" <= mark <= "鿿" for mark in word):
            pools[tag, side_of(word)].append(word)
    drawn = []
    for side, most in enumerate((train, validation, test)):
        words = [(word, kind) for kind, tag in enumerate(KINDS)
                 for word in rng.sample(pools[tag, side], most // len(KINDS))]
        drawn.append(rng.sample(words, len(words)))
    return drawn


def features(words, characters):
    """Return (words, 2 · characters + 3): which character is first, which is last, how long it is."""
    number = {character: n for n, character in enumerate(characters)}
    x = torch.zeros(len(words), 2 * len(characters) + 3)
    for row, word in enumerate(words):
        for character, start in ((word[0], 0), (word[-1], len(characters))):
            if character in number:
                x[row, start + number[character]] = 1
        x[row, 2 * len(characters) + len(word) - 2] = 1
    return x


def last_character(train, words):
    """The baseline: answer with the kind that words with this last character mostly are."""
    votes = defaultdict(Counter)
    for word, kind in train:
        votes[word[-1]][kind] += 1
    return [max(votes[word[-1]], key=votes[word[-1]].get, default=0) for word in words]


def save_tagger(folder, model, characters, scores):
    """Write an nn.Sequential of linear layers and tanh or ReLU so that it can be judged."""
    Path(folder).mkdir(exist_ok=True)
    save_file({name: value.contiguous() for name, value in model.state_dict().items()},
              Path(folder) / "model.safetensors")
    kinds = {type(layer).__name__.lower() for layer in model} - {"linear", "dropout"}
    for name, content in (("characters", characters), ("scores", scores), ("model", {"activation": kinds.pop()})):
        (Path(folder) / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False), "utf-8")


data.note_loaded("jieba-dict", hashlib.sha256(DICTIONARY.read_bytes()).hexdigest())
words = draw_words(SEED, lab.tier.examples(6000), lab.tier.examples(1500), lab.tier.examples(1500))
display(pd.DataFrame([[w for w, kind in words[0] if kind == n][:8] for n in range(3)], index=KINDS.values()))
guessed = last_character(words[0], [word for word, _ in words[1]])
print(lab.say("last_character"), metrics.score(metrics.accuracy, [kind for _, kind in words[1]], guessed))
# %% [markdown] transfer
# %% transfer graded=transfer
# >>>
#| # Your code. At the end, tagger/ is there, as save_tagger lays it out.
seen_often = Counter(mark for word, _ in words[0] for mark in (word[0], word[-1]))
characters = sorted(mark for mark, times in seen_often.items() if times > 1)
sides = [
    (features([word for word, _ in side], characters), torch.tensor([kind for _, kind in side]))
    for side in words
]
tagger, best_epoch, _ = train("words", *sides[0], sides[1], hidden=32, seed=SEED, lr=1e-3)
with torch.inference_mode():
    said = tagger(sides[2][0]).argmax(dim=1).tolist()
score = metrics.score(metrics.accuracy, sides[2][1].tolist(), said)
print(best_epoch, score)
save_tagger("tagger", tagger, characters, {
    "accuracy": score.value, "low": score.low, "high": score.high, "examples": len(said),
})
# <<<
# %% transfer-check
lab.check("transfer", "tagger")
# %% [markdown] solution transfer-reading
# %% [markdown] calibration
# %% calibration
lab.calibration()
# %% [markdown] quiz
# %% quiz
lab.quiz()
# %% answers
lab.answer("prices", ...)
lab.answer("stars", ...)
lab.answer("tags", ...)
lab.answer("doubled", ...)
lab.answer("rising", ...)
# %% [markdown] further
