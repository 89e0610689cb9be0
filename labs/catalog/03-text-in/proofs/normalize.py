import re
import unicodedata

KEPT = "，！？：；（）"


def _narrow(text, kept=KEPT, blank=True):
    text = "".join(chr(ord(c) - 0xFEE0) if "！" <= c <= "～" and c not in kept else c for c in text)
    return text.replace("\u3000", " ") if blank else text


def alternative_nfkc_of_each_sign(text):
    text = re.sub("[！-～]", lambda m: m[0] if m[0] in KEPT else unicodedata.normalize("NFKC", m[0]), text)
    return unicodedata.normalize("NFC", text.replace("\u3000", " ").casefold())


def alternative_loop(text):
    made = []
    for character in text:
        code = ord(character)
        if code == 0x3000:
            character = " "
        elif 0xFF01 <= code <= 0xFF5E and character not in KEPT:
            character = chr(code - 65248)
        made.append(character.casefold())
    return unicodedata.normalize("NFC", "".join(made))


def mutant_width__left(text):
    return unicodedata.normalize("NFC", text.casefold())


def mutant_width__letters_and_digits_only(text):
    text = re.sub("[０-９Ａ-Ｚａ-ｚ]", lambda m: chr(ord(m[0]) - 0xFEE0), text)
    return unicodedata.normalize("NFC", text.casefold())


def mutant_width__blank_left(text):
    return unicodedata.normalize("NFC", _narrow(text, blank=False).casefold())


def mutant_punctuation__all_signs(text):
    return unicodedata.normalize("NFC", _narrow(text, kept="").casefold())


def mutant_punctuation__nfkc(text):
    return unicodedata.normalize("NFKC", text).casefold()


def mutant_case__left(text):
    return unicodedata.normalize("NFC", _narrow(text))


def mutant_fold__lower(text):
    return unicodedata.normalize("NFC", _narrow(text).lower())


def mutant_changed__nfkc_but_for_punctuation(text):
    text = "".join(c if c in KEPT else unicodedata.normalize("NFKC", c) for c in text)
    return unicodedata.normalize("NFC", text.casefold())


def mutant_composed__left_apart(text):
    return _narrow(text).casefold()


def mutant_composed__nfd(text):
    return unicodedata.normalize("NFD", _narrow(text).casefold())


def mutant_order__composed_first(text):
    return _narrow(unicodedata.normalize("NFC", text.casefold())).casefold()


def mutant_not_text__bytes(text):
    return text.encode()
