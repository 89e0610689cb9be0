import torch
from torch.nn import functional as F


def alternative_torch(logits, wanted, smoothing):
    return F.cross_entropy(
        logits.flatten(0, 1), wanted.flatten(), ignore_index=0, label_smoothing=smoothing
    )


def alternative_target_distribution(logits, wanted, smoothing):
    vocabulary = logits.shape[-1]
    asked = F.one_hot(wanted, vocabulary) * (1 - smoothing) + smoothing / vocabulary
    loss = -(asked * F.log_softmax(logits, dim=-1)).sum(-1)
    real = (wanted != 0).to(loss.dtype)
    return (loss * real).sum() / real.sum()


def alternative_logsumexp(logits, wanted, smoothing):
    real = wanted != 0
    logits, wanted = logits[real], wanted[real]
    every = torch.logsumexp(logits, dim=-1)
    right = logits[torch.arange(len(wanted)), wanted] - every
    return (-(1 - smoothing) * right - smoothing * (logits.mean(-1) - every)).mean()


def _parts(logits, wanted):
    log_p = F.log_softmax(logits, dim=-1)
    return log_p, log_p.gather(-1, wanted.unsqueeze(-1)).squeeze(-1), wanted != 0


def mutant_padding__counted(logits, wanted, smoothing):
    return F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), label_smoothing=smoothing)


def mutant_padding_smoothed__left_out_of_one_half(logits, wanted, smoothing):
    log_p, right, real = _parts(logits, wanted)
    return -(1 - smoothing) * right[real].mean() - smoothing * log_p.mean()


def mutant_divisor__all_places(logits, wanted, smoothing):
    log_p, right, real = _parts(logits, wanted)
    return ((-(1 - smoothing) * right - smoothing * log_p.mean(-1)) * real).mean()


def mutant_sum__not_divided(logits, wanted, smoothing):
    log_p, right, real = _parts(logits, wanted)
    return (-(1 - smoothing) * right - smoothing * log_p.mean(-1))[real].sum()


def mutant_by_text__mean_of_means(logits, wanted, smoothing):
    log_p, right, real = _parts(logits, wanted)
    each = (-(1 - smoothing) * right - smoothing * log_p.mean(-1)) * real
    return (each.sum(1) / real.sum(1)).mean()


def mutant_unsmoothed__plain(logits, wanted, smoothing):
    return F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=0)


def mutant_others__all_but_the_wanted(logits, wanted, smoothing):
    log_p, right, real = _parts(logits, wanted)
    others = (log_p.sum(-1) - right) / (logits.shape[-1] - 1)
    return (-(1 - smoothing) * right - smoothing * others)[real].mean()


def mutant_softmax__twice(logits, wanted, smoothing):
    return alternative_torch(F.softmax(logits, dim=-1), wanted, smoothing)


def mutant_value__other_sign(logits, wanted, smoothing):
    log_p, right, real = _parts(logits, wanted)
    return ((1 - smoothing) * right + smoothing * log_p.mean(-1))[real].mean()


def mutant_value__summed_over_the_vocabulary(logits, wanted, smoothing):
    log_p, right, real = _parts(logits, wanted)
    return (-(1 - smoothing) * right - smoothing * log_p.sum(-1))[real].mean()


def mutant_detached__no_gradient(logits, wanted, smoothing):
    return alternative_torch(logits.detach(), wanted, smoothing)


def mutant_not_a_tensor__item(logits, wanted, smoothing):
    return alternative_torch(logits, wanted, smoothing).item()


def mutant_shape__each_place(logits, wanted, smoothing):
    log_p, right, _ = _parts(logits, wanted)
    return -(1 - smoothing) * right - smoothing * log_p.mean(-1)
