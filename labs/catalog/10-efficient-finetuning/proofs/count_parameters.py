def alternative_loop(model):
    trainable = total = 0
    for parameter in model.parameters():
        total += parameter.numel()
        if parameter.requires_grad:
            trainable += parameter.numel()
    return trainable, total


def alternative_named(model):
    sizes = {name: (p.numel(), p.requires_grad) for name, p in model.named_parameters()}
    return [sum(n for n, learns in sizes.values() if learns), sum(n for n, _ in sizes.values())]


def mutant_tensors__counts_tensors(model):
    parameters = list(model.parameters())
    return sum(p.requires_grad for p in parameters), len(parameters)


def mutant_all__ignores_requires_grad(model):
    total = sum(p.numel() for p in model.parameters())
    return total, total


def mutant_swapped__total_first(model):
    total = sum(p.numel() for p in model.parameters())
    return total, sum(p.numel() for p in model.parameters() if p.requires_grad)


def mutant_total__rows_only(model):
    rows = sum(p.shape[0] for p in model.parameters())
    return sum(p.shape[0] for p in model.parameters() if p.requires_grad), rows


def mutant_trainable__weights_only(model):
    total = sum(p.numel() for p in model.parameters())
    return sum(p.numel() for p in model.parameters() if p.requires_grad and p.dim() > 1), total


def mutant_pair__only_one(model):
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
