"""Runs: list, show with curves, compare, delete."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from practicum_client.charts import DASH, Series, chart, number, sparkline
from practicum_client.commands.options import CohortOption, Json, Yes, session_of
from practicum_client.commands.words import ago
from practicum_client.errors import ClientError, Exit
from practicum_client.models import Comparison, Curve, Curves, Run
from practicum_client.session import Session

app = typer.Typer(name="runs", no_args_is_help=True, help="Training runs and their curves.")

_STATES = {"running": "cyan", "finished": "green", "failed": "red"}


@app.command("list")
def list_runs(
    ctx: typer.Context,
    cohort: CohortOption = "",
    lab: Annotated[str, typer.Option(help="Of this lab.")] = "",
    owner: Annotated[str, typer.Option(help="Of this person.")] = "",
    state: Annotated[str, typer.Option(help="running, finished or failed.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most this many.")] = 20,
    _json: Json = False,
) -> None:
    """List your runs and those of cohorts that you teach, the newest first."""
    session = session_of(ctx)
    found = session.portal.runs(cohort=cohort, lab=lab, owner=owner, state=state)
    session.show_all(
        (run for run, _ in zip(found, range(limit), strict=False)),
        ["Run", "Name", "Owner", "Lab", "State", "Result", "Started"],
        lambda item: [
            item.id,
            escape(item.name),
            item.owner,
            item.lab,
            _state(session, item),
            _result(item),
            ago(session, item.started_at),
        ],
    )


@app.command()
def show(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(help="The run's id.")],
    metric: Annotated[str, typer.Option("--metric", "-m", help="Draw this one large.")] = "",
    _json: Json = False,
) -> None:
    """Show a run: settings, metrics and curves."""
    session = session_of(ctx)
    found = session.portal.run(run)
    curves = session.portal.curves(run)
    if session.json:
        session.print_json(found.wire() | {"curves": curves.wire()["curves"]})
        return
    session.out.print(f"[bold]{escape(found.name)}[/]  {_state(session, found)}  {found.id}")
    session.out.print(
        f"{found.owner}  {found.cohort}/{found.lab}  {ago(session, found.started_at)}", style="dim"
    )
    for name, value in flat(found.config).items():
        session.out.print(f"  {name} = {value}", markup=False, style="dim")
    _print_metrics(session, found, curves)
    drawn = _chosen(session, curves, metric)
    if drawn is not None:
        _print_chart(session, drawn)


@app.command()
def compare(
    ctx: typer.Context,
    runs: Annotated[list[str], typer.Argument(help="Ids of runs, two or more.")],
    _json: Json = False,
) -> None:
    """Lay runs side by side: in what they differ, and what came out."""
    session = session_of(ctx)
    found = session.portal.compare(runs)
    session.show(found, lambda: _print_comparison(session, found))


@app.command()
def delete(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(help="The run's id.")],
    yes: Yes = False,
    _json: Json = False,
) -> None:
    """Remove a run of yours with its curves, for good."""
    session = session_of(ctx)
    found = session.portal.run(run)
    if not yes:
        question = session.say("Remove {name} and its curves, for ever?", name=found.name)
        typer.confirm(question, abort=True, err=True)
    session.portal.delete_run(run)
    session.show(found, lambda: session.done("{name} is removed.", name=found.name))


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings under dotted names."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def _print_metrics(session: Session, run: Run, curves: Curves) -> None:
    by_name = {curve.metric: curve for curve in curves.curves}
    rows = []
    for item in run.metrics:
        drawn = by_name.get(item.name, Curve(metric=item.name))
        last = number(item.last) if item.last is not None else item.last_text or DASH
        bad = f"[red]{item.not_finite}[/]" if item.not_finite else ""
        rows.append(
            [
                escape(item.name),
                last,
                number(item.min),
                number(item.max),
                sparkline(drawn.values),
                bad,
            ]
        )
    if rows:
        session.print_table(["Metric", "Last", "Least", "Most", "Curve", "NaN"], rows)


def _chosen(session: Session, curves: Curves, metric: str) -> Curve | None:
    if not metric:
        return curves.curves[0] if curves.curves else None
    for curve in curves.curves:
        if curve.metric == metric:
            return curve
    raise ClientError(
        session.say("The run has no metric {name}.", name=metric),
        session.say("It has: {names}", names=", ".join(curve.metric for curve in curves.curves)),
        Exit.NOT_FOUND,
        "not-found",
    )


def _print_chart(session: Session, curve: Curve) -> None:
    rows = chart(Series(curve.steps, curve.values), width=min(60, session.out.width - 12))
    if not rows:
        return
    finite = [value for value in curve.values if value is not None]
    labels = [number(max(finite)), *[""] * (len(rows) - 2), number(min(finite))]
    session.out.print(f"\n{curve.metric}", markup=False)
    for label, row in zip(labels, rows, strict=True):
        session.out.print(f"{label:>10} {row}", markup=False)
    session.out.print(f"{'':>10} {curve.steps[0]} … {curve.steps[-1]}", style="dim")


def _print_comparison(session: Session, found: Comparison) -> None:
    columns = ["", *[escape(run.name or run.id) for run in found.runs]]
    states = [[session.say("state"), *[_state(session, run) for run in found.runs]]]
    settings = [
        [
            escape(item.key),
            *[DASH if value is None else escape(str(value)) for value in item.values],
        ]
        for item in found.differences
    ]
    metrics = [
        [f"[bold]{escape(item.metric)}[/]", *[number(value) for value in item.last]]
        for item in found.metrics
    ]
    session.print_table(columns, states + settings + metrics)


def _state(session: Session, run: Run) -> str:
    said = session.say("quiet") if run.quiet and run.state == "running" else session.say(run.state)
    return f"[{_STATES.get(run.state, 'default')}]{said}[/]"


def _result(run: Run) -> str:
    if not run.metrics:
        return ""
    first = run.metrics[0]
    return escape(
        f"{first.name} {number(first.last) if first.last is not None else first.last_text}"
    )
