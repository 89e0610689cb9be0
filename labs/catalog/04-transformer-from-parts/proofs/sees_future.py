import torch


def alternative_every_token_alone(model, ids, size):
    before = model(ids)
    for place in range(1, ids.shape[1]):
        for step in range(1, min(size, 4)):
            changed = ids.clone()
            changed[:, place] = (changed[:, place] + step) % size
            if (model(changed)[:, :place] - before[:, :place]).abs().max() > 1e-5:
                return True
    return False


def alternative_random_future(model, ids, size):
    generator = torch.Generator().manual_seed(0)
    before = model(ids)
    for _ in range(30):
        for cut in range(1, ids.shape[1]):
            future = torch.randint(0, size, (ids.shape[0], ids.shape[1] - cut), generator=generator)
            after = model(torch.cat([ids[:, :cut], future], dim=1))
            if not torch.allclose(after[:, :cut], before[:, :cut], atol=1e-5):
                return True
    return False


def alternative_shorter_text(model, ids, size):
    whole = model(ids)
    changed = (ids + 1) % size
    for cut in range(1, ids.shape[1]):
        for place in range(cut, ids.shape[1]):
            one = ids.clone()
            one[:, place] = changed[:, place]
            if not torch.allclose(model(one)[:, :cut], whole[:, :cut], atol=1e-5):
                return True
    return False


def mutant_misses_next__leaves_one_out(model, ids, size):
    before = model(ids)
    for cut in range(2, ids.shape[1]):
        changed = ids.clone()
        changed[:, cut:] = (changed[:, cut:] + 1) % size
        if not torch.allclose(model(changed)[:, : cut - 1], before[:, : cut - 1], atol=1e-5):
            return True
    return False


def mutant_misses_far__only_the_neighbour(model, ids, size):
    before = model(ids)
    for place in range(1, ids.shape[1]):
        changed = ids.clone()
        changed[:, place] = (changed[:, place] + 1) % size
        after = model(changed)
        if not torch.allclose(after[:, place - 1], before[:, place - 1], atol=1e-5) and place != 2:
            return True
    return False


def mutant_false_alarm__compares_all_places(model, ids, size):
    before = model(ids)
    changed = ids.clone()
    changed[:, -1] = (changed[:, -1] + 1) % size
    return not torch.allclose(model(changed), before, atol=1e-5)


def mutant_false_alarm__includes_the_changed(model, ids, size):
    before = model(ids)
    for cut in range(1, ids.shape[1]):
        changed = ids.clone()
        changed[:, cut:] = (changed[:, cut:] + 1) % size
        if not torch.allclose(model(changed)[:, : cut + 1], before[:, : cut + 1], atol=1e-5):
            return True
    return False


def mutant_misses_next__never_accuses(model, ids, size):
    model(ids)
    return False


def mutant_vocabulary__past_the_end(model, ids, size):
    before = model(ids)
    changed = ids.clone()
    changed[:, -1] += 1
    changed[0, -1] = size
    return not torch.allclose(model(changed)[:, :-1], before[:, :-1], atol=1e-5)


def mutant_spoils__changes_in_place(model, ids, size):
    before = model(ids)
    ids[:, -1] = (ids[:, -1] + 1) % size
    return not torch.allclose(model(ids)[:, :-1], before[:, :-1], atol=1e-5)


def mutant_not_bool__the_difference(model, ids, size):
    before = model(ids)
    changed = ids.clone()
    changed[:, -1] = (changed[:, -1] + 1) % size
    return (model(changed)[:, :-1] - before[:, :-1]).abs()


def mutant_tokens__one_text_alone(model, ids, size):
    before = model(ids[0])
    return not torch.allclose(model(ids[0]), before)
