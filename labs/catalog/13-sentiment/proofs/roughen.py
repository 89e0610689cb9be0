import random
import re


def _swap(word, rng):
    place = rng.randrange(1, len(word) - 2)
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def _squeeze(word, rng):
    return word[0] + re.sub("[aeiouAEIOU]", "", word[1:-1]) + word[-1]


def _stretch(word, rng):
    place = rng.randrange(len(word))
    return word[:place] + word[place] * rng.randint(3, 5) + word[place + 1 :]


def _roughen(text, rate, rng, ways=(_swap, _squeeze, _stretch), fits=lambda word: len(word) > 3 and word.isalpha()):
    return " ".join(
        rng.choice(ways)(word, rng) if fits(word) and rng.random() < rate else word for word in text.split(" ")
    )


def alternative_vowels_one_by_one(text, rate, rng):
    def squeeze(word, rng):
        return word[0] + "".join(c for c in word[1:-1] if c.lower() not in "aeiou") + word[-1]

    return _roughen(text, rate, rng, (_swap, squeeze, _stretch))


def alternative_vowels_are_stretched(text, rate, rng):
    def rough(found):
        word = found[0]
        if len(word) < 4 or not word.isalpha() or rng.random() >= rate:
            return word
        kind = rng.randrange(3)
        if kind < 2:
            return (_swap, _squeeze)[kind](word, rng)
        place = rng.choice([n for n, c in enumerate(word) if c in "aeiouy"] or [len(word) - 1])
        return word[:place] + word[place] * rng.choice((3, 4, 5)) + word[place + 1 :]

    return re.sub(r"\S+", rough, text)


def mutant_text__a_list(text, rate, rng):
    return _roughen(text, rate, rng).split(" ")


def mutant_words__leaves_short_ones_out(text, rate, rng):
    return " ".join(word for word in _roughen(text, rate, rng).split(" ") if len(word) > 2)


def mutant_protected__everything_long(text, rate, rng):
    return _roughen(text, rate, rng, fits=lambda word: len(word) > 3)


def mutant_protected__short_words_too(text, rate, rng):
    return _roughen(text, rate, rng, (_squeeze, _stretch), fits=lambda word: len(word) > 1 and word.isalpha())


def mutant_rate_zero__always(text, rate, rng):
    return _roughen(text, 1.0, rng)


def mutant_rate__half_as_often(text, rate, rng):
    return _roughen(text, rate if rate in (0.0, 1.0) else rate / 4, rng)


def mutant_kind__first_letter_lost(text, rate, rng):
    def squeeze(word, rng):
        return re.sub("[aeiouy]", "", word[1:]) or word

    return _roughen(text, rate, rng, (_swap, squeeze, _stretch))


def mutant_kind__a_random_letter(text, rate, rng):
    def typo(word, rng):
        place = rng.randrange(len(word))
        return word[:place] + rng.choice("qxz") + word[place + 1 :]

    return _roughen(text, rate, rng, (typo, _squeeze, _stretch))


def mutant_uneven__never_stretches(text, rate, rng):
    return _roughen(text, rate, rng, (_swap, _squeeze))


def mutant_chance__own_random(text, rate, rng):
    return _roughen(text, rate, random)


def mutant_chance__sets_a_seed(text, rate, rng):
    return _roughen(text, rate, random.Random(0))
