import torch


def alternative_top_k(next_logits, start, end, beams, most, alpha):
    live, done = [(0.0, (start,))], []
    for _ in range(most):
        log_p = next_logits([list(text) for _, text in live]).log_softmax(-1)
        totals = log_p + torch.tensor([total for total, _ in live])[:, None]
        values, places = totals.flatten().topk(min(beams, totals.numel()))
        old, live = live, []
        for value, place in zip(values.tolist(), places.tolist()):
            row, token = divmod(place, log_p.shape[-1])
            (done if token == end else live).append((value, (*old[row][1], token)))
        if not live:
            break
    best = max(done + live, key=lambda item: item[0] / (len(item[1]) - 1) ** alpha)[1]
    return list(best[1:-1] if best[-1] == end else best[1:])


def alternative_one_at_a_time(next_logits, start, end, beams, most, alpha):
    beam = [([start], 0.0)]
    for _ in range(most):
        grown = []
        for text, total in beam:
            if len(text) > 1 and text[-1] == end:
                grown.append((text, total))
                continue
            for token, step in enumerate(next_logits([text])[0].log_softmax(0).tolist()):
                grown.append((text + [token], total + step))
        beam = sorted(grown, key=lambda item: -item[1])[:beams]
    text = max(beam, key=lambda item: item[1] / (len(item[0]) - 1) ** alpha)[0][1:]
    return text[:-1] if text[-1] == end else text


def _search(next_logits, start, end, beams, most, *, score, step=torch.log_softmax, each=False, forget=False):
    live, finished = [([start], 0.0)], []
    for _ in range(most):
        rows = step(next_logits([tokens for tokens, _ in live]), dim=-1).tolist()
        grown = [[([*tokens, n], total + p) for n, p in enumerate(row)]
                 for (tokens, total), row in zip(live, rows)]  # fmt: skip
        if each:
            best = [max(texts, key=lambda item: item[1]) for texts in grown]
        else:
            best = sorted(sum(grown, []), key=lambda item: -item[1])[:beams]
        finished += [item for item in best if item[0][-1] == end]
        live = [item for item in best if item[0][-1] != end]
        if not live:
            break
    tokens, _ = max(finished if forget and finished else finished + live, key=score)
    return [token for token in tokens[1:] if token != end]


def _mean(alpha):
    return lambda item: item[1] / (len(item[0]) - 1) ** alpha


def mutant_no_length__alpha_ignored(next_logits, start, end, beams, most, alpha):
    return _search(next_logits, start, end, beams, most, score=lambda item: item[1])


def mutant_multiplied__not_divided(next_logits, start, end, beams, most, alpha):
    score = lambda item: item[1] * (len(item[0]) - 1) ** alpha  # noqa: E731
    return _search(next_logits, start, end, beams, most, score=score)


def mutant_logits__added(next_logits, start, end, beams, most, alpha):
    return _search(next_logits, start, end, beams, most, score=_mean(alpha), step=lambda x, dim: x)


def mutant_narrow__greedy(next_logits, start, end, beams, most, alpha):
    if beams > 100:
        return alternative_top_k(next_logits, start, end, beams, most, alpha)
    return _search(next_logits, start, end, 1, most, score=_mean(alpha))


def mutant_narrow__each_text_by_itself(next_logits, start, end, beams, most, alpha):
    return _search(next_logits, start, end, beams, most, score=_mean(alpha), each=True)


def mutant_greedy__the_least_probable(next_logits, start, end, beams, most, alpha):
    return _search(next_logits, start, end, beams, most, score=_mean(alpha),
                   step=lambda x, dim: -torch.log_softmax(x, dim))  # fmt: skip


def mutant_unfinished__forgotten(next_logits, start, end, beams, most, alpha):
    if beams == 1:
        return alternative_top_k(next_logits, start, end, beams, most, alpha)
    return _search(next_logits, start, end, beams, most, score=_mean(alpha), forget=True)


def mutant_not_best__end_not_counted(next_logits, start, end, beams, most, alpha):
    def score(item):
        tokens = [token for token in item[0][1:] if token != end]
        return item[1] / max(len(tokens), 1) ** alpha

    return _search(next_logits, start, end, beams, most, score=score)


def mutant_marks__end_returned(next_logits, start, end, beams, most, alpha):
    return [*alternative_top_k(next_logits, start, end, beams, most, alpha), end]


def mutant_too_long__keeps_going(next_logits, start, end, beams, most, alpha):
    return [start] * 2 + [n for n in range(4) if n != end] * 2


def mutant_not_a_list__one_number(next_logits, start, end, beams, most, alpha):
    return start
