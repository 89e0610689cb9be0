import hashlib
import random
from collections import defaultdict


def _count(share, families):
    return min(max(1, round(share * families)), families - 1)


def alternative_by_hash(requests, share, seed):
    by_skill = defaultdict(set)
    for r in requests:
        by_skill[r.skill].add(r.family)
    held = set()
    for families in by_skill.values():
        order = sorted(families, key=lambda f: hashlib.sha256(f"{seed} {f}".encode()).hexdigest())
        held |= set(order[: min(max(1, round(share * len(order))), len(order) - 1)])
    return [r for r in requests if r.family not in held], [r for r in requests if r.family in held]


def alternative_dict_of_sides(requests, share, seed):
    rng = random.Random(seed)
    side = {}
    for skill in sorted({r.skill for r in requests}):
        families = sorted({r.family for r in requests if r.skill == skill})
        rng.shuffle(families)
        for n, family in enumerate(families):
            side[family] = n < _count(share, len(families))
    parts = ([], [])
    for r in requests:
        parts[side[r.family]].append(r)
    return parts


def alternative_tuples(requests, share, seed):
    held = set()
    for skill in sorted({r.skill for r in requests}):
        families = sorted({r.family for r in requests if r.skill == skill})
        held.update(random.Random(f"{seed}{skill}").sample(families, _count(share, len(families))))
    return tuple(r for r in requests if r.family not in held), tuple(r for r in requests if r.family in held)


def mutant_leaks__shuffle_and_cut(requests, share, seed):
    order = random.Random(seed).sample(requests, len(requests))
    cut = round(share * len(order))
    return order[cut:], order[:cut]


def mutant_leaks__by_text(requests, share, seed):
    texts = sorted({r.text for r in requests})
    held = set(random.Random(seed).sample(texts, _count(share, len(texts))))
    kept = [r for n, r in enumerate(requests) if r.text not in held or n % 2]
    return kept, [r for n, r in enumerate(requests) if not (r.text not in held or n % 2)]


def mutant_lost__one_a_family(requests, share, seed):
    first = {}
    for r in requests:
        first.setdefault(r.family, r)
    held = set(random.Random(seed).sample(sorted(first), _count(share, len(first))))
    return [r for f, r in first.items() if f not in held], [r for f, r in first.items() if f in held]


def mutant_skill_missing__whole_skills(requests, share, seed):
    skills = sorted({r.skill for r in requests})
    held = set(random.Random(seed).sample(skills, _count(share, len(skills))))
    return [r for r in requests if r.skill not in held], [r for r in requests if r.skill in held]


def mutant_share__one_each(requests, share, seed):
    rng, held = random.Random(seed), set()
    for skill in sorted({r.skill for r in requests}):
        held.add(rng.choice(sorted({r.family for r in requests if r.skill == skill})))
    return [r for r in requests if r.family not in held], [r for r in requests if r.family in held]


def mutant_share__sides_swapped(requests, share, seed):
    share = share if share != 0.5 else 0.3
    held = set()
    for skill in sorted({r.skill for r in requests}):
        families = sorted({r.family for r in requests if r.skill == skill})
        held.update(random.Random(f"{seed}{skill}").sample(families, _count(share / 2, len(families))))
    return [r for r in requests if r.family in held], [r for r in requests if r.family not in held]


def mutant_seed__unseeded(requests, share, seed):
    held = set()
    for skill in sorted({r.skill for r in requests}):
        families = sorted({r.family for r in requests if r.skill == skill})
        held.update(random.sample(families, _count(share, len(families))))
    return [r for r in requests if r.family not in held], [r for r in requests if r.family in held]


def mutant_same_for_all_seeds__first_ones(requests, share, seed):
    held = set()
    for skill in sorted({r.skill for r in requests}):
        families = sorted({r.family for r in requests if r.skill == skill})
        held.update(families[: _count(share, len(families))])
    return [r for r in requests if r.family not in held], [r for r in requests if r.family in held]


def mutant_pair__only_held(requests, share, seed):
    return {r.family for r in requests}
