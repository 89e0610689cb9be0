"""Languages of the pages: catalogues, and how moments, spans and numbers are written."""

import io
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from babel.core import Locale
from babel.dates import format_datetime, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations
from babel.units import format_unit

from practicum_portal.identity import Language

CATALOGUE = Path(__file__).parent.parent / "i18n" / "zh_CN" / "LC_MESSAGES" / "messages.po"
LOCALES: dict[Language, Locale] = {"en": Locale("en"), "zh": Locale("zh", "CN", "Hans")}
TAGS: dict[Language, str] = {"en": "en", "zh": "zh-CN"}
"""What stands in an HTML `lang`."""
NAMES: dict[Language, str] = {"en": "English", "zh": "中文"}
"""What a language calls itself."""
PLACE = re.compile(r"%\((\d)\)s")
"""Where a value goes in a message that was collected from an f-string."""
NOTHING = "\N{EN DASH}"
"""What stands where there is no figure."""
_PLAIN = (1e-3, 1e6)
"""Sizes of figures that are written without a power of ten."""
_SIZES = ("B", "KiB", "MiB", "GiB", "TiB")
_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


@cache
def translations(language: Language) -> NullTranslations:
    """Return the catalogue of ``language``, compiled in memory from its `.po` file."""
    if language == "en":
        return NullTranslations()
    compiled = io.BytesIO()
    with CATALOGUE.open("rb") as file:
        write_mo(compiled, read_po(file, locale="zh_CN"))
    compiled.seek(0)
    return Translations(compiled)


def as_pattern(message: str) -> re.Pattern[str] | None:
    """Return what finds the values of a message with numbered places; None without places."""
    if not PLACE.search(message):
        return None
    pieces = PLACE.split(message)
    texts = [re.escape(piece) if index % 2 == 0 else "(.+)" for index, piece in enumerate(pieces)]
    return re.compile("".join(texts), re.DOTALL)


@dataclass(frozen=True)
class Writer:
    """How one language writes texts, moments, spans and numbers."""

    language: Language

    @property
    def locale(self) -> Locale:
        """Babel's locale."""
        return LOCALES[self.language]

    def text(self, message: str, **values: object) -> str:
        """Return ``message`` in this language with ``values`` filled in."""
        found = str(translations(self.language).ugettext(message)) if message else ""
        return found % values if values else found

    def number(self, value: float) -> str:
        """Return a figure for people: grouped, at most two decimals."""
        if not math.isfinite(value):
            return self.metric(value)
        return format_decimal(round(value, 2), locale=self.locale)

    def metric(self, value: float | None) -> str:
        """Return a metric with four significant digits, small and large ones as powers."""
        if value is None:
            return NOTHING
        if not math.isfinite(value):
            return "NaN" if math.isnan(value) else ("∞" if value > 0 else "-∞")
        if value and not _PLAIN[0] <= abs(value) < _PLAIN[1]:
            return f"{value:.3g}"
        digits = 0 if value == 0 else max(0, 3 - math.floor(math.log10(abs(value))))
        return format_decimal(round(value, digits), format="#,##0.######", locale=self.locale)

    def size(self, amount: float) -> str:
        """Return bytes in binary units."""
        power = 0 if amount < 1 else min(len(_SIZES) - 1, int(math.log(amount, 1024)))
        return f"{self.number(round(amount / 1024**power, 1))} {_SIZES[power]}"

    def unit(self, amount: float, name: str) -> str:
        """Return an amount of time such as `3 hr`; ``name`` is day, hour, minute or second."""
        return format_unit(round(amount, 1), f"duration-{name}", "short", locale=self.locale)

    def hours(self, amount: float | None) -> str:
        """Return an amount of hours, or a dash when it is not known."""
        return NOTHING if amount is None else self.unit(amount, "hour")

    def span(self, seconds: float) -> str:
        """Return a span in its two largest units, such as `2 hr 5 min`."""
        rest = max(0, int(seconds))
        parts: list[tuple[int, str]] = []
        for name, length in _UNITS:
            count, rest = divmod(rest, length)
            if count or parts:
                parts.append((count, name))
        shown = [part for part in parts[:2] if part[0]] or [(0, "second")]
        return " ".join(self.unit(count, name) for count, name in shown)

    def ago(self, moment: datetime, now: datetime) -> str:
        """Return how far ``moment`` is from ``now``: `5 minutes ago`, `in 2 hours`."""
        return format_timedelta(moment - now, add_direction=True, locale=self.locale)

    def moment(self, moment: datetime) -> str:
        """Return date and time in UTC; the browser writes it in its own zone."""
        written = format_datetime(moment.astimezone(UTC), "medium", locale=self.locale)
        return f"{written} UTC"
