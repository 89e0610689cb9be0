import random
import re


def alternative_by_trial(text, kind, twins, rng):
    if kind == "width":
        return "".join(chr(ord(c) + 0xFEE0) if 0x21 <= ord(c) <= 0x7E else c for c in text)
    options = {
        "space": [
            text[:n] + " " + text[n:]
            for n in range(1, len(text))
            if not re.search(r"\d \d|[A-Za-z] [A-Za-z]", text[:n] + " " + text[n:])
        ],
        "twin": [text[:n] + twins[c] + text[n + 1 :] for n, c in enumerate(text) if c in twins],
        "swap": [
            text[: m.start() + n] + m[0][n + 1] + m[0][n] + text[m.start() + n + 2 :]
            for m in re.finditer("[A-Za-z]{4,}", text)
            for n in range(1, len(m[0]) - 2)
        ],
    }[kind]
    options = [option for option in options if option != text]
    return rng.choice(options) if options else text


def alternative_word_by_word(text, kind, twins, rng):
    if kind == "space":
        parts = re.findall(r"\d+|[A-Za-z]+|.", text)
        if len(parts) < 2:
            return text
        at = rng.randint(1, len(parts) - 1)
        return "".join(parts[:at]) + " " + "".join(parts[at:])
    if kind == "twin":
        places = [n for n in range(len(text)) if text[n] in twins]
        if not places:
            return text
        letters, at = list(text), places[int(rng.random() * len(places))]
        letters[at] = twins[letters[at]]
        return "".join(letters)
    words = [w for w in re.finditer("[A-Za-z]{4,}", text) if len(set(w[0][1:-1])) > 1]
    if not words:
        return text
    word, letters = rng.choice(words), list(text)
    at = rng.choice([n for n in range(word.start() + 1, word.end() - 2) if text[n] != text[n + 1]])
    letters[at], letters[at + 1] = letters[at + 1], letters[at]
    return "".join(letters)


def _with(kind, edit):
    """Return a wrong perturb: right but for one kind."""

    def wrong(text, asked, twins, rng):
        return (
            edit(text, twins, rng)
            if asked == kind
            else alternative_by_trial(text, asked, twins, rng)
        )

    return wrong


def mutant_space_inside__anywhere(text, kind, twins, rng):
    def edit(text, twins, rng):
        at = rng.randint(1, len(text) - 1) if len(text) > 1 else 0
        return text[:at] + " " + text[at:] if at and text != "42" else text

    return _with("space", edit)(text, kind, twins, rng)


def mutant_space_where__between_all(text, kind, twins, rng):
    return _with("space", lambda text, *_: " ".join(text))(text, kind, twins, rng)


def mutant_space_where__at_the_end(text, kind, twins, rng):
    return _with("space", lambda text, *_: text + " ")(text, kind, twins, rng)


def mutant_twin_many__all_of_them(text, kind, twins, rng):
    many = _with("twin", lambda text, twins, rng: "".join(twins.get(c, c) for c in text))
    return many(text, kind, twins, rng)


def mutant_twin_wrong__backwards(text, kind, twins, rng):
    def edit(text, twins, rng):
        places = [n for n, c in enumerate(text) if c in twins]
        if not places:
            return text
        at = rng.choice(places)
        return (
            text[:at] + rng.choice(sorted(set(twins.values()) - {twins[text[at]]})) + text[at + 1 :]
        )

    return _with("twin", edit)(text, kind, twins, rng)


def mutant_swap_wrong__shuffled(text, kind, twins, rng):
    def edit(text, twins, rng):
        word = re.search("[A-Za-z]{4,}", text)
        if not word:
            return text
        inside = list(word[0][1:-1])
        while "".join(inside) == word[0][1:-1]:
            rng.shuffle(inside)
        return text[: word.start() + 1] + "".join(inside) + text[word.end() - 1 :]

    return _with("swap", edit)(text, kind, twins, rng)


def mutant_swap_edge__first_two(text, kind, twins, rng):
    def edit(text, twins, rng):
        words = [w for w in re.finditer("[A-Za-z]{4,}", text)]
        if not words:
            return text
        at = words[0].start() + rng.choice([0, 0, 1])
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]

    return _with("swap", edit)(text, kind, twins, rng)


def mutant_nothing_done__equal_letters(text, kind, twins, rng):
    def edit(text, twins, rng):
        words = [w for w in re.finditer("[A-Za-z]{4,}", text)]
        if not words or rng.random() < 0.5:
            return text
        at = words[0].start() + 1
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]

    return _with("swap", edit)(text, kind, twins, rng)


def mutant_nothing_to_do__short_words_too(text, kind, twins, rng):
    def edit(text, twins, rng):
        if "off" in text:
            return text.replace("off", "ofF")
        return alternative_by_trial(text, "swap", twins, rng)

    return _with("swap", edit)(text, kind, twins, rng)


def mutant_fixed__always_the_first(text, kind, twins, rng):
    def edit(text, twins, rng):
        return next(
            (text[:n] + twins[c] + text[n + 1 :] for n, c in enumerate(text) if c in twins), text
        )

    return _with("twin", edit)(text, kind, twins, rng)


def mutant_not_repeatable__the_module(text, kind, twins, rng):
    return alternative_by_trial(text, kind, twins, random.Random())


def mutant_not_text__a_list(text, kind, twins, rng):
    return list(alternative_by_trial(text, kind, twins, rng))
