"""What a command works with: the portal, the terminal, the language."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from practicum_client import models
from practicum_client.credentials import Credentials
from practicum_client.errors import ClientError, Exit
from practicum_client.language import Language
from practicum_client.portal import Portal


@dataclass
class Session:
    """One call of the command."""

    url: str = ""
    """The portal's address when it was given; else the one signed in to last."""
    token: str = ""
    json: bool = False
    """Whether a program reads the answer."""
    language: Language = field(default_factory=Language.from_environment)
    credentials: Credentials = field(default_factory=Credentials.from_environment)
    out: Console = field(default_factory=lambda: Console(highlight=False))
    err: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))
    _portal: Portal | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Session":
        """`PRACTICUM_URL` and `PRACTICUM_TOKEN` come before what `login` kept."""
        return cls(url=environ.get("PRACTICUM_URL", ""), token=environ.get("PRACTICUM_TOKEN", ""))

    def say(self, text: str, **values: object) -> str:
        """Return a text in the person's language."""
        return self.language.say(text, **values)

    @property
    def address(self) -> str:
        """The portal's address; raises ClientError when there is none."""
        found = self.url or self.credentials.portal()
        if not found:
            raise self._signed_out()
        return found

    @property
    def portal(self) -> Portal:
        """The portal, signed in; raises ClientError when nobody is."""
        if self._portal is None:
            token = self.token or self.credentials.token(self.address)
            if not token:
                raise self._signed_out()
            self._portal = Portal(self.address, token, language=self.language)
        return self._portal

    def close(self) -> None:
        """Close connections."""
        if self._portal is not None:
            self._portal.close()

    def show(self, found: models.Model, render: Callable[[], Any]) -> None:
        """Print one thing, for a program or for a person."""
        if self.json:
            self.print_json(found.wire())
        else:
            render()

    def show_all(
        self, found: Iterable[models.Model], columns: list[str], row: Callable[[Any], list[str]]
    ) -> None:
        """Print a list, for a program as an array or for a person as a table."""
        items = list(found)
        if self.json:
            self.print_json([item.wire() for item in items])
            return
        if not items:
            self.err.print(self.say("Nothing to show."), style="dim")
            return
        self.print_table(columns, [row(item) for item in items])

    def print_table(self, columns: list[str], rows: list[list[str]]) -> None:
        """Print a table whose column titles are translated."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for place, column in enumerate(columns):
            # What names a row is there to be copied: it is never broken.
            table.add_column(self.say(column), overflow="fold", no_wrap=place == 0)
        for cells in rows:
            table.add_row(*cells)
        self.out.print(table)

    def print_json(self, body: Any) -> None:
        """Print JSON, one value a call, never wrapped."""
        self.out.file.write(json.dumps(body, ensure_ascii=False, indent=None) + "\n")
        self.out.file.flush()

    def done(self, text: str, **values: object) -> None:
        """Tell a person that something was done."""
        if not self.json:
            self.err.print(self.say(text, **values), style="green")

    def fail(self, error: ClientError) -> None:
        """Tell why a command ends."""
        if self.json:
            self.err.file.write(json.dumps({"error": error.wire()}, ensure_ascii=False) + "\n")
            return
        self.err.print(error.message, style="bold red", markup=False)
        for detail in error.details:
            where, what = detail.get("field", ""), detail.get("message", "")
            self.err.print(f"  {where}: {what}", markup=False)
        if error.hint:
            self.err.print(error.hint, markup=False)

    def _signed_out(self) -> ClientError:
        return ClientError(
            self.say("You are not signed in."),
            self.say("Run: practicum login https://<the portal's address>"),
            Exit.SIGN_IN,
            "signed-out",
        )
