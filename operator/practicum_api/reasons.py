"""Reasons: the closed list of words that conditions and queues give, each with its meaning.

The portal translates them and the reference page lists them, so a new one is added here first.
"""

from enum import StrEnum
from typing import Self


class Reason(StrEnum):
    """Why something is as it is. The value is what stands in ``reason``."""

    text: str

    def __new__(cls, word: str, text: str) -> Self:
        """Make the member ``word`` whose meaning for a person is ``text``."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.text = text
        return member

    READY = "Ready", "Everything asked for is there."
    ACCEPTED = "Accepted", "The references resolve and the specification is sound."
    UNKNOWN_LAB = "UnknownLab", "No Lab of this name exists."
    UNKNOWN_ACCELERATOR = "UnknownAcceleratorClass", "No AcceleratorClass of this name exists."
    UNKNOWN_COHORT = "UnknownCohort", "This namespace belongs to no Cohort."
    LAB_NOT_OFFERED = "LabNotOffered", "The Cohort does not list this Lab."
    LAB_NOT_READY = "LabNotReady", "The Lab itself is not ready."
    DUPLICATE = "Duplicate", "An older Sandbox has the same owner and server name."
    NAMESPACE_NOT_OURS = "NamespaceNotOurs", "A namespace of that name exists and is not ours."
    TERMINATING = "Terminating", "It is being removed."
    HELD_BY_WORK = "HeldByWork", "Sandboxes or workspaces are still in it."

    QUOTA_EXCEEDED = "QuotaExceeded", "The cohort's quota is used up for now."
    HOURS_EXCEEDED = "AcceleratorHoursExceeded", "The cohort's accelerator hours are used up."
    ACCELERATOR_BUSY = "AcceleratorBusy", "All accelerators of this class are in use."
    START_PACED = "StartPaced", "Others are starting; this one follows in a moment."
    TOO_LARGE = "ExceedsQuota", "It asks for more than the cohort's whole quota."

    SCHEDULING = "Scheduling", "Looking for a node with room."
    UNSCHEDULABLE = "Unschedulable", "No node has room for it at the moment."
    PREPARING = "Preparing", "Getting the workspace and the image."
    STARTING = "Starting", "JupyterLab is starting."
    CONNECTING = "Connecting", "Connecting the address."
    HUB_AWAY = "HubUnreachable", "JupyterHub does not answer; the address follows when it does."
    OWNER_UNKNOWN = "OwnerUnknown", "JupyterHub knows no such user."

    IMAGE_UNAVAILABLE = "ImageUnavailable", "The image can't be pulled."
    INVALID_IMAGE = "InvalidImage", "The image's name is not valid."
    OUT_OF_MEMORY = "OutOfMemory", "It used more memory than its limit and was stopped."
    EVICTED = "Evicted", "The node was short of resources and stopped it."
    NODE_LOST = "NodeLost", "Its node stopped answering."
    CRASHED = "Crashed", "The server process ended by itself."
    START_TIMEOUT = "StartTimeout", "It did not become ready in time."
    VOLUME_FAILED = "WorkspaceUnavailable", "Its workspace can't be attached."
    REJECTED = "Rejected", "The cluster refused to run it."
    NOT_ANSWERING = "NotAnswering", "The server is too busy to answer, or stuck; restart it then."
    POD_DELETED = "PodDeleted", "Its Pod was deleted from outside."

    SUSPENDED = "Suspended", "It is suspended; the files are kept."
    SUSPENDING = "Suspending", "It is being stopped; the files are kept."
    IDLE = "Idle", "Nothing ran in it for the lab's idle time."
    DEADLINE = "DeadlinePassed", "The lab's time was over."
    SHUT_DOWN = "ShutDown", "It was shut down from inside; the files are kept."
    BLUEPRINT_CHANGED = "LabChanged", "The Lab changed since it started; a restart picks it up."
