"""Which of the two languages a browser asks for."""

LANGUAGES = ("en", "zh-CN")


def choose(accept_language: str) -> str:
    """Return the language that an Accept-Language header prefers; English when it says neither."""
    best, weight = LANGUAGES[0], 0.0
    for part in accept_language.split(","):
        tag, _, parameters = part.strip().partition(";")
        language = _ours(tag.strip().lower())
        quality = _quality(parameters)
        if language and quality > weight:
            best, weight = language, quality
    return best


def _ours(tag: str) -> str | None:
    spoken = tag.partition("-")[0]
    return next((ours for ours in LANGUAGES if ours.partition("-")[0] == spoken), None)


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
