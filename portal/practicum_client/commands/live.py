"""Watching a start until it is over."""

from rich.console import Group
from rich.live import Live
from rich.text import Text

from practicum_client.errors import ClientError, Exit
from practicum_client.models import Sandbox
from practicum_client.session import Session

MARKS = {"done": "✓", "current": "●", "waiting": "·", "failed": "✗"}
STYLES = {"done": "green", "current": "cyan", "waiting": "dim", "failed": "red"}
_SETTLED = {"Running", "Stalled"}


def until_settled(session: Session, sandbox: Sandbox, *, follow: bool = False) -> Sandbox:
    """Show a sandbox's stages until it runs, is stuck or rests; return it as it is then.

    With ``follow`` it goes on until the sandbox is gone. Raises ClientError when that happens.
    """
    if session.json:
        return _for_programs(session, sandbox, follow=follow)
    if not session.err.is_terminal:
        return _in_lines(session, sandbox, follow=follow)
    with Live(console=session.err, auto_refresh=False) as live:
        for current in session.portal.watch(sandbox.cohort, sandbox.name):
            live.update(_picture(session, current), refresh=True)
            if _is_over(current) and not follow:
                return current
    raise _gone(session, sandbox)


def succeed(session: Session, sandbox: Sandbox) -> None:
    """Return when it runs or rests as wanted; raise ClientError when it is stuck."""
    if sandbox.phase == "Stalled":
        raise ClientError(
            sandbox.message or session.say("The sandbox could not be started."),
            session.say("Try again: practicum sandbox restart {name}", name=sandbox.key),
            code=sandbox.reason or "stalled",
        )


def _in_lines(session: Session, sandbox: Sandbox, *, follow: bool) -> Sandbox:
    """The same for a log: a line whenever the phase or the stage is another."""
    last = ""
    for current in session.portal.watch(sandbox.cohort, sandbox.name):
        stage = next((item.stage for item in current.stages if item.state == "current"), "")
        said = " · ".join(session.say(word) for word in (current.phase, stage) if word)
        why = current.queue.message if current.queue else current.message
        said = f"{said}: {why}" if why else said
        if said != last:
            session.err.print(f"{current.key}  {said}", markup=False)
            last = said
        if _is_over(current) and not follow:
            return current
    raise _gone(session, sandbox)


def _for_programs(session: Session, sandbox: Sandbox, *, follow: bool) -> Sandbox:
    for current in session.portal.watch(sandbox.cohort, sandbox.name):
        if follow:
            session.print_json(current.wire())
        elif _is_over(current):
            return current
    raise _gone(session, sandbox)


def _is_over(sandbox: Sandbox) -> bool:
    rests = sandbox.phase == "Suspended" and sandbox.desired_state == "Suspended"
    return sandbox.phase in _SETTLED or rests


def _picture(session: Session, sandbox: Sandbox) -> Group:
    lines = [Text(f"{sandbox.key}  {session.say(sandbox.phase)}", style="bold")]
    for stage in sandbox.stages:
        took = f"  {stage.seconds:.1f} s" if stage.seconds is not None else ""
        mark = MARKS.get(stage.state, "·")
        style = STYLES.get(stage.state, "")
        lines.append(Text(f"  {mark} {session.say(stage.stage)}{took}", style=style))
    said = sandbox.queue.message if sandbox.queue else sandbox.message
    if said:
        lines.append(Text(f"  {said}"))
    return Group(*lines)


def _gone(session: Session, sandbox: Sandbox) -> ClientError:
    return ClientError(
        session.say("The sandbox {name} is gone.", name=sandbox.key), "", Exit.NOT_FOUND, "gone"
    )
