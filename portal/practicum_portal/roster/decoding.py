"""From the bytes of a roster file to its text, whatever the spreadsheet made of it."""

from dataclasses import dataclass

from practicum_portal.roster.problems import problem
from practicum_portal.views.cohorts import RosterProblem

_SAVE_AS = "In the spreadsheet choose “Save as” and the type “CSV UTF-8”."
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_COMMON = (0xB0, 0xD7)
_COMMON_SHARE = 0.7
_ASCII = 0x7F


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text, or None with the reason in ``problems``; with a text they are warnings."""

    text: str | None
    encoding: str
    problems: tuple[RosterProblem, ...] = ()


def decode(content: bytes) -> Decoded:
    """Read UTF-8, UTF-16, or GBK where that can be told for sure; refuse everything else."""
    for mark, name in _MARKS:
        if content.startswith(mark):
            return _strictly(content, name)
    if b"\x00" in content[:200]:
        big = content[:200:2].count(0) > content[1:200:2].count(0)
        return _strictly(content, "utf-16-be" if big else "utf-16-le")
    decoded = _strictly(content, "utf-8")
    return decoded if decoded.text is not None else (_chinese(content) or decoded)


def _strictly(content: bytes, name: str) -> Decoded:
    try:
        return Decoded(content.decode(name), name.removesuffix("-sig"))
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        message = f"The file is not UTF-8: line {row} can't be read."
        return Decoded(None, "unknown", (problem(row, "", "encoding", "", message, _SAVE_AS),))


def _chinese(content: bytes) -> Decoded | None:
    """Read GBK when it can hardly be anything else.

    Bytes of other encodings are Chinese characters as well, but seldom common ones.
    """
    try:
        text = content.decode("gb18030")
    except UnicodeDecodeError:
        return None
    letters = [letter for letter in text if ord(letter) > _ASCII]
    if not all(_is_plain(letter) for letter in letters):
        return None
    if sum(_is_common(letter) for letter in letters) < _COMMON_SHARE * len(letters):
        return None
    warning = problem(
        0,
        "",
        "encoding",
        "gb18030",
        "The file is not UTF-8; it was read as GBK.",
        f"Look whether the names are right. If not: {_SAVE_AS}",
    )
    return Decoded(text, "gb18030", (warning,))


def _is_plain(letter: str) -> bool:
    """Whether GB 2312, the set of everyday characters, has it."""
    try:
        letter.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _is_common(letter: str) -> bool:
    """Whether it is one of the 3755 most common characters, which GB 2312 has in front."""
    return _COMMON[0] <= letter.encode("gb2312")[0] <= _COMMON[1]
