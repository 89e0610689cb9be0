import torch


def _chain(weights, x, hidden, gradient, slope):
    inner = gradient @ weights["w2"].T * slope
    return {"w1": x.T @ inner, "b1": inner.sum(0), "w2": hidden.T @ gradient, "b2": gradient.sum(0)}


def alternative_einsum(weights, x, hidden, gradient):
    inner = torch.einsum("bo,ho,bh->bh", gradient, weights["w2"], 1 - hidden.square())
    return {
        "b2": torch.einsum("bo->o", gradient), "w2": torch.einsum("bh,bo->ho", hidden, gradient),
        "b1": torch.einsum("bh->h", inner), "w1": torch.einsum("bi,bh->ih", x, inner),
    }


def alternative_example_by_example(weights, x, hidden, gradient):
    total = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    for one, inside, slope in zip(x, hidden, gradient):
        inner = (weights["w2"] @ slope) * (1 - inside) * (1 + inside)
        total["w1"] += torch.outer(one, inner)
        total["b1"] += inner
        total["w2"] += torch.outer(inside, slope)
        total["b2"] += slope
    return total


def mutant_framework__autograd(weights, x, hidden, gradient):
    leaves = {name: weight.clone().requires_grad_() for name, weight in weights.items()}
    outputs = torch.tanh(x @ leaves["w1"] + leaves["b1"]) @ leaves["w2"] + leaves["b2"]
    outputs.backward(gradient)
    return {name: leaf.grad for name, leaf in leaves.items()}


def mutant_names__a_tuple(weights, x, hidden, gradient):
    return tuple(_chain(weights, x, hidden, gradient, 1 - hidden**2).values())


def mutant_mean_again__everywhere(weights, x, hidden, gradient):
    made = _chain(weights, x, hidden, gradient, 1 - hidden**2)
    return {name: value / len(x) for name, value in made.items()}


def mutant_mean_again__biases(weights, x, hidden, gradient):
    made = _chain(weights, x, hidden, gradient, 1 - hidden**2)
    return made | {"b1": made["b1"] / len(x), "b2": gradient.mean(dim=0)}


def mutant_no_slope__straight_through(weights, x, hidden, gradient):
    return _chain(weights, x, hidden, gradient, 1)


def mutant_slope__tanh_of_hidden(weights, x, hidden, gradient):
    return _chain(weights, x, hidden, gradient, 1 - torch.tanh(hidden) ** 2)


def mutant_sign__downhill(weights, x, hidden, gradient):
    made = _chain(weights, x, hidden, gradient, 1 - hidden**2)
    return {name: -value for name, value in made.items()}


def mutant_value__slope_of_a_sigmoid(weights, x, hidden, gradient):
    return _chain(weights, x, hidden, gradient, hidden * (1 - hidden))


def mutant_value__hidden_without_its_square(weights, x, hidden, gradient):
    return _chain(weights, x, hidden, gradient, 1 - hidden)


def mutant_shape__bias_for_each_row(weights, x, hidden, gradient):
    return _chain(weights, x, hidden, gradient, 1 - hidden**2) | {"b2": gradient}


def mutant_raised__no_transpose(weights, x, hidden, gradient):
    inner = gradient @ weights["w2"] * (1 - hidden**2)
    return {"w1": x.T @ inner, "b1": inner.sum(0), "w2": hidden.T @ gradient, "b2": gradient.sum(0)}
