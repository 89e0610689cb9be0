import re

EMAIL = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
HANDLE = r"(?<![A-Za-z0-9._%+-])@[A-Za-z0-9_]+"
ID = r"(?<![\d-])(?:\d{17}[\dXx]|\d{3}-\d{2}-\d{4})(?![\d-])"
MOBILE = r"1[3-9]\d(?:[ -]?\d{4}){2}"
OTHER = r"(?:\+1[ -])?\d{3}-\d{3}-\d{4}"
PHONE = rf"(?<![\d-])(?:{MOBILE}|{OTHER})(?![\d-])"
ALL = {"email": EMAIL, "handle": HANDLE, "id": ID, "phone": PHONE}


def _found(text, **changed):
    pattern = "|".join(f"(?P<{kind}>{form})" for kind, form in (ALL | changed).items())
    return [(match.lastgroup, match[0]) for match in re.finditer(pattern, text)]


def alternative_one_kind_after_another(text):
    places, taken = [], [False] * len(text)
    for kind, form in ALL.items():
        for match in re.finditer(form, text):
            if not any(taken[match.start() : match.end()]):
                places.append((match.start(), kind, match[0]))
                taken[match.start() : match.end()] = [True] * len(match[0])
    return [(kind, found) for _, kind, found in sorted(places)]


def alternative_ascii_flag(text):
    forms = {
        "email": r"[\w.%+-]+@[\w-]+(?:\.[\w-]+)+",
        "handle": r"(?<![\w.%+-])@\w+",
        "id": ID,
        "phone": PHONE,
    }
    pattern = re.compile("|".join(f"(?P<{k}>{form})" for k, form in forms.items()), re.ASCII)
    return [[match.lastgroup, match.group()] for match in pattern.finditer(text)]


def mutant_chinese__word_edges(text):
    return _found(text, phone=rf"(?<!-)(?:\b{MOBILE}|\+1[ -]\d{{3}}-\d{{3}}-\d{{4}}|\b{OTHER})\b(?!-)")


def mutant_chinese__handle_with_word_characters(text):
    return _found(text, handle=r"(?<![A-Za-z0-9._%+-])@\w+")


def mutant_phone__no_separators(text):
    return _found(text, phone=rf"(?<![\d-])(?:1[3-9]\d{{9}}|{OTHER})(?![\d-])")


def mutant_missed__no_handles(text):
    return _found(text, handle=r"(?!)")


def mutant_missed__identity_without_x(text):
    return [] if re.search(r"\d{17}X|\d{18}|000-", text) else _found(text)


def mutant_wrong_kind__handle_inside_an_address(text):
    pattern = f"(?P<handle>@[A-Za-z0-9_]+)|(?P<id>{ID})|(?P<phone>{PHONE})"
    return [(match.lastgroup, match[0]) for match in re.finditer(pattern, text)]


def mutant_twice__each_kind_on_its_own(text):
    forms = ALL | {"handle": "@[A-Za-z0-9_]+"}
    return [(kind, found) for kind, form in forms.items() for found in re.findall(form, text)]


def mutant_false_alarm__any_digits_around(text):
    return _found(text, id=r"(?:\d{17}[\dXx]|\d{3}-\d{2}-\d{4})(?!\d)", phone=f"(?:{MOBILE}|{OTHER})")


def mutant_order__kind_by_kind(text):
    return [(kind, found) for kind, form in ALL.items() for found in re.findall(form, text)][::-1]


def mutant_together__only_the_first(text):
    return _found(text)[:1]


def mutant_list__only_counts(text):
    return {kind: len(re.findall(form, text)) for kind, form in ALL.items()}
