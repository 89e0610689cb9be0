import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


def _parts(x, labels, size):
    return list(zip(x.split(size), labels.split(size)))


def alternative_keep_the_logits(model, x, labels, size):
    model.eval()
    with torch.no_grad():
        logits = torch.cat([model(part) for part in x.split(size)])
    right = (logits.argmax(-1) == labels).sum()
    return {"loss": F.cross_entropy(logits, labels), "accuracy": float(right) / len(x)}


def alternative_loader(model, x, labels, size):
    model.eval()
    loss = hits = count = 0
    with torch.inference_mode():
        for some, wanted in DataLoader(TensorDataset(x, labels), batch_size=size):
            logits = model(some)
            loss += F.cross_entropy(logits, wanted).item() * len(wanted)
            hits += int((logits.argmax(1) == wanted).sum())
            count += len(wanted)
    return {"accuracy": hits / count, "loss": loss / count}


def mutant_names__a_pair(model, x, labels, size):
    return tuple(alternative_keep_the_logits(model, x, labels, size).values())


def mutant_too_large__all_at_once(model, x, labels, size):
    return alternative_keep_the_logits(model, x, labels, len(x))


@torch.no_grad()
def mutant_train_mode__no_eval(model, x, labels, size):
    logits = torch.cat([model(part) for part in x.split(size)])
    return {"loss": F.cross_entropy(logits, labels).item(), "accuracy": (logits.argmax(1) == labels).float().mean().item()}


def mutant_graph__kept(model, x, labels, size):
    model.eval()
    logits = torch.cat([model(part) for part in x.split(size)])
    return {"loss": F.cross_entropy(logits, labels).item(), "accuracy": (logits.argmax(1) == labels).float().mean().item()}


def mutant_left_out__drop_last(model, x, labels, size):
    kept = len(x) // size * size
    return alternative_keep_the_logits(model, x[:kept], labels[:kept], size)


def _mean_of_means(model, x, labels, size):
    model.eval()
    with torch.no_grad():
        made = [(model(part), wanted) for part, wanted in _parts(x, labels, size)]
    losses = [F.cross_entropy(logits, wanted).item() for logits, wanted in made]
    shares = [(logits.argmax(1) == wanted).float().mean().item() for logits, wanted in made]
    return sum(losses) / len(losses), sum(shares) / len(shares)


def mutant_batch_means__both(model, x, labels, size):
    loss, share = _mean_of_means(model, x, labels, size)
    return {"loss": loss, "accuracy": share}


def mutant_batch_means__accuracy(model, x, labels, size):
    model.eval()
    with torch.no_grad():
        made = [(model(part), wanted) for part, wanted in _parts(x, labels, size)]
    loss = sum(F.cross_entropy(logits, wanted, reduction="sum").item() for logits, wanted in made)
    shares = [(logits.argmax(1) == wanted).float().mean().item() for logits, wanted in made]
    return {"loss": loss / len(x), "accuracy": sum(shares) / len(shares)}


def mutant_percent__accuracy(model, x, labels, size):
    found = alternative_loader(model, x, labels, size)
    return found | {"accuracy": 100 * found["accuracy"]}


def mutant_softmax_twice__probabilities(model, x, labels, size):
    model.eval()
    with torch.no_grad():
        p = torch.cat([model(part).softmax(1) for part in x.split(size)])
    return {"loss": F.cross_entropy(p, labels).item(), "accuracy": (p.argmax(1) == labels).float().mean().item()}


def mutant_value__summed_loss(model, x, labels, size):
    found = alternative_loader(model, x, labels, size)
    return found | {"loss": found["loss"] * len(x)}


def mutant_value__error_rate(model, x, labels, size):
    found = alternative_loader(model, x, labels, size)
    return found | {"accuracy": 1 - found["accuracy"]}
