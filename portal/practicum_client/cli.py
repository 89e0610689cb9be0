"""The `practicum` command."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typing_extensions import override

from practicum_client.commands import account, catalogue, cohorts, runs, sandboxes
from practicum_client.errors import ClientError
from practicum_client.session import Session


class Guarded(TyperGroup):
    """Ends with a message and an exit code where a command raises ClientError."""

    @override
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ClientError as error:
            session: Session = ctx.find_root().obj
            session.fail(error)
            raise typer.Exit(error.exit_code) from error
        finally:
            if isinstance(ctx.obj, Session):
                ctx.obj.close()


app = typer.Typer(
    name="practicum",
    cls=Guarded,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="Practicum from the command line: labs, sandboxes, cohorts and runs.",
    epilog="Exit codes: 0 done, 1 refused or failed, 2 wrong command line, 3 not signed in,"
    " 4 portal away, 5 not found.",
)


@app.callback()
def main(
    ctx: typer.Context,
    url: Annotated[
        str,
        typer.Option(envvar="PRACTICUM_URL", help="The portal's address.", show_default=False),
    ] = "",
) -> None:
    """Set up what all commands share."""
    if ctx.obj is None:
        ctx.obj = Session.from_environment()
    ctx.obj.url = url or ctx.obj.url


account.register(app)
catalogue.register(app)
app.add_typer(sandboxes.app)
app.add_typer(cohorts.app)
app.add_typer(runs.app)
