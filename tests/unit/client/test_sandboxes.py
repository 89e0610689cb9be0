"""Sandboxes from the command line."""

import json
import threading

import pytest

NAME = "trainee--lora"


def test_labs_say_what_is_yours(practicum, portal):
    assert "not started" in practicum("labs", person="trainee").stdout
    portal.sandbox()
    assert "Running" in practicum("labs", person="trainee").stdout
    [offer] = practicum.json("labs")
    assert offer["sandbox"]["name"] == NAME


def test_start_watches_until_it_runs(practicum, portal, wait):
    answers = []
    command = threading.Thread(
        target=lambda: answers.append(practicum("sandbox", "start", "lora", person="trainee"))
    )
    command.start()
    wait(lambda: ("", NAME) in [("", k[1]) for k in portal.kubernetes.objects.get("sandboxes", {})])
    portal.sandbox(phase="Starting", status={"stages": [_stage("Preparing")]})
    portal.sandbox()
    command.join()
    [found] = answers
    assert found.exit_code == 0, found.output
    assert found.stdout.strip() == "http://trainee.hub.test/user/trainee/lora/"
    assert found.stderr.splitlines()[-1].startswith(f"class-a/{NAME}  Running")


def test_a_start_that_fails_says_why(practicum, portal, wait):
    answers = []
    command = threading.Thread(
        target=lambda: answers.append(practicum("sandbox", "start", "lora", person="trainee"))
    )
    command.start()
    wait(lambda: portal.kubernetes.objects.get("sandboxes"))
    ready = {"type": "Ready", "status": "False", "reason": "ImageUnavailable"}
    portal.sandbox(
        phase="Stalled", status={"conditions": [ready | {"message": "No image of that name."}]}
    )
    command.join()
    [found] = answers
    assert found.exit_code == 1
    assert "No image of that name." in found.stderr
    assert f"practicum sandbox restart class-a/{NAME}" in found.stderr


def test_restart_watches_the_new_attempt_not_the_old(practicum, portal, wait):
    portal.sandbox()
    answers = []
    words = ("sandbox", "restart", "lora", "--yes")
    command = threading.Thread(target=lambda: answers.append(practicum(*words, person="trainee")))
    command.start()
    asked = wait(lambda: portal.body(NAME)["spec"].get("restart"))
    wait(lambda: portal.container.streams._open or answers)
    portal.sandbox(phase="Starting", status={"restart": asked}, restart=asked)
    portal.sandbox(status={"restart": asked}, restart=asked)
    command.join()
    [found] = answers
    assert found.exit_code == 0, found.output
    first, *_, last = found.stderr.splitlines()
    assert first.startswith(f"class-a/{NAME}  Pending")
    assert last.startswith(f"class-a/{NAME}  Running")


def test_start_does_not_wait_when_told_so(practicum, portal):
    found = practicum.json("sandbox", "start", "lora", "--no-wait")
    assert found["name"] == NAME
    spec = portal.body(NAME)["spec"]
    assert (spec["owner"], spec["language"]) == ("trainee", "en")


def test_an_instructor_starts_one_for_a_trainee(practicum, portal):
    words = ("sandbox", "start", "lora", "--cohort", "class-a", "--owner", "trainee", "--no-wait")
    assert practicum.json(*words, person="instructor")["owner"] == "trainee"


def test_an_unknown_lab(practicum):
    found = practicum("sandbox", "start", "nothing", person="trainee")
    assert found.exit_code == 5
    assert "practicum labs" in found.stderr


@pytest.mark.parametrize("name", ["lora", NAME, f"class-a/{NAME}"])
def test_stop_by_any_of_its_names(practicum, portal, name):
    portal.sandbox()
    assert practicum("sandbox", "stop", name, person="trainee").exit_code == 0
    assert portal.body(NAME)["spec"]["desiredState"] == "Suspended"


def test_open_prints_the_address(practicum, portal):
    portal.sandbox()
    found = practicum("sandbox", "open", "lora", "--no-browser", person="trainee")
    assert found.stdout.strip() == "http://trainee.hub.test/user/trainee/lora/"


def test_open_needs_a_running_one(practicum, portal):
    portal.sandbox(phase="Suspended")
    found = practicum("sandbox", "open", "lora", person="trainee")
    assert found.exit_code == 1
    assert "practicum sandbox start lora" in found.stderr


def test_extend(practicum, portal):
    portal.sandbox()
    found = practicum("sandbox", "extend", "lora", "--minutes", "30", person="trainee")
    assert found.exit_code == 0, found.output
    assert portal.body(NAME)["spec"]["deadline"] == "2026-03-02T12:30:00Z"


def test_extend_stops_where_the_lab_does(practicum, portal):
    portal.sandbox(status={"deadline": "2026-03-02T14:00:00Z"})
    found = practicum("sandbox", "extend", "lora", person="trainee")
    assert found.exit_code == 1
    assert "The lab allows no more time" in found.stderr
    assert "deadline" not in portal.body(NAME)["spec"]


def test_restart_and_reset_ask_first(practicum, portal):
    portal.sandbox()
    for verb in ("restart", "reset", "delete"):
        found = practicum("sandbox", verb, "lora", person="trainee", stdin="n\n")
        assert found.exit_code == 1
    assert portal.body(NAME)["spec"].keys() <= {"owner", "lab", "desiredState"}

    practicum.json("sandbox", "restart", "lora", "--yes", "--no-wait")
    practicum.json("sandbox", "reset", "lora", "--yes")
    spec = portal.body(NAME)["spec"]
    assert spec["restart"]
    assert spec["reset"]


@pytest.mark.parametrize(("more", "policy"), [((), None), (("--workspace",), "Delete")])
def test_delete_keeps_the_files_unless_told_otherwise(practicum, portal, more, policy):
    portal.sandbox()
    assert practicum("sandbox", "delete", "lora", "--yes", *more, person="trainee").exit_code == 0
    body = portal.body(NAME)
    assert body["metadata"]["deletionTimestamp"]
    assert body["spec"].get("workspace", {}).get("deletionPolicy") == policy


def test_somebody_elses_is_not_found(practicum, portal):
    portal.sandbox("trainee-2")
    found = practicum("sandbox", "stop", "class-a/trainee-2--lora", person="trainee")
    assert found.exit_code == 5


def test_following_prints_a_line_a_change(practicum, portal, wait):
    portal.sandbox(phase="Starting")
    answers = []
    words = ("sandbox", "watch", "lora", "--follow", "--json")
    command = threading.Thread(target=lambda: answers.append(practicum(*words, person="trainee")))
    command.start()
    wait(lambda: portal.container.streams._open)
    portal.sandbox()
    portal.call(portal.kubernetes.remove, "sandboxes", NAME, "practicum-class-a")
    command.join()
    [found] = answers
    phases = [json.loads(line)["phase"] for line in found.stdout.splitlines()]
    assert phases == ["Starting", "Running"]
    assert found.exit_code == 5


def test_watching_survives_odd_ends_of_lines_in_a_text(practicum, portal):
    ready = {"type": "Ready", "status": "False", "reason": "ImageUnavailable"}
    odd = "No\u2028image\u0085of that name."
    portal.sandbox(phase="Stalled", status={"conditions": [ready | {"message": odd}]})
    found = practicum("sandbox", "watch", "lora", "--json", person="trainee")
    assert json.loads(found.stdout)["message"] == odd


def test_a_queue_is_shown(practicum, portal):
    portal.sandbox(phase="Queued", status={"queue": {"position": 2, "message": "2nd of 3."}})
    assert "place 2" in practicum("sandbox", "list", person="trainee").stdout


def test_status(practicum, portal):
    portal.sandbox()
    found = practicum("status", person="trainee")
    assert portal.url in found.stdout
    assert f"class-a/{NAME}" in found.stdout
    assert practicum.json("status")["ready"] is True


def test_completion_offers_your_sandboxes(practicum, portal):
    portal.sandbox()
    practicum.env |= {
        "_PRACTICUM_COMPLETE": "complete_bash",
        "COMP_WORDS": "practicum sandbox stop ",
        "COMP_CWORD": "3",
    }
    assert f"class-a/{NAME}" in practicum(person="trainee").stdout


def _stage(name):
    return {"stage": name, "began": "2026-03-02T08:00:00Z"}
