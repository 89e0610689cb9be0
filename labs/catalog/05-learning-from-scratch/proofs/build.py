import torch
from torch import nn
from torch.nn import functional as F


class _Named(nn.Module):
    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.inner, self.outer = nn.Linear(inputs, hidden), nn.Linear(hidden, outputs)

    def forward(self, x):
        return self.outer(F.relu(self.inner(x)))


def alternative_named_layers(inputs, hidden, outputs):
    return _Named(inputs, hidden, outputs)


def alternative_gelu_and_own_start(inputs, hidden, outputs):
    model = nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, outputs))
    for layer in (model[0], model[2]):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
    return model


class _Listed(nn.Module):
    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.layers = [nn.Linear(inputs, hidden), nn.Linear(hidden, outputs)]

    def forward(self, x):
        return self.layers[1](torch.tanh(self.layers[0](x)))


class _Cut(_Named):
    def forward(self, x):
        return self.outer(torch.tanh(self.inner(x)).detach())


def mutant_module__a_function(inputs, hidden, outputs):
    layers = nn.Linear(inputs, hidden), nn.Linear(hidden, outputs)
    return lambda x: layers[1](torch.tanh(layers[0](x)))


def mutant_module__a_list(inputs, hidden, outputs):
    return [nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, outputs)]


def mutant_unregistered__python_list(inputs, hidden, outputs):
    return _Listed(inputs, hidden, outputs)


def mutant_count__no_biases(inputs, hidden, outputs):
    return nn.Sequential(
        nn.Linear(inputs, hidden, bias=False), nn.Tanh(), nn.Linear(hidden, outputs, bias=False)
    )


def mutant_count__two_hidden_layers(inputs, hidden, outputs):
    return nn.Sequential(nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(),
                         nn.Linear(hidden, outputs))


def mutant_count__no_hidden_layer(inputs, hidden, outputs):
    return nn.Linear(inputs, outputs)


def mutant_softmax__at_the_end(inputs, hidden, outputs):
    return nn.Sequential(alternative_named_layers(inputs, hidden, outputs), nn.Softmax(dim=1))


def mutant_softmax__its_logarithm(inputs, hidden, outputs):
    return nn.Sequential(alternative_named_layers(inputs, hidden, outputs), nn.LogSoftmax(dim=1))


def mutant_squeezed__sigmoid(inputs, hidden, outputs):
    return nn.Sequential(alternative_named_layers(inputs, hidden, outputs), nn.Sigmoid())


def mutant_linear__nothing_between(inputs, hidden, outputs):
    return nn.Sequential(nn.Linear(inputs, hidden), nn.Linear(hidden, outputs))


def mutant_no_gradient__frozen(inputs, hidden, outputs):
    model = _Named(inputs, hidden, outputs)
    model.inner.requires_grad_(False)
    return model


def mutant_no_gradient__detached(inputs, hidden, outputs):
    return _Cut(inputs, hidden, outputs)


def mutant_same_units__all_alike(inputs, hidden, outputs):
    model = nn.Sequential(nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, outputs))
    with torch.no_grad():
        for layer in (model[0], model[2]):
            layer.weight.fill_(0.1)
        model[2].bias.copy_(torch.linspace(-1, 1, outputs))
    return model


def mutant_shape__one_output(inputs, hidden, outputs):
    return _Named(inputs, hidden, 1)
