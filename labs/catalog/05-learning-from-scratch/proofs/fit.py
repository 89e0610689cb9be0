import copy
import math


def _loop(model, train_epoch, measure, log, epochs, patience, lr, *, key="validation_loss", keep=copy.deepcopy,
          factor=0.5, restore=True, always_halve=False, resets=True, logs=None):
    """The loop with one thing at a time done differently."""
    best, best_epoch, kept, waited = math.inf, 0, None, 0
    for epoch in range(1, epochs + 1):
        train_epoch(model, lr)
        numbers = measure(model)
        (logs or log)({**numbers, "lr": lr}, epoch)
        if numbers[key] < best:
            best, best_epoch, kept = numbers[key], epoch, keep(model.state_dict())
            waited = 0 if resets else waited
            lr *= factor if always_halve else 1
        else:
            waited += 1
            lr *= factor
            if waited >= patience:
                break
    if restore:
        model.load_state_dict(kept)
    return best_epoch


def alternative_deepcopy(model, train_epoch, measure, log, epochs, patience, lr):
    return _loop(model, train_epoch, measure, log, epochs, patience, lr)


def alternative_while(model, train_epoch, measure, log, epochs, patience, lr):
    history, saved = [], []
    while len(history) < epochs:
        train_epoch(model, lr)
        numbers = dict(measure(model), lr=lr)
        history.append(numbers["validation_loss"])
        saved.append([p.detach().clone() for p in model.parameters()])
        log(numbers, len(history))
        best = history.index(min(history))
        if len(history) - 1 - best == patience:
            break
        lr = lr if best == len(history) - 1 else lr / 2
    for p, value in zip(model.parameters(), saved[best]):
        p.data.copy_(value)
    return best + 1


def mutant_too_soon__in_all_not_in_a_row(model, train_epoch, measure, log, epochs, patience, lr):
    return _loop(model, train_epoch, measure, log, epochs, patience, lr, resets=False)


def mutant_too_soon__at_the_first_rise(model, train_epoch, measure, log, epochs, patience, lr):
    return _loop(model, train_epoch, measure, log, epochs, 1, lr)


def mutant_too_late__never_stops(model, train_epoch, measure, log, epochs, patience, lr):
    return _loop(model, train_epoch, measure, log, epochs, epochs + 1, lr)


def mutant_too_late__one_more(model, train_epoch, measure, log, epochs, patience, lr):
    return _loop(model, train_epoch, measure, log, epochs, patience + 1, lr)


def mutant_too_late__watches_the_training_loss(model, train_epoch, measure, log, epochs, patience, lr):
    return _loop(model, train_epoch, measure, log, epochs, patience, lr, key="train_loss")


def mutant_not_each_epoch__once_at_the_end(model, train_epoch, measure, log, epochs, patience, lr):
    seen = []
    best = _loop(model, train_epoch, measure, log, epochs, patience, lr, logs=lambda *args: seen.append(args))
    log(*seen[-1])
    return best


def mutant_not_each_epoch__from_zero(model, train_epoch, measure, log, epochs, patience, lr):
    return _loop(model, train_epoch, measure, log, epochs, patience, lr, logs=lambda n, epoch: log(n, epoch - 1))


def mutant_log_lacks__learning_rate(model, train_epoch, measure, log, epochs, patience, lr):
    def logs(numbers, epoch):
        log({"validation_loss": numbers["validation_loss"]}, epoch)

    return _loop(model, train_epoch, measure, log, epochs, patience, lr, logs=logs)


def mutant_not_adjusted__constant(model, train_epoch, measure, log, epochs, patience, lr):
    return _loop(model, train_epoch, measure, log, epochs, patience, lr, factor=1)


def mutant_rates__every_epoch(model, train_epoch, measure, log, epochs, patience, lr):
    return _loop(model, train_epoch, measure, log, epochs, patience, lr, always_halve=True)


def mutant_rates__a_tenth(model, train_epoch, measure, log, epochs, patience, lr):
    return _loop(model, train_epoch, measure, log, epochs, patience, lr, factor=0.1)


def mutant_last_weights__never_restored(model, train_epoch, measure, log, epochs, patience, lr):
    return _loop(model, train_epoch, measure, log, epochs, patience, lr, restore=False)


def mutant_last_weights__references(model, train_epoch, measure, log, epochs, patience, lr):
    return _loop(model, train_epoch, measure, log, epochs, patience, lr, keep=lambda state: state)


def mutant_last_weights__shallow_copy(model, train_epoch, measure, log, epochs, patience, lr):
    return _loop(model, train_epoch, measure, log, epochs, patience, lr, keep=dict)


def mutant_weights__of_the_first_epoch(model, train_epoch, measure, log, epochs, patience, lr):
    kept = []

    def keep(state):
        kept.append(copy.deepcopy(state))
        return kept[0]

    return _loop(model, train_epoch, measure, log, epochs, patience, lr, keep=keep)


def mutant_returned__the_last_epoch(model, train_epoch, measure, log, epochs, patience, lr):
    seen = []

    def logs(numbers, epoch):
        seen.append(epoch)
        log(numbers, epoch)

    _loop(model, train_epoch, measure, log, epochs, patience, lr, logs=logs)
    return seen[-1]


def mutant_returned__the_lowest_loss(model, train_epoch, measure, log, epochs, patience, lr):
    best = _loop(model, train_epoch, measure, log, epochs, patience, lr)
    return measure(model)["validation_loss"] if best else 0
