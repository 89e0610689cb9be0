import torch


def alternative_addmm(weights, x):
    hidden = torch.addmm(weights["b1"], x, weights["w1"]).tanh()
    return torch.addmm(weights["b2"], hidden, weights["w2"]), hidden


def alternative_row_by_row(weights, x):
    hidden = torch.stack([torch.tanh(weights["w1"].T @ row + weights["b1"]) for row in x])
    return [torch.stack([weights["w2"].T @ row + weights["b2"] for row in hidden]), hidden]


def mutant_pair__only_outputs(weights, x):
    return torch.tanh(x @ weights["w1"] + weights["b1"]) @ weights["w2"] + weights["b2"]


def mutant_swapped__hidden_first(weights, x):
    outputs, hidden = alternative_addmm(weights, x)
    return hidden, outputs


def mutant_linear__no_tanh(weights, x):
    hidden = x @ weights["w1"] + weights["b1"]
    return hidden @ weights["w2"] + weights["b2"], hidden


def mutant_squeezed__tanh_everywhere(weights, x):
    outputs, hidden = alternative_addmm(weights, x)
    return outputs.tanh(), hidden


def mutant_no_bias__products_only(weights, x):
    hidden = torch.tanh(x @ weights["w1"])
    return hidden @ weights["w2"], hidden


def mutant_value__relu(weights, x):
    hidden = torch.relu(x @ weights["w1"] + weights["b1"])
    return hidden @ weights["w2"] + weights["b2"], hidden


def mutant_value__second_bias_missing(weights, x):
    hidden = torch.tanh(x @ weights["w1"] + weights["b1"])
    return hidden @ weights["w2"], hidden


def mutant_hidden__before_tanh(weights, x):
    inner = x @ weights["w1"] + weights["b1"]
    return torch.tanh(inner) @ weights["w2"] + weights["b2"], inner


def mutant_raised__wrong_way_round(weights, x):
    hidden = torch.tanh(weights["w1"] @ x + weights["b1"])
    return weights["w2"] @ hidden + weights["b2"], hidden
