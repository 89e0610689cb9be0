"""Server texts: errors and roster problems, which services write in English, in other languages."""

import re
from functools import cache

from practicum_portal.identity import Language
from practicum_portal.pages.languages import Writer, as_pattern, translations


def server_text(text: str, language: Language) -> str:
    """Return a text of an error in ``language``; as it is when the catalogue has none."""
    if language == "en" or not text:
        return text
    found = Writer(language).text(text)
    if found != text:
        return found
    for pattern, translated in _patterns(language):
        match = pattern.fullmatch(text)
        if match is not None:
            values = [server_text(value, language) for value in match.groups()]
            return translated % {str(place): value for place, value in enumerate(values, 1)}
    return text


@cache
def _patterns(language: Language) -> list[tuple["re.Pattern[str]", str]]:
    """Return the messages that have values, the most specific first, with their translations."""
    catalog: dict[object, str] = getattr(translations(language), "_catalog", {})
    found = [
        (pattern, translated, len(message))
        for message, translated in catalog.items()
        if isinstance(message, str) and (pattern := as_pattern(message)) is not None
    ]
    found.sort(key=lambda item: -item[2])
    return [(pattern, translated) for pattern, translated, _ in found]
