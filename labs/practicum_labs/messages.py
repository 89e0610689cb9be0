"""What the toolkit says to people, in English and Chinese."""

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

LANGUAGES = ("en", "zh")
_spoken = ["en"]


def language_of(tag: str) -> str:
    """Return the language we speak for a tag such as ``zh-CN``: ``zh``, else ``en``."""
    return "zh" if tag.lower().startswith("zh") else "en"


@cache
def _catalogue(language: str) -> dict[str, str]:
    text = files("practicum_labs").joinpath("catalogues", f"{language}.yaml").read_text("utf-8")
    catalogue: dict[str, str] = yaml.safe_load(text)
    return catalogue


def speak(language: str) -> None:
    """Have this process speak ``language`` where nothing else is asked for."""
    _spoken[0] = language_of(language)


def spoken() -> str:
    """Return the language this process speaks."""
    return _spoken[0]


def say(key: str, language: str = "", **facts: Any) -> str:
    """Return the toolkit's sentence ``key`` with ``facts`` filled in."""
    return _catalogue(language_of(language or spoken()))[key].format(**facts)
