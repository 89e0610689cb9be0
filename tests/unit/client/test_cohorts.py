"""Cohorts from the command line."""

import pytest


def test_cohorts_and_people(practicum, portal):
    [found] = practicum.json("cohort", "list", person="instructor")
    assert (found["name"], found["role"]) == ("class-a", "instructor")
    users = [
        member["user"]
        for member in practicum.json("cohort", "members", "class-a", person="instructor")
    ]
    assert sorted(users) == ["instructor", "trainee"]
    assert "trainee" in practicum("cohort", "table", "class-a", person="instructor").stdout


def test_an_import_is_tried_then_done(practicum, portal, tmp_path):
    roster = tmp_path / "roster.csv"
    roster.write_text("user,name,role\ntrainee-2,,trainee\n")
    words = ("cohort", "import", "class-a", str(roster))
    tried = practicum(*words, "--dry-run", person="instructor")
    assert "dry run" in tried.stderr
    assert "trainee-2" in tried.stdout
    assert len(practicum.json("cohort", "members", "class-a", person="instructor")) == 2

    assert practicum(*words, person="instructor").exit_code == 0
    assert len(practicum.json("cohort", "members", "class-a", person="instructor")) == 3
    assert "trainee-2" in portal.hub.users


def test_an_import_names_each_mistake_by_line(practicum, tmp_path):
    roster = tmp_path / "roster.csv"
    roster.write_text("user,role\ntrainee-2,pilot\n,trainee\n")
    found = practicum("cohort", "import", "class-a", str(roster), person="instructor")
    assert found.exit_code == 1
    assert "line 2" in found.stdout
    assert "line 3" in found.stdout
    assert "Nothing was written" in found.stderr


def test_an_import_from_a_pipe(practicum):
    words = ("cohort", "import", "class-a", "-", "--dry-run", "--json")
    found = practicum(*words, person="instructor", stdin="user\ntrainee-2\n")
    assert found.exit_code == 0, found.output
    assert '"created": ["trainee-2"]' in found.stdout


def test_a_file_that_is_not_there(practicum):
    found = practicum("cohort", "import", "class-a", "/nowhere.csv", person="instructor")
    assert found.exit_code == 1
    assert "/nowhere.csv" in found.stderr


@pytest.mark.parametrize("command", ["members", "table", "usage"])
def test_trainees_may_not_look(practicum, command):
    found = practicum("cohort", command, "class-a", person="trainee")
    assert found.exit_code in {1, 5}
    assert found.stderr


def test_usage_without_prometheus_says_so(practicum, portal):
    portal.prometheus.away = True
    found = practicum("cohort", "usage", "class-a", person="instructor")
    assert found.exit_code == 0, found.output
    assert "total" in found.stdout


def test_accelerators(practicum, portal):
    portal.put(
        "acceleratorclasses",
        {
            "metadata": {"name": "a100", "uid": "u"},
            "spec": {"displayName": "A100", "resourceName": "nvidia.com/gpu"},
            "status": {"total": 4, "inUse": 1, "conditions": []},
        },
    )
    assert "1/4" in practicum("accelerators", person="instructor").stdout
