"""Cohorts: list, import a roster, members, the table, usage."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from practicum_client.charts import number
from practicum_client.commands.options import CohortArgument, Json, session_of
from practicum_client.commands.words import ago, hours, phase
from practicum_client.errors import ClientError
from practicum_client.models import CohortUsage, RosterReport, TableRow
from practicum_client.session import Session

app = typer.Typer(name="cohort", no_args_is_help=True, help="Cohorts and their people.")


@app.command("list")
def list_cohorts(ctx: typer.Context, _json: Json = False) -> None:
    """List your cohorts."""
    session = session_of(ctx)
    session.show_all(
        session.portal.cohorts(),
        ["Cohort", "Name", "You are", "People", "Running", "Waiting", "State"],
        lambda item: [
            item.name,
            item.display_name,
            session.say(item.role),
            str(item.members),
            str(item.sandboxes.running),
            str(item.sandboxes.queued),
            session.say("ready") if item.state.ready else f"[red]{escape(item.state.message)}[/]",
        ],
    )


@app.command("import")
def import_roster(
    ctx: typer.Context,
    cohort: CohortArgument,
    file: Annotated[Path, typer.Argument(help="A CSV file, or - for standard input.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take off who is not in the file.")
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Write good lines though others are bad.")
    ] = False,
    _json: Json = False,
) -> None:
    """Put the people of a CSV file on the roster and make their accounts. Safe to repeat.

    The first line names the columns: user, and if wanted name, role (trainee or instructor), email.
    """
    session = session_of(ctx)
    report = session.portal.import_roster(
        cohort, _content(session, file), dry_run=dry_run, replace=replace, partial=partial
    )
    session.show(report, lambda: _print_report(session, report))
    if report.errors:
        raise typer.Exit(1)


def _content(session: Session, file: Path) -> bytes:
    if str(file) == "-":
        return typer.get_binary_stream("stdin").read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise ClientError(
            session.say("{file} can't be read: {reason}.", file=file, reason=error.strerror),
            code="unreadable",
        ) from error


def _print_report(session: Session, report: RosterReport) -> None:
    for problem in (*report.errors, *report.warnings):
        colour = "red" if problem in report.errors else "yellow"
        where = session.say("line {row}", row=problem.row)
        column = f", {problem.column}" if problem.column else ""
        said = escape(f"{problem.message} {problem.hint}")
        session.out.print(f"[{colour}]{where}{escape(column)}[/]: {said}")
    for title, names in (
        ("New", report.created),
        ("Changed", report.updated),
        ("Taken off", report.removed),
        ("New accounts", report.new_accounts),
    ):
        if names:
            session.out.print(f"{session.say(title)}: {', '.join(names)}", markup=False)
    session.out.print(session.say("Unchanged: {count}", count=len(report.unchanged)))
    if report.dry_run:
        session.done("This was a dry run; nothing was written.")
    elif report.applied:
        session.done("The roster is imported.")
    else:
        session.err.print(
            session.say("Nothing was written. Correct the file, or use --partial."), style="red"
        )


@app.command()
def members(ctx: typer.Context, cohort: CohortArgument, _json: Json = False) -> None:
    """List the people on a cohort's roster."""
    session = session_of(ctx)
    session.show_all(
        session.portal.members(cohort),
        ["User", "Name", "Role", "Email"],
        lambda item: [item.user, item.name, session.say(item.role), item.email],
    )


@app.command()
def table(ctx: typer.Context, cohort: CohortArgument, _json: Json = False) -> None:
    """Show who does what: state, lab, last activity, accelerator, last error, latest run."""
    session = session_of(ctx)
    session.show_all(
        session.portal.table(cohort),
        ["User", "Name", "Lab", "State", "Last active", "Accelerator", "Last error", "Latest run"],
        lambda item: _row(session, item),
    )


def _row(session: Session, item: TableRow) -> list[str]:
    box = item.sandbox
    run = item.run
    latest = f"{run.name or run.id} {run.metric} {number(run.value)}" if run else ""
    if box is None:
        return [item.user, item.name, "", session.say("no sandbox"), "", "", "", latest]
    return [
        item.user,
        item.name,
        box.lab,
        phase(session, box),
        ago(session, box.last_activity),
        box.accelerator or "",
        box.last_error,
        latest,
    ]


@app.command()
def usage(
    ctx: typer.Context,
    cohort: CohortArgument,
    period: Annotated[str, typer.Option(help="24h, 7d or 30d.")] = "7d",
    _json: Json = False,
) -> None:
    """Show what a cohort used, by lab."""
    session = session_of(ctx)
    found = session.portal.cohort_usage(cohort, period)
    session.show(found, lambda: _print_usage(session, found))


def _print_usage(session: Session, found: CohortUsage) -> None:
    if not found.available:
        session.err.print(found.reason, style="yellow", markup=False)
    rows = [(lab.lab, lab) for lab in found.labs]
    total = (session.say("total"), found.total)
    session.print_table(
        ["Lab", "Hours run", "CPU hours", "Accelerator hours"],
        [
            [name, hours(row.running_hours), hours(row.cpu_hours), hours(row.accelerator_hours)]
            for name, row in [*rows, total]
        ],
    )
