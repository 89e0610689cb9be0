"""Signing in and out."""

import sys
from typing import Annotated
from urllib.parse import urlsplit

import typer

from practicum_client.commands.options import Json, session_of
from practicum_client.credentials import normal
from practicum_client.errors import ClientError, Exit
from practicum_client.models import Me
from practicum_client.portal import Portal
from practicum_client.session import Session
from practicum_client.transport import is_local


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(login)
    app.command()(logout)
    app.command()(whoami)


def login(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(help="The portal's address.", show_default=False)] = "",
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Read the token from standard input.")
    ] = False,
    _json: Json = False,
) -> None:
    """Sign in with a token from JupyterHub's token page, and keep it for the commands to come."""
    session = session_of(ctx)
    address = normal(url or session.address)
    token = session.token or _ask_for_token(session, address, from_stdin=token_stdin)
    if not token:
        raise ClientError(session.say("No token was given."), code="no-token")
    with Portal(address, token, language=session.language) as portal:
        me = portal.me()
    session.credentials.save(address, token)
    session.show(
        me, lambda: session.done("Signed in to {url} as {name}.", url=address, name=me.name)
    )


def logout(ctx: typer.Context, _json: Json = False) -> None:
    """Forget the token on this machine. It stays valid until it is revoked on the token page."""
    session = session_of(ctx)
    address = session.address
    found = session.credentials.forget(address)
    if session.json:
        session.print_json({"portal": normal(address), "forgotten": found})
    elif found:
        session.done("The token for {url} is forgotten.", url=normal(address))
    else:
        session.done("There was no token for {url}.", url=normal(address))


def whoami(ctx: typer.Context, _json: Json = False) -> None:
    """Show who you are, and what you are in which cohort."""
    session = session_of(ctx)
    me = session.portal.me()
    session.show(me, lambda: _print_me(session, me))


def _print_me(session: Session, me: Me) -> None:
    session.out.print(me.name, style="bold", markup=False)
    if me.admin:
        session.out.print(session.say("administrator"))
    for cohort, role in me.cohorts.items():
        session.out.print(f"{cohort}: {session.say(role)}", markup=False)


def _ask_for_token(session: Session, address: str, *, from_stdin: bool) -> str:
    parts = urlsplit(address)
    if parts.scheme == "http" and not is_local(parts.hostname or ""):
        session.err.print(
            session.say("This address is not encrypted: others may read your token."),
            style="yellow",
        )
    if from_stdin:
        return sys.stdin.readline().strip()
    if not sys.stdin.isatty():
        raise ClientError(
            session.say("There is no terminal to ask for the token."),
            session.say("Pipe it in with --token-stdin, or set PRACTICUM_TOKEN."),
            Exit.SIGN_IN,
            "no-token",
        )
    with Portal(address, "", language=session.language) as portal:
        page = portal.token_page()
    if page:
        session.err.print(session.say("Make a token here: {url}", url=page), markup=False)
    answer: str = typer.prompt(session.say("Token"), hide_input=True, err=True)
    return answer.strip()
