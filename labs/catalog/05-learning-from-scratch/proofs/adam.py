import torch


def _step(weights, gradients, state, lr, beta1, beta2, change):
    """Go one step with ``change(mean, square, number of the step)``; keep plain averages."""
    step = state.get("step", 0) + 1
    fresh, kept = {}, {"step": step}
    for name, g in gradients.items():
        mean, square = state.get(name, (torch.zeros_like(g), torch.zeros_like(g)))
        mean, square = beta1 * mean + (1 - beta1) * g, beta2 * square + (1 - beta2) * g * g
        kept[name] = mean, square
        fresh[name] = weights[name] - lr * change(mean, square, step)
    return fresh, kept


def alternative_in_place(weights, gradients, state, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    state.setdefault("t", 0)
    state["t"] += 1
    for name, weight in weights.items():
        m = state.setdefault(f"m {name}", torch.zeros_like(weight))
        s = state.setdefault(f"s {name}", torch.zeros_like(weight))
        m.mul_(beta1).add_(gradients[name], alpha=1 - beta1)
        s.mul_(beta2).addcmul_(gradients[name], gradients[name], value=1 - beta2)
        rate = lr / (1 - beta1 ** state["t"])
        size = s.sqrt() / (1 - beta2 ** state["t"]) ** 0.5
        weight.sub_(rate * m / (size + epsilon))
    return weights, state


def alternative_state_by_kind(weights, gradients, state, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    zeros = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    n, m, s = state.get("all", (0, zeros, zeros))
    m = {k: beta1 * m[k] + (1 - beta1) * g for k, g in gradients.items()}
    s = {k: beta2 * s[k] + (1 - beta2) * g.square() for k, g in gradients.items()}
    up, down = 1 - beta1 ** (n + 1), 1 - beta2 ** (n + 1)
    fresh = {k: w - lr * (m[k] / up) / ((s[k] / down).sqrt() + epsilon) for k, w in weights.items()}
    return fresh, {"all": (n + 1, m, s)}


def mutant_pair__only_weights(weights, gradients, state, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    return alternative_state_by_kind(weights, gradients, state, lr, beta1, beta2, epsilon)[0]


def mutant_names__a_list(weights, gradients, state, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    fresh, kept = alternative_state_by_kind(weights, gradients, state, lr, beta1, beta2, epsilon)
    return list(fresh.values()), kept


def mutant_no_correction__averages_as_they_are(weights, gradients, state, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    return _step(weights, gradients, state, lr, beta1, beta2, lambda m, s, t: m / (s.sqrt() + epsilon))


def mutant_epsilon_inside__under_the_root(weights, gradients, state, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    return _step(weights, gradients, state, lr, beta1, beta2,
                 lambda m, s, t: m / (1 - beta1**t) / (s / (1 - beta2**t) + epsilon).sqrt())


def mutant_no_root__by_the_square(weights, gradients, state, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    return _step(weights, gradients, state, lr, beta1, beta2,
                 lambda m, s, t: m / (1 - beta1**t) / (s / (1 - beta2**t) + epsilon))


def mutant_forgets__no_state(weights, gradients, state, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    return alternative_state_by_kind(weights, gradients, {}, lr, beta1, beta2, epsilon)[0], {}


def mutant_first_step__plain_gradient(weights, gradients, state, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    return {name: weight - lr * gradients[name] for name, weight in weights.items()}, {}


def mutant_first_step__only_the_mean_corrected(weights, gradients, state, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    return _step(weights, gradients, state, lr, beta1, beta2,
                 lambda m, s, t: m / (1 - beta1**t) / (s.sqrt() + epsilon))


def mutant_first_step__uphill(weights, gradients, state, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    return alternative_state_by_kind(weights, gradients, state, -lr, beta1, beta2, epsilon)


def mutant_later_step__step_stays_one(weights, gradients, state, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    return _step(weights, gradients, state, lr, beta1, beta2,
                 lambda m, s, t: m / (1 - beta1) / ((s / (1 - beta2)).sqrt() + epsilon))


def mutant_later_step__default_betas(weights, gradients, state, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    return alternative_state_by_kind(weights, gradients, state, lr, 0.5, 0.5, epsilon)


def mutant_raised__counts_from_zero(weights, gradients, state, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    step = state.get("step", 0)
    return weights, {"step": step + 1, "rate": lr / (1 - beta1**step)}
