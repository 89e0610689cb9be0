"""What there is: labs, accelerators, and how things stand."""

import typer

from practicum_client.commands.options import CohortOption, Json, session_of
from practicum_client.commands.words import deadline, phase
from practicum_client.models import LabOffer
from practicum_client.session import Session


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(labs)
    app.command()(accelerators)
    app.command()(status)


def labs(ctx: typer.Context, cohort: CohortOption = "", _json: Json = False) -> None:
    """List the labs that your cohorts offer."""
    session = session_of(ctx)
    offers = (offer for offer in session.portal.labs() if cohort in {"", offer.cohort})

    def row(offer: LabOffer) -> list[str]:
        lab = offer.lab
        return [
            lab.name,
            lab.title.in_language(session.language.tag),
            offer.cohort,
            session.say("{minutes} min", minutes=lab.minutes),
            lab.accelerator or f"{lab.cpu} CPU",
            phase(session, offer.sandbox) if offer.sandbox else _state(session, offer),
        ]

    session.show_all(offers, ["Lab", "Title", "Cohort", "Takes", "Needs", "Yours"], row)


def _state(session: Session, offer: LabOffer) -> str:
    if offer.lab.state.ready:
        return session.say("not started")
    return f"[red]{offer.lab.state.message or session.say('not ready')}[/]"


def accelerators(ctx: typer.Context, _json: Json = False) -> None:
    """List accelerators, how many are in use and who waits."""
    session = session_of(ctx)
    session.show_all(
        session.portal.accelerators(),
        ["Class", "Name", "In use", "Waiting", "Price an hour", "State"],
        lambda item: [
            item.name,
            item.display_name,
            f"{item.in_use}/{item.total}",
            str(item.queued),
            item.price_per_hour,
            session.say("ready") if item.state.ready else f"[red]{item.state.message}[/]",
        ],
    )


def status(ctx: typer.Context, _json: Json = False) -> None:
    """Show where the portal is, who you are there, and your sandboxes."""
    session = session_of(ctx)
    portal = session.portal
    ready, me, sandboxes = portal.is_ready(), portal.me(), list(portal.sandboxes())
    if session.json:
        body = {"portal": portal.url, "ready": ready, "me": me.wire()}
        session.print_json(body | {"sandboxes": [sandbox.wire() for sandbox in sandboxes]})
        return
    health = session.say("ready") if ready else session.say("not ready")
    session.out.print(f"{portal.url}  {health}", markup=False)
    session.out.print(session.say("Signed in as {name}.", name=me.name), markup=False)
    if sandboxes:
        session.print_table(
            ["Sandbox", "State", "Until", "Address"],
            [
                [item.key, phase(session, item), deadline(session, item), item.url or ""]
                for item in sandboxes
            ],
        )
