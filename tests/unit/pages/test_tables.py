"""The live table: order, filters and counts."""

import pytest

from practicum_api.sandbox import Phase
from practicum_portal.identity import Role
from practicum_portal.pages.tables import Counts, Filter, arrange, count, group, row_class, why
from practicum_portal.views.cohorts import TableRow


def users(rows):
    return [row.user for row in rows]


def test_trouble_comes_first_then_who_waits(samples):
    rows = arrange(samples.make_rows(), Filter())
    assert [group(row) for row in rows] == [
        "trouble",
        "trouble",
        "waiting",
        "running",
        "suspended",
        "absent",
    ]
    assert row_class(rows[0]) == "row-trouble"
    assert row_class(rows[-1]) == ""


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(who="ONE"), ["trainee"]),
        (Filter(who="学员"), ["学员二号"]),
        (Filter(state="absent"), ["trainee-3"]),
        (Filter(lab="tokens"), []),
    ],
)
def test_filters(samples, wanted, found):
    assert users(arrange(samples.make_rows(), wanted)) == found


def test_unknown_words_in_the_address_are_ignored():
    wanted = Filter.of(" x ", "", "broken", "sideways")
    assert wanted == Filter(who="x", state="", sort="trouble")
    assert not Filter().narrows


def test_order_by_name_and_by_activity(samples):
    by_name = users(arrange(samples.make_rows(), Filter(sort="name")))
    assert by_name == sorted(by_name, key=lambda user: "trainee one" if user == "trainee" else user)
    by_activity = arrange(samples.make_rows(), Filter(sort="activity"))
    assert by_activity[-1].sandbox is None


def test_counts(samples):
    assert count(samples.make_rows()) == Counts(
        people=6, running=1, starting=1, queued=1, trouble=2, absent=1
    )


def test_instructors_count_only_with_a_sandbox(samples):
    teacher = TableRow(user="instructor", role=Role.INSTRUCTOR)
    assert arrange([teacher], Filter()) == []
    assert count([teacher]) == Counts()
    busy = teacher.model_copy(update={"sandbox": samples.make_sandbox()})
    assert users(arrange([busy], Filter())) == ["instructor"]


def test_why_names_place_stage_and_fault(samples):
    queued = why(samples.make_sandbox(Phase.QUEUED))
    assert (queued.text, queued.place) == ("All accelerators of this class are in use.", 3)
    starting = why(samples.make_sandbox(Phase.STARTING))
    assert (starting.stage, starting.text) == ("Starting", "")
    assert why(samples.make_sandbox(Phase.STALLED)).bad
