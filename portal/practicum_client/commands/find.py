"""Which sandbox, which cohort a person means."""

from practicum_client.errors import ClientError, Exit
from practicum_client.models import Sandbox
from practicum_client.session import Session


def sandbox(session: Session, text: str, cohort: str = "") -> Sandbox:
    """Return the sandbox that ``text`` names: `cohort/name`, its name, or the lab of one of yours.

    With ``cohort``, names of everyone's sandboxes there are understood.
    """
    if "/" in text:
        room, _, name = text.partition("/")
        return session.portal.sandbox(room, name)
    found = [
        item
        for item in session.portal.sandboxes(cohort=cohort)
        if text in {item.name, item.lab} and cohort in {"", item.cohort}
    ]
    exact = [item for item in found if item.name == text] or found
    if len(exact) == 1:
        return exact[0]
    if not exact:
        raise ClientError(
            session.say("There is no sandbox {name}.", name=text),
            session.say("List yours with: practicum sandbox list"),
            Exit.NOT_FOUND,
            "not-found",
        )
    names = ", ".join(item.key for item in exact)
    raise ClientError(
        session.say("{name} names more than one sandbox.", name=text),
        session.say("Say which: {names}", names=names),
        code="ambiguous",
    )


def cohort_of(session: Session, lab: str) -> str:
    """Return the one cohort of yours that offers a lab."""
    offers = [offer.cohort for offer in session.portal.labs() if offer.lab.name == lab]
    if len(offers) == 1:
        return offers[0]
    if not offers:
        raise ClientError(
            session.say("None of your cohorts offers the lab {lab}.", lab=lab),
            session.say("List labs with: practicum labs"),
            Exit.NOT_FOUND,
            "not-found",
        )
    raise ClientError(
        session.say("Several cohorts offer {lab}.", lab=lab),
        session.say("Say which with --cohort: {names}", names=", ".join(offers)),
        code="ambiguous",
    )
