"""Each way a Pod fails has a word and a sentence, and is given up neither too soon nor too late."""

from dataclasses import replace
from datetime import timedelta

import pytest

from practicum_api.reasons import Reason
from practicum_operator.failures import Limits, diagnose
from practicum_operator.views import ContainerView, NodeView

LIMITS = Limits(
    image=timedelta(seconds=60),
    start=timedelta(minutes=20),
    node=timedelta(seconds=90),
    restarts=3,
)


def terminated(code: int = 1, reason: str = "Error") -> ContainerView:
    return ContainerView(state="terminated", reason=reason, exit_code=code)


def crashing(restarts: int, *, state: str = "waiting", reason: str = "Error") -> ContainerView:
    return ContainerView(
        state=state,
        reason="CrashLoopBackOff",
        restarts=restarts,
        last_reason=reason,
        last_exit_code=1,
    )


def look(make, pod, node=None, **since):
    known = {"image": "example/lab:1", "memory": "2Gi", "now": make.now, "limits": LIMITS}
    return diagnose(pod, node, **known, **since)


def test_nothing_is_wrong_with_a_pod_that_runs(make) -> None:
    assert look(make, make.pod()) is None
    assert look(make, make.pod(ready=False)) is None


@pytest.mark.parametrize(
    ("changes", "reason", "says"),
    [
        ({"deleted_at": "now"}, Reason.POD_DELETED, "deleted from outside"),
        ({"phase": "Succeeded"}, Reason.SHUT_DOWN, "shut down from inside"),
        ({"phase": "Failed", "reason": "Evicted", "message": "disk"}, Reason.EVICTED, "disk"),
        (
            {"phase": "Failed", "container": terminated(137, "OOMKilled")},
            Reason.OUT_OF_MEMORY,
            "2Gi",
        ),
        ({"phase": "Failed", "container": terminated(7)}, Reason.CRASHED, "code 7"),
        ({"phase": "Failed", "reason": "UnexpectedAdmissionError"}, Reason.REJECTED, "refused"),
    ],
)
def test_an_end_is_an_end(make, changes, reason, says) -> None:
    if changes.get("deleted_at"):
        changes = {"deleted_at": make.now}
    trouble = look(make, make.pod(ready=False, **changes))
    assert (trouble.reason, trouble.lost) == (reason, True)
    assert says in trouble.message


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff", "RegistryUnavailable"])
def test_a_pull_may_fail_for_a_while(make, reason) -> None:
    pod = replace(make.waiting(reason, "not found"), scheduled_at=make.now - timedelta(hours=1))
    young = look(make, pod, failing_since=make.now - timedelta(seconds=5))
    old = look(make, pod, failing_since=make.now - timedelta(minutes=5))
    assert (look(make, pod).lost, young.lost, old.lost) == (False, False, True)
    assert old.reason is Reason.IMAGE_UNAVAILABLE
    assert "example/lab:1 can't be pulled: not found" in old.message


@pytest.mark.parametrize(
    ("waiting", "reason"),
    [
        ("InvalidImageName", Reason.INVALID_IMAGE),
        ("ErrImageNeverPull", Reason.IMAGE_UNAVAILABLE),
    ],
)
def test_what_no_retry_mends_is_lost_at_once(make, waiting, reason) -> None:
    trouble = look(make, make.waiting(waiting))
    assert (trouble.reason, trouble.lost) == (reason, True)


def test_a_container_that_cannot_be_made_is_rejected(make) -> None:
    pod = make.waiting("CreateContainerConfigError", 'secret "data-key" not found')
    assert look(make, pod).reason is Reason.REJECTED
    assert 'secret "data-key" not found' in look(make, pod).message
    assert look(make, pod).lost is False
    assert look(make, pod, failing_since=make.now - timedelta(minutes=5)).lost is True


@pytest.mark.parametrize(("restarts", "lost"), [(1, False), (2, False), (3, True)])
def test_a_crash_loop_is_given_up_after_some_restarts(make, restarts, lost) -> None:
    trouble = look(make, make.pod(ready=False, container=crashing(restarts)))
    assert (trouble.reason, trouble.lost) == (Reason.CRASHED, lost)


def test_a_container_that_came_up_again_is_well(make) -> None:
    assert look(make, make.pod(container=crashing(2, state="running"))) is None


def test_a_server_that_falls_silent_long_after_a_restart_has_not_crashed(make) -> None:
    started = make.now - timedelta(hours=5)
    container = replace(crashing(1, state="running", reason="OOMKilled"), started_at=started)
    silent = make.pod(ready=False, ready_at=make.now, container=container)
    assert look(make, silent) is None
    hangs = make.pod(ready=False, ready_at=started, container=container)
    assert look(make, hangs).reason is Reason.OUT_OF_MEMORY


def test_running_out_of_memory_says_what_to_do(make) -> None:
    trouble = look(make, make.pod(ready=False, container=crashing(1, reason="OOMKilled")))
    assert trouble.reason is Reason.OUT_OF_MEMORY
    assert "smaller batches" in trouble.message


@pytest.mark.parametrize(
    ("silent", "deleted", "lost"),
    [(10, False, False), (100, False, True), (10, True, True)],
)
def test_a_silent_node_gets_some_grace(make, silent, deleted, lost) -> None:
    node = NodeView(name="node-1", ready_changed_at=make.now - timedelta(seconds=silent))
    pod = make.pod(deleted_at=make.now if deleted else None)
    trouble = look(make, pod, node)
    assert (trouble.reason, trouble.lost) == (Reason.NODE_LOST, lost)
    assert "node-1" in trouble.message


def test_no_room_is_said_and_waited_for(make) -> None:
    pod = make.pod(ready=False, node="", scheduled_at=None, scheduling_message="0/1 nodes fit")
    trouble = look(make, pod)
    assert (trouble.reason, trouble.lost) == (Reason.UNSCHEDULABLE, False)
    assert "0/1 nodes fit" in trouble.message
