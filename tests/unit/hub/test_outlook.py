"""What a Sandbox's status means for the Hub, case by case."""

from http import HTTPStatus
from typing import Any

import pytest

from practicum_api.sandbox import DesiredState, Phase, Sandbox, Stage
from practicum_hub import outlook
from practicum_hub.outlook import Attempt


def sandbox(
    *, desired: str = "Running", generation: int = 1, deleted: bool = False, **status: Any
) -> Sandbox:
    metadata: dict[str, Any] = {"name": "s", "namespace": "practicum-a", "generation": generation}
    if deleted:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    status = {"observedGeneration": generation, **status}
    spec = {"owner": "trainee", "lab": "lora", "desiredState": desired}
    return Sandbox.model_validate({"metadata": metadata, "spec": spec, "status": status})


SERVING: dict[str, Any] = {"phase": "Running", "podIp": "10.0.0.7", "attempt": 2}


@pytest.mark.parametrize(
    ("changes", "may"),
    [
        (SERVING, True),
        (SERVING | {"phase": "Starting"}, True),
        (SERVING | {"podIp": ""}, False),
        (SERVING | {"desired": "Suspended"}, False),
        (SERVING | {"deleted": True}, False),
        (SERVING | {"generation": 5, "observedGeneration": 4}, False),
    ],
)
def test_a_start_connects_only_to_what_is_wanted_and_answers(
    changes: dict[str, Any], may: bool
) -> None:
    assert outlook.may_connect(sandbox(**changes)) is may


@pytest.mark.parametrize(
    ("changes", "adopted", "code"),
    [
        (SERVING, 2, None),
        (SERVING, None, None),
        (SERVING, 1, 0),
        (SERVING | {"podIp": ""}, 2, 0),
        (SERVING | {"podIp": "10.0.0.8"}, 2, 0),
        (SERVING | {"podIp": "10.0.0.8"}, None, None),
        (SERVING | {"generation": 5, "observedGeneration": 4}, 2, None),
        (SERVING | {"desired": "Suspended"}, 2, None),
        ({"phase": "Stalled"}, 2, 1),
        ({"phase": "Queued"}, None, 0),
    ],
)
def test_poll(changes: dict[str, Any], adopted: int | None, code: int | None) -> None:
    connected = Attempt("", adopted, "10.0.0.7") if adopted is not None else None
    assert outlook.poll_code(sandbox(**changes), connected) == code


def test_a_sandbox_that_is_gone_or_made_anew_has_ended() -> None:
    assert outlook.poll_code(None, Attempt("", 1, "10.0.0.7")) == 0
    assert outlook.poll_code(sandbox(**SERVING), Attempt("another", 2, "10.0.0.7")) == 0


@pytest.mark.parametrize("phase", [None, *Phase])
def test_every_phase_either_waits_or_refuses_with_a_text(phase: Phase | None) -> None:
    for desired in DesiredState:
        found = outlook.refusal(sandbox(desired=desired, phase=phase), waited=10)
        if found is not None:
            assert found.text.en
            assert found.text.zh
            assert found.status >= HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    ("found", "waited", "reason"),
    [
        (None, 0.1, None),
        (None, 1.5, "no-sandbox"),
        (sandbox(deleted=True), 0, "terminating"),
        (sandbox(desired="Suspended", phase="Suspended"), 0.1, None),
        (sandbox(desired="Suspended", phase="Suspended"), 1.5, "suspended"),
        (sandbox(phase="Queued"), 1, None),
        (sandbox(phase="Queued"), 3, "queued"),
        (sandbox(phase="Pending"), 3, "pending"),
        (sandbox(phase="Stalled"), 0, "stalled"),
        (sandbox(phase="Stalled", generation=2, observedGeneration=1), 3, None),
        (sandbox(phase="Stalled", generation=2, observedGeneration=1), 61, "unseen"),
        (sandbox(phase="Starting"), 500, None),
    ],
)
def test_refusals(found: Sandbox | None, waited: float, reason: str | None) -> None:
    refused = outlook.refusal(found, waited=waited)
    assert (refused and refused.reason) == reason


def test_a_refusal_repeats_what_the_operator_says() -> None:
    ready = {"type": "Ready", "status": "False", "reason": "UnknownLab", "message": "No lab x."}
    refused = outlook.refusal(sandbox(phase="Pending", conditions=[ready]), waited=3)
    assert refused is not None
    assert "No lab x." in refused.text.en


def test_progress_never_goes_back() -> None:
    shown = [outlook.progress(None)["progress"]]
    stages: list[dict[str, str]] = []
    for stage in Stage:
        stages.append({"stage": stage, "began": "2026-01-01T00:00:00Z"})
        event = outlook.progress(sandbox(phase="Starting", stages=stages))
        shown.append(event["progress"])
        assert event["stage"] == stage
        assert event["message"] in event["html_message"]
    assert shown == sorted(set(shown))
    assert shown[-1] < 100


def test_addresses_of_both_families() -> None:
    assert outlook.address(sandbox(podIp="10.0.0.7"), 8888) == "http://10.0.0.7:8888"
    assert outlook.address(sandbox(podIp="fd00::7"), 8888) == "http://[fd00::7]:8888"
