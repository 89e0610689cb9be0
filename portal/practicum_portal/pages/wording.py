"""Wording: phases, stages and reasons in plain words, each with what to do about it.

The words are gettext messages; `N` marks them for the catalogue, the page's writer translates.
"""

from dataclasses import dataclass
from typing import Literal

from practicum_api.lab import Module
from practicum_api.reasons import Reason
from practicum_api.sandbox import Phase, Stage
from practicum_portal.identity import Role
from practicum_portal.views.runs import RunState, RunView

Tone = Literal["calm", "good", "busy", "wait", "bad"]


def N(message: str) -> str:  # noqa: N802 - the name gettext tools know
    """Mark ``message`` for the catalogue and return it as it is."""
    return message


@dataclass(frozen=True)
class Look:
    """How a state is shown: a word, an icon and a tone; never the tone alone."""

    label: str
    tone: Tone
    icon: str


PHASES = {
    Phase.PENDING: Look(N("Preparing"), "busy", "spinner"),
    Phase.QUEUED: Look(N("In the queue"), "wait", "wait"),
    Phase.STARTING: Look(N("Starting"), "busy", "spinner"),
    Phase.RUNNING: Look(N("Running"), "good", "check"),
    Phase.SUSPENDING: Look(N("Suspending"), "busy", "spinner"),
    Phase.SUSPENDED: Look(N("Suspended"), "calm", "pause"),
    Phase.STALLED: Look(N("Needs attention"), "bad", "alert"),
    Phase.TERMINATING: Look(N("Being deleted"), "calm", "spinner"),
}
NOT_STARTED = Look(N("Not started"), "calm", "dash")

STAGES = {
    Stage.QUEUED: N("Waiting for its turn"),
    Stage.SCHEDULING: N("Finding a machine"),
    Stage.PREPARING: N("Getting workspace and image"),
    Stage.STARTING: N("Starting JupyterLab"),
    Stage.CONNECTING: N("Connecting your address"),
    Stage.READY: N("Ready"),
}

RUNS = {
    RunState.RUNNING: Look(N("Running"), "busy", "spinner"),
    RunState.FINISHED: Look(N("Finished"), "good", "check"),
    RunState.FAILED: Look(N("Failed"), "bad", "cross"),
}
QUIET_RUN = Look(N("Silent"), "wait", "wait")

MODULES = {
    Module.FOUNDATIONS: N("Foundations"),
    Module.PRACTICE: N("Practice"),
    Module.CASE: N("Case study"),
}

MORE_LABS = N("More labs")
FIRST_LABS = N("Choose a lab to start")

ROLES = {
    Role.TRAINEE: N("Trainee"),
    Role.INSTRUCTOR: N("Instructor"),
    Role.ADMIN: N("Administrator"),
}

ADVICE = {
    Reason.READY: "",
    Reason.ACCEPTED: "",
    Reason.UNKNOWN_LAB: N("The lab was removed or renamed. Tell your instructor its name."),
    Reason.UNKNOWN_ACCELERATOR: N(
        "The lab asks for an accelerator that this site does not have. Tell your instructor: an"
        " administrator has to add the class or change the lab."
    ),
    Reason.UNKNOWN_COHORT: N("The cohort was removed. Ask your instructor where the lab is now."),
    Reason.LAB_NOT_OFFERED: N(
        "Your cohort no longer lists this lab. Your files are kept; ask your instructor to list"
        " it again."
    ),
    Reason.LAB_NOT_READY: N("The lab is being set up. Try again later or tell your instructor."),
    Reason.DUPLICATE: N("Use the older one, or delete it first. Nothing is lost."),
    Reason.NAMESPACE_NOT_OURS: N(
        "An administrator has to choose another cohort name or move that namespace away."
    ),
    Reason.TERMINATING: N("Wait until it is gone; then you can start the lab again."),
    Reason.HELD_BY_WORK: N("Delete the sandboxes and workspaces first, or ask for a cascade."),
    Reason.QUOTA_EXCEEDED: N(
        "It starts by itself as soon as someone in your cohort suspends a sandbox. You can close"
        " this page."
    ),
    Reason.HOURS_EXCEEDED: N(
        "Ask your instructor for more hours. Your files are kept, and labs without an accelerator"
        " still start."
    ),
    Reason.ACCELERATOR_BUSY: N(
        "It starts by itself as soon as one is free. You can close this page."
    ),
    Reason.START_PACED: N("No need to do anything: it starts by itself."),
    Reason.TOO_LARGE: N("Tell your instructor: the cohort's quota is too small for this lab."),
    Reason.SCHEDULING: "",
    Reason.UNSCHEDULABLE: N(
        "It starts by itself when a machine has room. If this lasts longer than ten minutes, tell"
        " your instructor."
    ),
    Reason.PREPARING: "",
    Reason.STARTING: "",
    Reason.CONNECTING: "",
    Reason.HUB_AWAY: N("It goes on by itself. Your files and running work are not affected."),
    Reason.OWNER_UNKNOWN: N(
        "Tell your instructor: the roster has to be imported again, so that JupyterHub knows you."
    ),
    Reason.IMAGE_UNAVAILABLE: N(
        "Tell your instructor: the lab's image is missing or needs a pull secret. Then try again."
    ),
    Reason.INVALID_IMAGE: N("Tell your instructor: the lab names an image that can't exist."),
    Reason.OUT_OF_MEMORY: N(
        "Your files are kept. Start again with a smaller batch or model, or restart the kernel"
        " between experiments."
    ),
    Reason.EVICTED: N("Your files are kept. Start again; large scratch files are a common cause."),
    Reason.NODE_LOST: N("Your files are kept. It starts again on another machine."),
    Reason.CRASHED: N("Your files are kept. Try again; if it happens twice, tell your instructor."),
    Reason.START_TIMEOUT: N("Try again. If it happens twice, tell your instructor."),
    Reason.VOLUME_FAILED: N(
        "Your files are safe, but can't be reached. Try again in a minute or tell your instructor."
    ),
    Reason.REJECTED: N("Tell your instructor: an administrator has to look at the cohort."),
    Reason.NOT_ANSWERING: N(
        "Wait if something heavy runs in it. Otherwise restart it; your files are kept."
    ),
    Reason.POD_DELETED: N("Your files are kept. Start it again when you like."),
    Reason.SUSPENDED: N("Resume it whenever you like."),
    Reason.SUSPENDING: "",
    Reason.IDLE: N("Resume it whenever you like; it continues with your files."),
    Reason.DEADLINE: N("Resume it whenever you like; it continues with your files."),
    Reason.SHUT_DOWN: N("Resume it whenever you like; it continues with your files."),
    Reason.BLUEPRINT_CHANGED: N("Finish what you do, then restart to get the new version."),
}
"""What a person can do about each reason; empty when there is nothing to do."""


_REASONS = {reason.value: reason for reason in Reason}


def reason_text(word: str) -> str:
    """Return what the reason ``word`` means, as a message; the word itself if it is not ours."""
    return _REASONS[word].text if word in _REASONS else word


def reason_advice(word: str) -> str:
    """Return what to do about the reason ``word``, as a message."""
    return ADVICE[_REASONS[word]] if word in _REASONS else ""


def run_look(run: RunView) -> Look:
    """Return how the state of ``run`` is shown; one that stopped reporting is silent."""
    return QUIET_RUN if run.state is RunState.RUNNING and run.quiet else RUNS[run.state]


NOT_READY = Look(N("Not ready"), "wait", "alert")

GROUPS = {
    "trouble": N("In trouble"),
    "waiting": N("Waiting or starting"),
    "running": N("Running"),
    "suspended": N("Suspended"),
    "absent": N("Not started"),
}
"""What the live table can be narrowed to, by the word in the address."""

ORDERS = {
    "trouble": N("Trouble first"),
    "name": N("By name"),
    "activity": N("Latest activity first"),
}
"""How the live table can be ordered, by the word in the address."""

PERIODS = {"24h": N("24 hours"), "7d": N("7 days"), "30d": N("30 days")}
"""Periods of the usage pages, by the word in the address."""
