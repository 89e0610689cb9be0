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


def _reworded(text, others, rng, share, shortest=False):
    words = sorted(others, key=len, reverse=not shortest)

    def other(match):
        choices = others[match[0]]
        return rng.choice(choices) if choices and rng.random() < share else match[0]

    return re.sub("|".join(map(re.escape, words)), other, text)


def alternative_regex(text, groups, rng, share=0.5):
    return _reworded(text, _others(groups), rng, share)


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
    return _reworded(text, _others(groups), rng, share)


def mutant_inside__the_shortest_counts(text, groups, rng, share=0.5):
    return _reworded(text, _others([*groups, ["开", "启动"]]), rng, share, shortest=True)


def mutant_several__groups_as_they_are(text, groups, rng, share=0.5):
    others = {}
    for group in groups:
        for word in group:
            others.setdefault(word, []).extend(other for other in group if other != word)
    return _reworded(text, others, rng, share)


def mutant_several__put_in_but_not_taken_out(text, groups, rng, share=0.5):
    count = Counter(word for group in groups for word in group)
    others = {
        word: [other for other in group if other != word and count[word] == 1]
        for group in groups for word in group
    }
    return _reworded(text, others, rng, share)


def mutant_all__replaced_again(text, groups, rng, share=0.5):
    for word, choices in reversed(_others(groups).items()):
        if choices and word in text and rng.random() < share:
            text = text.replace(word, rng.choice(choices))
    return text


def mutant_all__may_put_in_the_same_word(text, groups, rng, share=0.5):
    others = {word: [word, *fine] if len(fine) > 1 else fine for word, fine in _others(groups).items()}
    return _reworded(text, others, rng, share)


def mutant_one_synonym__the_next_in_the_group(text, groups, rng, share=0.5):
    return _reworded(text, {word: fine[:1] for word, fine in _others(groups).items()}, rng, share)


def mutant_share__all_or_nothing(text, groups, rng, share=0.5):
    return _reworded(text, _others(groups), rng, 1.0 if rng.random() < share else 0.0)


def mutant_share_zero__share_unused(text, groups, rng, share=0.5):
    return _reworded(text, _others(groups), rng, 1.0)


def mutant_nothing_replaced__splits_at_spaces(text, groups, rng, share=0.5):
    others = _others(groups)
    return " ".join(rng.choice(others.get(word) or [word]) for word in text.split(" "))


def mutant_not_text__a_list(text, groups, rng, share=0.5):
    return list(_reworded(text, _others(groups), rng, share))


def mutant_label__an_antonym_in_a_table_of_its_own(text, groups, rng, share=0.5):
    others = _others(groups) | {"增加": ["延长", "减少"], "延长": ["增加", "缩短"]}
    return _reworded(text, others, rng, share)
