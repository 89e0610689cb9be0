"""What every view shares: the model base, pages of a list, and texts in two languages."""

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

Item = TypeVar("Item")


class View(BaseModel):
    """One thing to show: snake_case on the wire, immutable."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class LocalText(View):
    """A text in the languages of the course."""

    en: str
    """English."""
    zh: str = ""
    """Simplified Chinese; empty when there is none."""

    def in_language(self, language: str) -> str:
        """Return the text in ``language`` (`en` or `zh`), or in English."""
        return (self.zh or self.en) if language.startswith("zh") else self.en


class Page(View, Generic[Item]):
    """One page of a list."""

    items: tuple[Item, ...]
    """What is on this page."""
    next: str | None = None
    """The `cursor` of the following page; null on the last."""


class State(View):
    """Whether something is in order, and why not."""

    ready: bool
    """Whether all that is asked for is there."""
    reason: str = ""
    """Why, in one word of the documented list (`practicum_api.reasons`)."""
    message: str = ""
    """Why, for a person, with what to do."""
