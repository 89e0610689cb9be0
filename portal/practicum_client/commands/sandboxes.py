"""Sandboxes: list, start, stop, open, extend, restart, reset, delete, watch."""

import webbrowser
from typing import Annotated

import typer

from practicum_client.commands import find, live
from practicum_client.commands.options import (
    CohortOption,
    Json,
    SandboxArgument,
    Yes,
    session_of,
)
from practicum_client.commands.words import ago, deadline, phase
from practicum_client.errors import ClientError
from practicum_client.models import Sandbox
from practicum_client.session import Session

app = typer.Typer(name="sandbox", no_args_is_help=True, help="Your sandboxes.")

Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Watch until it runs.")]


@app.command("list")
def list_sandboxes(
    ctx: typer.Context,
    cohort: CohortOption = "",
    owner: Annotated[str, typer.Option(help="Those of this person, in a cohort you teach.")] = "",
    _json: Json = False,
) -> None:
    """List your sandboxes; with --cohort everyone's, if you teach it."""
    session = session_of(ctx)
    session.show_all(
        session.portal.sandboxes(cohort=cohort, owner=owner),
        ["Sandbox", "Owner", "Lab", "State", "Until", "Last active"],
        lambda item: [
            item.key,
            item.owner,
            item.lab,
            phase(session, item),
            deadline(session, item),
            ago(session, item.last_activity),
        ],
    )


@app.command()
def start(
    ctx: typer.Context,
    lab: Annotated[str, typer.Argument(help="The lab.")],
    cohort: CohortOption = "",
    owner: Annotated[str, typer.Option(help="For this trainee of a cohort you teach.")] = "",
    wait: Wait = True,
    _json: Json = False,
) -> None:
    """Make your sandbox of a lab run: a new one, or the one you have. Safe to repeat."""
    session = session_of(ctx)
    room = cohort or find.cohort_of(session, lab)
    _finish(session, session.portal.start(room, lab, owner=owner), wait=wait)


@app.command()
def stop(
    ctx: typer.Context, sandbox: SandboxArgument, cohort: CohortOption = "", _json: Json = False
) -> None:
    """Suspend a sandbox. Its files are kept."""
    session = session_of(ctx)
    found = _act(session, sandbox, cohort, "suspend")
    session.show(found, lambda: session.done("{name} is being suspended.", name=found.key))


@app.command("open")
def open_sandbox(
    ctx: typer.Context,
    sandbox: SandboxArgument,
    cohort: CohortOption = "",
    browser: Annotated[bool, typer.Option(help="Open a browser beside printing.")] = True,
    _json: Json = False,
) -> None:
    """Open JupyterLab in the browser and print its address."""
    session = session_of(ctx)
    found = find.sandbox(session, sandbox, cohort)
    if not found.url:
        raise ClientError(
            session.say("{name} does not run.", name=found.key),
            session.say("Start it: practicum sandbox start {lab}", lab=found.lab),
            code="not-running",
        )
    address = found.url
    session.show(found, lambda: session.out.print(address, markup=False, soft_wrap=True))
    if browser and not session.json:
        webbrowser.open(address)


@app.command()
def extend(
    ctx: typer.Context,
    sandbox: SandboxArgument,
    cohort: CohortOption = "",
    minutes: Annotated[int, typer.Option(min=1, max=1440, help="Minutes to add.")] = 60,
    _json: Json = False,
) -> None:
    """Give a sandbox more time, as far as its lab allows."""
    session = session_of(ctx)
    key = find.sandbox(session, sandbox, cohort)
    found = session.portal.act(key.cohort, key.name, "extend", {"minutes": minutes})
    until = found.deadline.astimezone().strftime("%Y-%m-%d %H:%M") if found.deadline else ""
    session.show(
        found, lambda: session.done("{name} runs until {until}.", name=found.key, until=until)
    )


@app.command()
def restart(
    ctx: typer.Context,
    sandbox: SandboxArgument,
    cohort: CohortOption = "",
    yes: Yes = False,
    wait: Wait = True,
    _json: Json = False,
) -> None:
    """Start a sandbox anew. What runs in it ends; its files are kept."""
    session = session_of(ctx)
    found = find.sandbox(session, sandbox, cohort)
    if found.phase == "Running":
        _confirm(session, "What runs in {name} will end. Go on?", found, yes=yes)
    _finish(session, session.portal.act(found.cohort, found.name, "restart"), wait=wait)


@app.command()
def reset(
    ctx: typer.Context,
    sandbox: SandboxArgument,
    cohort: CohortOption = "",
    yes: Yes = False,
    _json: Json = False,
) -> None:
    """Lay the lab's files anew. Yours are moved aside and never lost."""
    session = session_of(ctx)
    found = find.sandbox(session, sandbox, cohort)
    _confirm(session, "Lay the lab's files of {name} anew?", found, yes=yes)
    found = session.portal.act(found.cohort, found.name, "reset")
    session.show(found, lambda: session.done("{name} gets fresh files.", name=found.key))


@app.command()
def delete(
    ctx: typer.Context,
    sandbox: SandboxArgument,
    cohort: CohortOption = "",
    workspace: Annotated[
        bool, typer.Option("--workspace", help="Its files too, for ever.")
    ] = False,
    yes: Yes = False,
    _json: Json = False,
) -> None:
    """Delete a sandbox. Its files stay for the next one, unless you say --workspace."""
    session = session_of(ctx)
    found = find.sandbox(session, sandbox, cohort)
    question = (
        "Delete {name} and all its files, for ever?"
        if workspace
        else "Delete {name}? Its files stay."
    )
    _confirm(session, question, found, yes=yes)
    session.portal.delete(found.cohort, found.name, workspace=workspace)
    session.show(found, lambda: session.done("{name} is being deleted.", name=found.key))


@app.command()
def watch(
    ctx: typer.Context,
    sandbox: SandboxArgument,
    cohort: CohortOption = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until it is gone.")] = False,
    _json: Json = False,
) -> None:
    """Watch the stages of a start until it runs. With --json and --follow, a line a change."""
    session = session_of(ctx)
    found = find.sandbox(session, sandbox, cohort)
    _report(session, live.until_settled(session, found, follow=follow))


def _act(session: Session, text: str, cohort: str, verb: str) -> Sandbox:
    found = find.sandbox(session, text, cohort)
    return session.portal.act(found.cohort, found.name, verb)


def _finish(session: Session, sandbox: Sandbox, *, wait: bool) -> None:
    if wait:
        _report(session, live.until_settled(session, sandbox))
        return
    session.show(sandbox, lambda: session.done("{name} is starting.", name=sandbox.key))


def _report(session: Session, sandbox: Sandbox) -> None:
    if session.json:
        session.print_json(sandbox.wire())
    elif sandbox.url:
        session.out.print(sandbox.url, markup=False, soft_wrap=True)
    live.succeed(session, sandbox)


def _confirm(session: Session, question: str, sandbox: Sandbox, *, yes: bool) -> None:
    if not yes:
        typer.confirm(session.say(question, name=sandbox.key), abort=True, err=True)
