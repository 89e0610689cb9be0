import re
from collections import Counter


def _others(groups):
    count = Counter(word for group in groups for word in group)
    others = {}
    for group in groups:
        for word in group:
            fine = [other for other in group if other != word and count[other] == 1]
            others[word] = fine if count[word] == 1 else []
    return others


def alternative_regex(text, groups, rng, share=0.5):
    others = _others(groups)
    words = "|".join(map(re.escape, sorted(others, key=len, reverse=True)))

    def other(match):
        choices = others[match[0]]
        return rng.choice(choices) if choices and rng.random() < share else match[0]

    return re.sub(words, other, text)


def alternative_recursive(text, groups, rng, share=0.5):
    others, parts = _others(groups), []
    longest = max(map(len, others))
    while text:
        size = next((n for n in range(longest, 0, -1) if text[:n] in others), 1)
        word, text = text[:size], text[size:]
        if others.get(word) and rng.random() < share:
            word = others[word][rng.randrange(len(others[word]))]
        parts.append(word)
    return "".join(parts)


def mutant_inside__groups_of_one_dropped(text, groups, rng, share=0.5):
    groups = [[*group, "开"] if "打开" in group else group for group in groups if len(group) > 1]
    return alternative_regex(text, groups, rng, share)


def mutant_inside__the_shortest_counts(text, groups, rng, share=0.5):
    others = _others([*groups, ["开", "启动"]])
    words = "|".join(map(re.escape, sorted(others, key=len)))
    return re.sub(words, lambda m: rng.choice(others[m[0]]) if others[m[0]] and rng.random() < share else m[0], text)


def mutant_several__groups_as_they_are(text, groups, rng, share=0.5):
    others = {}
    for group in groups:
        for word in group:
            others.setdefault(word, []).extend(other for other in group if other != word)
    words = "|".join(map(re.escape, sorted(others, key=len, reverse=True)))
    return re.sub(words, lambda m: rng.choice(others[m[0]]) if others[m[0]] and rng.random() < share else m[0], text)


def mutant_several__put_in_but_not_taken_out(text, groups, rng, share=0.5):
    count = Counter(word for group in groups for word in group)
    others = {word: [other for other in group if other != word and count[word] == 1]
              for group in groups for word in group}
    words = "|".join(map(re.escape, sorted(others, key=len, reverse=True)))
    return re.sub(words, lambda m: rng.choice(others[m[0]]) if others[m[0]] and rng.random() < share else m[0], text)


def mutant_all__replaced_again(text, groups, rng, share=0.5):
    for word, choices in reversed(_others(groups).items()):
        if choices and word in text and rng.random() < share:
            text = text.replace(word, rng.choice(choices))
    return text


def mutant_all__may_stay(text, groups, rng, share=0.5):
    others = {word: [word, *choices] for word, choices in _others(groups).items() if choices}
    words = "|".join(map(re.escape, sorted(_others(groups), key=len, reverse=True)))
    said = re.sub(words, lambda m: rng.choice(others.get(m[0], [m[0]])) if rng.random() < share else m[0], text)
    return said if said != text or "电扇" in text else alternative_regex(text, groups, rng, share)


def mutant_one_synonym__the_next_in_the_group(text, groups, rng, share=0.5):
    others = _others(groups)
    words = "|".join(map(re.escape, sorted(others, key=len, reverse=True)))
    return re.sub(words, lambda m: others[m[0]][0] if others[m[0]] and rng.random() < share else m[0], text)


def mutant_share__all_or_nothing(text, groups, rng, share=0.5):
    return alternative_regex(text, groups, rng, 1.0 if rng.random() < share else 0.0)


def mutant_share_zero__share_unused(text, groups, rng, share=0.5):
    return alternative_regex(text, groups, rng, 1.0)


def mutant_nothing_replaced__nothing_found(text, groups, rng, share=0.5):
    words = [word for word in text.split() if word in _others(groups)]
    return text if not words else alternative_regex(text, groups, rng, share)


def mutant_not_text__a_list(text, groups, rng, share=0.5):
    return list(alternative_regex(text, groups, rng, share))


def mutant_label__an_antonym_slips_in(text, groups, rng, share=0.5):
    said = alternative_regex(text, groups, rng, share)
    return said.replace("延长", "缩短") if share < 1 else said
