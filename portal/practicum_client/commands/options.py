"""Options that several commands share, and what shell completion offers."""

import contextlib
from collections.abc import Callable
from typing import Annotated

import typer

from practicum_client.errors import ClientError
from practicum_client.portal import Portal
from practicum_client.session import Session


def session_of(ctx: typer.Context) -> Session:
    """Return the session of a call."""
    found: Session = ctx.find_root().obj
    return found


def _for_programs(ctx: typer.Context, value: bool) -> bool:
    if value and not ctx.resilient_parsing:
        session_of(ctx).json = True
    return value


def _sandbox_names(incomplete: str) -> list[str]:
    return _names(lambda portal: [sandbox.key for sandbox in portal.sandboxes()], incomplete)


def _cohort_names(incomplete: str) -> list[str]:
    return _names(lambda portal: [cohort.name for cohort in portal.cohorts()], incomplete)


def _names(ask: Callable[[Portal], list[str]], incomplete: str) -> list[str]:
    """Return what the shell may offer; nothing when the portal can't be asked."""
    with (
        contextlib.suppress(ClientError),
        contextlib.closing(Session.from_environment()) as session,
    ):
        return [name for name in ask(session.portal) if name.startswith(incomplete)]
    return []


Json = Annotated[bool, typer.Option("--json", callback=_for_programs, help="Print JSON.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
CohortOption = Annotated[
    str, typer.Option("--cohort", "-c", help="The cohort.", autocompletion=_cohort_names)
]
CohortArgument = Annotated[
    str, typer.Argument(help="The cohort.", autocompletion=_cohort_names, metavar="COHORT")
]
SandboxArgument = Annotated[
    str,
    typer.Argument(
        help="The sandbox: its lab, its name, or cohort/name.",
        autocompletion=_sandbox_names,
        metavar="SANDBOX",
    ),
]
