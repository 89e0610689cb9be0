import torch


def alternative_logits(logits, temperature, top_k, top_p):
    logits = logits / temperature
    if top_k:
        logits[logits < logits.topk(min(top_k, len(logits))).values[-1]] = -torch.inf
    ordered, order = logits.sort(descending=True)
    p = ordered.softmax(dim=-1)
    logits[order[p.cumsum(dim=-1) - p >= top_p]] = -torch.inf
    return logits.softmax(dim=-1)


def alternative_loop(logits, temperature, top_k, top_p):
    p = torch.softmax(logits / temperature, dim=-1)
    order = p.argsort(descending=True).tolist()
    if top_k > 0:
        order = order[:top_k]
    whole, share, kept = sum(p[n].item() for n in order), 0.0, []
    for n in order:
        kept.append(n)
        share += p[n].item() / whole
        if share >= top_p:
            break
    made = torch.zeros_like(p)
    made[kept] = p[kept]
    return made / made.sum()


def _cut(logits, temperature, top_k, top_p, crossing=True, least=0, again=True):
    p = torch.softmax(logits / temperature, dim=-1)
    ordered, order = p.sort(descending=True)
    if top_k:
        ordered[top_k:] = 0
    if again:
        ordered = ordered / ordered.sum()
    so_far = ordered.cumsum(dim=-1)
    gone = so_far - ordered >= top_p if crossing else so_far > top_p
    gone[:least] = False
    ordered[gone] = 0
    return ordered, order


def mutant_sum__not_divided_again(logits, temperature, top_k, top_p):
    ordered, order = _cut(logits, temperature, top_k, top_p)
    return torch.zeros_like(ordered).scatter(0, order, ordered)


def mutant_places__left_sorted(logits, temperature, top_k, top_p):
    ordered, _ = _cut(logits, temperature, top_k, top_p)
    return ordered / ordered.sum()


def mutant_all__zero_is_a_limit(logits, temperature, top_k, top_p):
    ordered, order = _cut(logits, temperature, top_k or 1, top_p)
    return torch.zeros_like(ordered).scatter(0, order, ordered / ordered.sum())


def mutant_all__no_temperature(logits, temperature, top_k, top_p):
    ordered, order = _cut(logits, 1.0, top_k, top_p)
    return torch.zeros_like(ordered).scatter(0, order, ordered / ordered.sum())


def mutant_top_k__one_too_many(logits, temperature, top_k, top_p):
    ordered, order = _cut(logits, temperature, top_k and top_k + 1, top_p)
    return torch.zeros_like(ordered).scatter(0, order, ordered / ordered.sum())


def mutant_top_p__drops_what_crosses(logits, temperature, top_k, top_p):
    if top_p == 1.0:
        top_p = 2.0
    ordered, order = _cut(logits, temperature, top_k, top_p, crossing=False, least=1)
    return torch.zeros_like(ordered).scatter(0, order, ordered / ordered.sum())


def mutant_first__two_at_least(logits, temperature, top_k, top_p):
    ordered, order = _cut(logits, temperature, top_k, top_p, least=2)
    return torch.zeros_like(ordered).scatter(0, order, ordered / ordered.sum())


def mutant_both__share_of_the_whole(logits, temperature, top_k, top_p):
    ordered, order = _cut(logits, temperature, top_k, top_p, again=False)
    return torch.zeros_like(ordered).scatter(0, order, ordered / ordered.sum())


def mutant_not_finite__nothing_left(logits, temperature, top_k, top_p):
    if top_p == 1.0:
        top_p = 2.0
    ordered, order = _cut(logits, temperature, top_k, min(top_p, 0.05) if top_p < 0.1 else top_p,
                          crossing=top_p > 0.1)
    return torch.zeros_like(ordered).scatter(0, order, ordered / ordered.sum())
