"""English, and Chinese for those whose environment says so."""

import os
from collections.abc import Mapping

from practicum_client.chinese import CHINESE


class Language:
    """One of the two languages of the course."""

    def __init__(self, tag: str) -> None:
        self.tag = tag

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Language":
        """The first of PRACTICUM_LANG, LC_ALL, LC_MESSAGES and LANG that is set decides."""
        names = ("PRACTICUM_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
        chosen = next((environ[name] for name in names if environ.get(name)), "")
        return cls("zh" if chosen.lower().startswith("zh") else "en")

    @property
    def accepts(self) -> str:
        """The value of Accept-Language."""
        return "zh-CN,zh;q=0.9,en;q=0.5" if self.tag == "zh" else "en"

    def say(self, text: str, **values: object) -> str:
        """Return ``text`` in this language, with its values filled in."""
        said = CHINESE.get(text, text) if self.tag == "zh" else text
        return said.format(**values) if values else said
