import html
import re
import unicodedata
from itertools import groupby

MARKS = "！？!?，。、~～"


def _visible(text, kept="\u200d"):
    return "".join(c for c in text if c in kept or c.isspace() or unicodedata.category(c) not in ("Cc", "Cf"))


def _clean(text, *, tag=r"</?[a-zA-Z][^<>]*>", entities=html.unescape, visible=_visible,
           address=r"https?://[!-~]+", mark=r"([！？!?，。、~～])\1+", blanks=True):
    text = re.sub(tag, "", re.sub(r"<br\s*/?>", " ", text))
    text = visible(entities(text))
    text = re.sub(mark, r"\1", re.sub(address, "", text))
    return " ".join(text.split()) if blanks else text.strip()


def alternative_loops(text):
    text = re.sub(r"<br\s*/?>", " ", text)
    text = html.unescape(re.sub(r"<[/a-zA-Z][^<>]*>", "", text))
    kept = []
    for character in text:
        if character in "\t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85":
            character = " "
        if unicodedata.category(character) in {"Cc", "Cf"} and character != "\u200d":
            continue
        kept.append(character)
    text = re.sub(r"https?://[\x21-\x7e]+", "", "".join(kept))
    for mark in MARKS:
        text = re.sub(re.escape(mark) + "{2,}", mark, text)
    return re.sub(r"\s+", " ", text).strip()


def alternative_marks_by_group(text):
    text = html.unescape(re.sub(r"</?[a-zA-Z][^<>]*>", "", re.sub(r"<br\s*/?>", " ", text)))
    text = re.sub(r"https?://[!-~]+", "", _visible(text))
    runs = ["".join(run) for _, run in groupby(text)]
    return " ".join("".join(run[0] if run[0] in MARKS else run for run in runs).split())


def mutant_tags__left_in(text):
    return _clean(text, tag=r"$^")


def mutant_tags__without_attributes(text):
    return _clean(text, tag=r"</?[a-zA-Z]+>")


def mutant_ate_text__whatever_stands_between(text):
    return _clean(text, tag=r"<[^>]*>?")


def mutant_ate_text__joins_of_emoji(text):
    return _clean(text, visible=lambda text: _visible(text, kept=""))


def mutant_ate_text__every_sign_once(text):
    return _clean(text, mark=r"([^\w\s])\1+")


def mutant_entities__only_four(text):
    def some(text):
        for name, sign in (("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
            text = text.replace(name, sign)
        return text

    return _clean(text, entities=some)


def mutant_escaped__entities_first(text):
    return _clean(html.unescape(text))


def mutant_invisible__left_in(text):
    return _clean(text, visible=str)


def mutant_invisible__only_zero_width_blanks(text):
    return _clean(text, visible=lambda text: re.sub("[\u200b\ufeff]", "", text))


def mutant_hidden__before_entities(text):
    return _clean(_visible(text), visible=str)


def mutant_address__left_in(text):
    return _clean(text, address=r"$^")


def mutant_address__up_to_the_question_mark(text):
    return _clean(text, address=r"https?://[\w./]+")


def mutant_too_far__up_to_a_blank(text):
    return _clean(text, address=r"https?://\S+")


def mutant_marks__left(text):
    return _clean(text, mark=r"$^()")


def mutant_marks__any_of_them(text):
    return _clean(text, mark=r"([！？!?，。、~～])[！？!?，。、~～]+")


def mutant_blanks__newlines_stay(text):
    return _clean(text, blanks=False)


def mutant_together__marks_first(text):
    return _clean(re.sub(r"([！？!?，。、~～])\1+", r"\1", text), mark=r"$^()")


def mutant_not_text__words(text):
    return _clean(text).split()
