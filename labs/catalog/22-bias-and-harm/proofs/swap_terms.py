import re


def alternative_token_by_token(text, pairs):
    made = []
    for token in re.split(r"(\W+)", text):
        new = _first(token.lower(), pairs)
        if new is None:
            made.append(token)
        elif token.isupper():
            made.append(new.upper())
        else:
            made.append(new.title() if token[0].isupper() else new)
    return "".join(made)


def _first(word, pairs):
    for a, b in pairs:
        if word == a:
            return b
        if word == b:
            return a
    return None


def alternative_placeholders(text, pairs):
    kept = []

    def hold(match):
        word, new = match[0], _first(match[0].lower(), pairs)
        form = str.upper if word.isupper() else str.capitalize if word[0].isupper() else str
        kept.append(form(new))
        return f"\0{len(kept) - 1}\0"

    words = sorted({word for pair in pairs for word in pair}, key=len, reverse=True)
    held = re.sub(r"(?<!\w)(" + "|".join(words) + r")(?!\w)", hold, text, flags=re.I)
    return re.sub("\0(\\d+)\0", lambda m: kept[int(m[1])], held)


def _regex(text, pairs, *, edge=r"\b", case=True, later=False, ways=2):
    other = {}
    for a, b in pairs:
        for x, y in ((a, b), (b, a))[:ways]:
            if later or x not in other:
                other[x] = y

    def new(match):
        word, got = match[0], other[match[0].lower()]
        if not case:
            return got
        return got.upper() if word.isupper() else got.capitalize() if word[0].isupper() else got

    words = "|".join(sorted(other, key=len, reverse=True))
    return re.sub(f"{edge}({words}){edge}", new, text, flags=re.I)


def mutant_chain__two_replacements(text, pairs):
    for a, b in pairs:
        text = re.sub(rf"\b{a}\b", b, text)
        text = re.sub(rf"\b{b}\b", a, text)
    return text


def mutant_chain__one_way(text, pairs):
    return _regex(text, pairs, ways=1)


def mutant_inside__no_word_edges(text, pairs):
    return _regex(text, pairs, edge="")


def mutant_case__all_lower(text, pairs):
    return _regex(text, pairs, case=False)


def mutant_first_pair__dict_overwritten(text, pairs):
    return _regex(text, pairs, later=True)


def mutant_nothing__replace_in_vain(text, pairs):
    for a, b in pairs:
        text.replace(a, b)
    return text


def mutant_value__loses_punctuation(text, pairs):
    return re.sub(r"[.,]", "", _regex(text, pairs))


def mutant_text__a_list_of_words(text, pairs):
    return _regex(text, pairs).split()
