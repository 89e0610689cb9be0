import hashlib
import random
from collections import defaultdict

import numpy as np


def _rank(name, seed):
    return hashlib.sha256(f"{seed} {name}".encode()).hexdigest()


def _chosen(requests, share, seed):
    """Return held families and held values, ranked by a hash."""
    groups = defaultdict(set)
    for r in requests:
        groups["intent", r.intent].add(r.family)
        for value in r.values():
            groups["kind", value[0]].add(value)
    families, values = set(), set()
    for (what, _), members in groups.items():
        order = sorted(members, key=lambda name: _rank(name, seed))
        count = min(max(1, round(share * len(order))), len(order) - 1)
        (families if what == "intent" else values).update(order[:count])
    return families, values


def alternative_by_hash(requests, share, seed):
    families, values = _chosen(requests, share, seed)
    kept = [r for r in requests if r.family not in families and r.values().isdisjoint(values)]
    held = [r for r in requests if r.family in families and all(v in values for v in r.values())]
    return kept, held


def alternative_numpy(requests, share, seed):
    rng = np.random.default_rng(seed)
    held = set()
    for intent in sorted({r.intent for r in requests}):
        names = sorted({r.family for r in requests if r.intent == intent})
        held |= set(rng.permutation(names)[: max(1, round(share * len(names)))].tolist())
    values = sorted({value for r in requests for value in r.values()})
    for kind in sorted({kind for kind, _ in values}):
        words = [text for k, text in values if k == kind]
        held |= {(kind, str(w)) for w in rng.permutation(words)[: max(1, round(share * len(words)))]}
    sides = {True: [], False: []}
    for r in requests:
        where = {r.family in held, *(value in held for value in r.values())}
        if len(where) == 1:
            sides[where.pop()].append(r)
    return tuple(sides[False]), tuple(sides[True])


def mutant_family_leaks__shuffled(requests, share, seed):
    order = random.Random(seed).sample(requests, len(requests))
    cut = round(share * len(order))
    return order[cut:], order[:cut]


def mutant_value_leaks__families_alone(requests, share, seed):
    families, _ = _chosen(requests, share, seed)
    return [r for r in requests if r.family not in families], [r for r in requests if r.family in families]


def mutant_family_leaks__values_alone(requests, share, seed):
    _, values = _chosen(requests, share, seed)
    return (
        [r for r in requests if not r.values() & values],
        [r for r in requests if r.values() and r.values() <= values],
    )


def mutant_value_leaks__any_held_value(requests, share, seed):
    families, values = _chosen(requests, share, seed)
    kept = [r for r in requests if r.family not in families and not r.values() & values]
    held = [r for r in requests if r.family in families and (r.values() & values or not r.values())]
    return kept, held


def mutant_dropped__without_slots(requests, share, seed):
    kept, held = alternative_by_hash(requests, share, seed)
    return [r for r in kept if r.values()], [r for r in held if r.values()]


def mutant_share__halves(requests, share, seed):
    return alternative_by_hash(requests, 1 - share if share != 0.5 else 0.2, seed)


def mutant_share__over_all_intents(requests, share, seed):
    families = sorted({r.family for r in requests})
    held = set(families[: round(share * len(families))])
    _, values = _chosen(requests, share, seed)
    kept = [r for r in requests if r.family not in held and not r.values() & values]
    return kept, [r for r in requests if r.family in held and r.values() <= values]


def mutant_seed__order_of_a_set(requests, share, seed):
    return alternative_by_hash(requests, share, random.random())


def mutant_same_for_all_seeds__seed_forgotten(requests, share, seed):
    return alternative_by_hash(requests, share, 0)


def mutant_empty_side__all_values_and_families(requests, share, seed):
    return list(requests), []


def mutant_lost__twice(requests, share, seed):
    kept, held = alternative_by_hash(requests, share, seed)
    return kept + kept, held


def mutant_pair__families(requests, share, seed):
    return [*alternative_by_hash(requests, share, seed), {r.family for r in requests}]
