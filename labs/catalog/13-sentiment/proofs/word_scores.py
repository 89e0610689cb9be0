NEGATORS = {"not", "no", "never", "nobody", "nothing", "neither", "nor", "without", "cannot", "hardly",
            "don't", "dont", "doesn't", "didn't", "isn't", "wasn't", "aren't", "won't", "can't", "cant",
            "couldn't", "wouldn't", "shouldn't", "haven't", "ain't"}
STRONGER = {"very", "really", "so", "soo", "too", "totally", "absolutely", "extremely", "completely", "such"}
WEAKER = {"slightly", "somewhat", "kinda", "fairly", "almost", "partly"}
ENDS = {".", ",", ";", ":", "!", "?", "but"}


def alternative_counts_down(words, lexicon):
    scores, left, last = [], 0, ""
    for word in words:
        small = word.lower()
        score = lexicon[word] if word in lexicon else lexicon.get(small, 0)
        score *= 1.3 if last in STRONGER else 0.7 if last in WEAKER else 1
        if left > 0:
            score *= -0.74
        left = 3 if small in NEGATORS else 0 if small in ENDS else left - 1
        scores.append(0 if small in NEGATORS else score)
        last = small
    return scores


def alternative_walks_back(words, lexicon):
    small = [word.lower() for word in words]

    def turned(place):
        for each in reversed(small[max(0, place - 3) : place]):
            if each in ENDS:
                return False
            if each in NEGATORS:
                return True
        return False

    def one(place):
        if small[place] in NEGATORS:
            return 0.0
        score = lexicon.get(words[place], lexicon.get(small[place], 0.0))
        last = small[place - 1] if place else ""
        score *= {True: 1.3}.get(last in STRONGER, 1) * {True: 0.7}.get(last in WEAKER, 1)
        return -0.74 * score if turned(place) else score

    return [one(place) for place in range(len(words))]


def _scores(words, lexicon, *, boost=1.3, damp=0.7, turn=-0.74, reach=3, ends=ENDS, silent=True,
            near=1, each=False, small=True):
    seen = [word.lower() if small else word for word in words]
    scores = []
    for place, word in enumerate(words):
        score = lexicon.get(word, lexicon.get(seen[place], 0.0))
        before = seen[max(0, place - reach) : place]
        if silent and seen[place] in NEGATORS:
            score = 0.0
        if any(w in STRONGER for w in before[-near:]):
            score *= boost
        if any(w in WEAKER for w in before[-near:]):
            score *= damp
        start = max((n + 1 for n, w in enumerate(before) if w in ends), default=0)
        times = sum(w in NEGATORS for w in before[start:])
        scores.append(score * turn ** (times if each else min(times, 1)))
    return scores


def mutant_list__one_sum(words, lexicon):
    return [sum(_scores(words, lexicon))]


def mutant_plain__no_small_letters(words, lexicon):
    return _scores(words, lexicon, small=False)


def mutant_plain__counts_signs_only(words, lexicon):
    return [(score > 0) - (score < 0) for score in _scores(words, lexicon)]


def mutant_stronger__no_intensifiers(words, lexicon):
    return _scores(words, lexicon, boost=1.0)


def mutant_weaker__no_dampers(words, lexicon):
    return _scores(words, lexicon, damp=1.0)


def mutant_far_stronger__anywhere_before(words, lexicon):
    return _scores(words, lexicon, near=3)


def mutant_negated__the_opposite(words, lexicon):
    return _scores(words, lexicon, turn=-1.0)


def mutant_negated__none(words, lexicon):
    return _scores(words, lexicon, turn=1.0)


def mutant_window__two_words(words, lexicon):
    return _scores(words, lexicon, reach=2)


def mutant_window__the_whole_sentence(words, lexicon):
    return _scores(words, lexicon, reach=50)


def mutant_clause__never_ends(words, lexicon):
    return _scores(words, lexicon, ends=set())


def mutant_clause__marks_only(words, lexicon):
    return _scores(words, lexicon, ends=ENDS - {"but"})


def mutant_negator__keeps_its_score(words, lexicon):
    return _scores(words, lexicon, silent=False)


def mutant_twice__turns_for_each(words, lexicon):
    return _scores(words, lexicon, each=True)


def mutant_both__one_or_the_other(words, lexicon):
    plain, turned = _scores(words, lexicon, turn=1.0), _scores(words, lexicon, boost=1.0, damp=1.0)
    return [t if t < 0 < p or p < 0 < t else p for p, t in zip(plain, turned)]
