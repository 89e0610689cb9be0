import math


def alternative_memo(text, logp, longest, unknown):
    known = {len(text): (0.0, [])}

    def best(begin):
        if begin not in known:
            ways = []
            for end in range(begin + 1, min(len(text), begin + longest) + 1):
                word = text[begin:end]
                if word in logp or len(word) == 1:
                    score, rest = best(end)
                    ways.append((logp.get(word, unknown) + score, [word, *rest]))
            known[begin] = max(ways, key=lambda way: way[0])
        return known[begin]

    return best(0)[1]


def alternative_forward(text, logp, longest, unknown):
    best = [(-math.inf, 0)] * (len(text) + 1)
    best[0] = (0.0, 0)
    for begin in range(len(text)):
        for length in range(1, min(longest, len(text) - begin) + 1):
            word = text[begin : begin + length]
            gain = logp.get(word, -math.inf if length > 1 else unknown)
            best[begin + length] = max(best[begin + length], (best[begin][0] + gain, begin))
    words, end = [], len(text)
    while end > 0:
        begin = best[end][1]
        words.insert(0, text[begin:end])
        end = begin
    return words


def _viterbi(text, longest, score_of):
    best = [0.0] + [-math.inf] * len(text)
    came = [0] * (len(text) + 1)
    for end in range(1, len(text) + 1):
        for begin in range(max(0, end - longest), end):
            score = best[begin] + score_of(text[begin:end])
            if score > best[end]:
                best[end], came[end] = score, begin
    words, end = [], len(text)
    while end:
        words.append(text[came[end] : end])
        end = came[end]
    return words[::-1]


def mutant_greedy__maximum_matching(text, logp, longest, unknown):
    found, at = [], 0
    while at < len(text):
        for end in range(min(len(text), at + longest), at, -1):
            if end == at + 1 or text[at:end] in logp:
                break
        found.append(text[at:end])
        at = end
    return found


def mutant_fewest__words(text, logp, longest, unknown):
    return _viterbi(text, longest, lambda w: -1.0 if w in logp or len(w) == 1 else -math.inf)


def mutant_lost__backwards(text, logp, longest, unknown):
    return alternative_forward(text, logp, longest, unknown)[::-1]


def mutant_lost__unknown_characters(text, logp, longest, unknown):
    return [word for word in alternative_forward(text, logp, longest, unknown) if word in logp]


def mutant_empty__begins_with_nothing(text, logp, longest, unknown):
    return ["", *alternative_forward(text, logp, longest, unknown)]


def mutant_no_word__unknown_of_any_length(text, logp, longest, unknown):
    return _viterbi(text, longest, lambda word: logp.get(word, unknown))


def mutant_not_best__probabilities_added(text, logp, longest, unknown):
    def share(word):
        return math.exp(logp.get(word, unknown if len(word) == 1 else -math.inf))

    best = [0.0] * (len(text) + 1)
    came = list(range(-1, len(text)))
    for end in range(1, len(text) + 1):
        for begin in range(max(0, end - longest), end):
            if share(text[begin:end]) > 0 and best[begin] + share(text[begin:end]) > best[end]:
                best[end], came[end] = best[begin] + share(text[begin:end]), begin
    words, end = [], len(text)
    while end:
        words.append(text[came[end] : end])
        end = came[end]
    return words[::-1]


def mutant_not_best__single_characters(text, logp, longest, unknown):
    return list(text)


def mutant_not_words__ends(text, logp, longest, unknown):
    return [len(word) for word in alternative_forward(text, logp, longest, unknown)]
