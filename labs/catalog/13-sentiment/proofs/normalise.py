import re

RULES = ("mentions", "links", "hashtags", "repeats", "emoji")


def alternative_one_pattern_for_emoji(text, names, rules=RULES):
    if "links" in rules:
        text = re.sub(r"https?://\S+", "http", text)
    if "emoji" in rules:
        longest = "|".join(map(re.escape, sorted(names, key=len)[::-1]))
        text = re.sub(longest, lambda found: f" {names[found[0]]} ", text)
    if "hashtags" in rules:
        text = re.sub(r"#(?=\w)", "", re.sub(r"(?<=[a-z])(?=[A-Z])(?=\w+)", " ", text) if "#" in text else text)
    if "mentions" in rules:
        text = re.sub(r"@[A-Za-z0-9_]+", "@user", text)
    if "repeats" in rules:
        text = re.sub(r"([^\W\d_])\1+", lambda run: run[1] * 2, text)
    return " ".join(text.split())


def alternative_letter_by_letter(text, names, rules=RULES):
    if "links" in rules:
        text = re.sub(r"https?://\S+", "http", text)
    if "mentions" in rules:
        text = re.sub(r"@\w+", "@user", text)
    if "hashtags" in rules:
        for tag in sorted(set(re.findall(r"#\w+", text)), key=len, reverse=True):
            text = text.replace(tag, re.sub(r"([a-z])([A-Z])", r"\1 \2", tag[1:]))
    if "repeats" in rules:
        kept = ""
        for letter in text:
            if not (letter.isalpha() and kept.endswith(2 * letter)):
                kept += letter
        text = kept
    if "emoji" in rules:
        for emoji in sorted(names, key=lambda each: -len(each)):
            text = text.replace(emoji, " " + names[emoji] + " ")
    return re.sub(r"\s+", " ", text).strip()


def _with(text, names, rules, **other):
    """The right answer, but for the rules in ``other``."""
    steps = {
        "links": lambda t: re.sub(r"https?://\S+", "http", t),
        "mentions": lambda t: re.sub(r"@\w+", "@user", t),
        "hashtags": lambda t: re.sub(r"#(\w+)", lambda tag: re.sub(r"(?<=[a-z])(?=[A-Z])", " ", tag[1]), t),
        "repeats": lambda t: re.sub(r"([^\W\d_])\1{2,}", r"\1\1", t),
        "emoji": lambda t: _named(t, names, sorted(names, key=len, reverse=True)),
    }
    for rule, change in (steps | other).items():
        if rule in rules:
            text = change(text)
    return " ".join(text.split())


def _named(text, names, order):
    for emoji in order:
        text = text.replace(emoji, f" {names[emoji]} ")
    return text


def mutant_text__list_of_words(text, names, rules=RULES):
    return _with(text, names, rules).split()


def mutant_mentions__removed(text, names, rules=RULES):
    return _with(text, names, rules, mentions=lambda t: re.sub(r"@\w+", "", t))


def mutant_mentions__up_to_the_space(text, names, rules=RULES):
    return _with(text, names, rules, mentions=lambda t: re.sub(r"@\S+", "@user", t))


def mutant_links__removed(text, names, rules=RULES):
    return _with(text, names, rules, links=lambda t: re.sub(r"https?://\S+", "", t))


def mutant_camel__only_the_mark(text, names, rules=RULES):
    return _with(text, names, rules, hashtags=lambda t: t.replace("#", ""))


def mutant_hashtags__whole_tag_gone(text, names, rules=RULES):
    return _with(text, names, rules, hashtags=lambda t: re.sub(r"#\w+", "", t))


def mutant_digits__any_character(text, names, rules=RULES):
    return _with(text, names, rules, repeats=lambda t: re.sub(r"(.)\1{2,}", r"\1\1", t))


def mutant_twice__down_to_one(text, names, rules=RULES):
    return _with(text, names, rules, repeats=lambda t: re.sub(r"([^\W\d_])\1{2,}", r"\1", t))


def mutant_twice__down_to_three(text, names, rules=RULES):
    return _with(text, names, rules, repeats=lambda t: re.sub(r"([^\W\d_])\1{3,}", r"\1\1\1", t))


def mutant_repeats__double_letters_too(text, names, rules=RULES):
    def squeezed(text):
        return re.sub(r"([^\W\d_])\1+", lambda run: run[1] * (2 if len(run[0]) > 2 else 1), text)

    return _with(text, names, rules, repeats=squeezed)


def mutant_longest__as_they_come(text, names, rules=RULES):
    return _with(text, names, rules, emoji=lambda t: _named(t, names, sorted(names, key=len)))


def mutant_emoji__no_spaces(text, names, rules=RULES):
    def glued(text):
        for emoji in sorted(names, key=len, reverse=True):
            text = text.replace(emoji, names[emoji])
        return text

    return _with(text, names, rules, emoji=glued)


def mutant_switched_off__always_all(text, names, rules=RULES):
    rules = RULES if len(rules) != 1 else rules
    return _with(text, names, rules)


def mutant_together__stops_after_one(text, names, rules=RULES):
    return _with(text, names, rules if len(rules) < 5 else rules[:1])
