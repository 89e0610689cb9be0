import torch


def _step(model, given, mask, past):
    with torch.inference_mode():
        out = model(input_ids=given, attention_mask=mask, past_key_values=past, use_cache=True)
    return out.past_key_values, out.logits[:, -1].argmax(dim=-1, keepdim=True)


def _grown(mask):
    return torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)


def alternative_prompt_first(model, ids, mask, steps):
    past, token = _step(model, ids, mask, None)
    row = [token]
    while len(row) < steps:
        mask = _grown(mask)
        past, token = _step(model, token, mask, past)
        row.append(token)
    return torch.cat(row, dim=1)


def alternative_room_made_before(model, ids, mask, steps):
    start = ids.shape[1]
    ids = torch.cat([ids, ids.new_zeros(len(ids), steps)], dim=1)
    mask = torch.cat([mask, mask.new_ones(len(mask), steps)], dim=1)
    past, seen = None, 0
    for end in range(start, start + steps):
        past, token = _step(model, ids[:, seen:end], mask[:, :end], past)
        ids[:, end], seen = token[:, 0], end
    return ids[:, start:]


def mutant_recomputes__no_cache(model, ids, mask, steps):
    start = ids.shape[1]
    for _ in range(steps):
        _, token = _step(model, ids, mask, None)
        ids, mask = torch.cat([ids, token], dim=1), _grown(mask)
    return ids[:, start:]


def mutant_forgets__the_past_is_not_handed_on(model, ids, mask, steps):
    new, given = [], ids
    for _ in range(steps):
        _, given = _step(model, given, torch.ones_like(given), None)
        new.append(given)
    return torch.cat(new, dim=1)


def mutant_first_lost__starts_after_the_prompt(model, ids, mask, steps):
    past, token = _step(model, ids, mask, None)
    new = []
    for _ in range(steps):
        mask = _grown(mask)
        past, token = _step(model, token, mask, past)
        new.append(token)
    return torch.cat(new, dim=1)


def mutant_padding__all_ones(model, ids, mask, steps):
    return alternative_prompt_first(model, ids, torch.ones_like(mask), steps)


def mutant_padding__mask_left_out(model, ids, mask, steps):
    new, past, given = [], None, ids
    for _ in range(steps):
        past, given = _step(model, given, None, past)
        new.append(given)
    return torch.cat(new, dim=1)


def mutant_value__least_likely(model, ids, mask, steps):
    new, past, given = [], None, ids
    for _ in range(steps):
        with torch.inference_mode():
            out = model(input_ids=given, attention_mask=mask, past_key_values=past, use_cache=True)
        past, given = out.past_key_values, out.logits[:, -1].argmin(dim=-1, keepdim=True)
        mask = _grown(mask)
        new.append(given)
    return torch.cat(new, dim=1)


def mutant_shape__with_the_prompt(model, ids, mask, steps):
    return torch.cat([ids, alternative_prompt_first(model, ids, mask, steps)], dim=1)
