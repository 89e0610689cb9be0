"""Frames: what every page knows about who looks at it, and the renderer that fills templates."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from practicum_api.base import parse_duration
from practicum_portal.identity import Language, Person
from practicum_portal.pages import cards, charts, tables, wording
from practicum_portal.pages.assets import asset_url
from practicum_portal.pages.languages import NAMES, TAGS, Writer, translations
from practicum_portal.pages.server_texts import server_text
from practicum_portal.pages.wording import Look, N
from practicum_portal.views.base import View
from practicum_portal.views.sandboxes import SandboxView

TEMPLATES = Path(__file__).parent.parent / "templates"

FLASHES = {
    "start": Look(N("It is starting. You can watch here or come back later."), "good", "check"),
    "suspend": Look(N("It is being suspended. Your files are kept."), "good", "check"),
    "extend": Look(N("The time is extended."), "good", "check"),
    "restart": Look(N("A new start is under way. Your files are kept."), "good", "check"),
    "reset": Look(
        N("Fresh lab files are on their way; your old ones are moved aside."), "good", "check"
    ),
    "reset-later": Look(
        N("Fresh lab files come when you resume it; your old ones are moved aside then."),
        "good",
        "check",
    ),
    "delete": Look(N("It is being deleted. The files of its workspace are kept."), "good", "check"),
    "delete-all": Look(N("It is being deleted with all its files."), "good", "check"),
    "run-delete": Look(N("The run is removed."), "good", "check"),
    "roster": Look(N("The roster is imported."), "good", "check"),
    "cohort": Look(N("The cohort is made. Import its roster next."), "good", "check"),
}
"""What a page says after something was done, by the word in the flash cookie."""


@dataclass(frozen=True)
class Link:
    """An entry of the navigation."""

    href: str
    label: str
    current: bool


@dataclass(frozen=True)
class Frame:
    """What every page knows: who looks, in which language, when and where."""

    language: Language
    path: str
    now: datetime
    query: str = ""
    origin: str = ""
    """The page that sent a form, when the address itself can't be opened."""
    person: Person | None = None
    hub_url: str = ""
    flash_word: str = ""
    has_session: bool = False
    stale: bool = False
    """Whether Kubernetes has not been heard of for a while, so that states may be old."""

    @property
    def lang(self) -> str:
        """The page's language as HTML names it."""
        return TAGS[self.language]

    @property
    def here(self) -> str:
        """Path and query of this page, or of the page that sent the form."""
        return self.origin or (f"{self.path}?{self.query}" if self.query else self.path)

    @property
    def csrf_token(self) -> str:
        """What forms send back; empty for a stranger."""
        return self.person.csrf_token if self.person else ""

    @property
    def flash(self) -> Look | None:
        """What to say about what was just done."""
        return FLASHES.get(self.flash_word)

    @property
    def other_language(self) -> str:
        """What the language to switch to calls itself."""
        return NAMES[self._other]

    @property
    def other_lang(self) -> str:
        """The language to switch to, as HTML names it."""
        return TAGS[self._other]

    @property
    def other_language_href(self) -> str:
        """Where the language is switched; it comes back here."""
        return f"/language/{self._other}?next={quote(self.here, safe='')}"

    @property
    def _other(self) -> Language:
        return "zh" if self.language == "en" else "en"

    @property
    def sign_in_href(self) -> str:
        """Where one signs in; it comes back here."""
        return f"/login?next={quote(self.here, safe='')}"

    @property
    def offers_sign_in(self) -> bool:
        """Whether the header has a sign-in button: never a second one."""
        return self.person is None and self.path != "/" and not self.has_session

    @property
    def navigation(self) -> tuple[Link, ...]:
        """The sections that this person may open."""
        entries = [("/", N("My labs")), ("/runs", N("Runs"))]
        if self.person and self.person.is_instructor:
            entries.append(("/cohorts", N("Cohorts")))
        if self.person and self.person.admin:
            entries.append(("/admin", N("Admin")))
        return tuple(Link(href, label, self._is_in(href)) for href, label in entries)

    def _is_in(self, href: str) -> bool:
        if href == "/":
            return self.path == "/" or self.path.startswith("/sandboxes")
        return self.path == href or self.path.startswith(href + "/")


def sandbox_href(sandbox: SandboxView) -> str:
    """Return the path of a sandbox's page."""
    return f"/sandboxes/{quote(sandbox.cohort)}/{quote(sandbox.name)}"


class Renderer:
    """Fills templates in the frame's language."""

    def __init__(self) -> None:
        self._environments = {lang: _environment(lang) for lang in ("en", "zh")}

    def html(self, template: str, frame: Frame, context: Mapping[str, object]) -> str:
        """Return ``template`` filled with ``context``; what it names must be there."""
        environment = self._environments[frame.language]
        return environment.get_template(template).render(frame=frame, **context)


def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(  # type: ignore[attr-defined]
        translations(language), newstyle=True
    )
    writer = Writer(language)
    environment.filters.update(
        ago=writer.ago,
        duration=lambda text: writer.span(parse_duration(text).total_seconds()),
        hours=writer.hours,
        iso=lambda moment: moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        metric=writer.metric,
        moment=writer.moment,
        number=writer.number,
        size=writer.size,
        server_text=lambda text: server_text(text, language),
        span=writer.span,
        unit=writer.unit,
        views_json=_views_json,
    )
    environment.tests["starting"] = cards.is_starting
    environment.globals.update(
        cards=cards,
        charts=charts,
        sandbox_href=sandbox_href,
        static=asset_url,
        tables=tables,
        wording=wording,
        latest={},
        show_cohort=False,
    )
    return environment


def _views_json(views: Iterable[View]) -> Markup:
    """Return ``views`` as JSON that may stand in a page's data block."""
    return htmlsafe_json_dumps([view.model_dump(mode="json") for view in views])
