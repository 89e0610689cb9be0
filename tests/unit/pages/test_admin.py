"""The form that makes a cohort: what is wrong by field, and what it means."""

import pytest
from pydantic import ValidationError
from starlette.datastructures import FormData

from practicum_portal.pages.admin import beyond, check, draft


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": "spring-a"}, []),
        ({"name": ""}, ["name"]),
        ({"name": "Spring"}, ["name"]),
        ({"name": "spring-"}, ["name"]),
        ({"name": "a", "cpu": "64", "memory": "256Gi", "storage": ""}, []),
        ({"name": "a", "cpu": "many", "memory": "-1"}, ["cpu", "memory"]),
        (
            {"name": "a", "sandboxes": "2.5", "count.gpu": "x", "hours.gpu": "-3"},
            ["sandboxes", "count.gpu", "hours.gpu"],
        ),
        ({"name": "a", "sandboxes": "9" * 5000}, ["sandboxes"]),
    ],
)
def test_mistakes_are_named_by_field(fields, wrong):
    assert list(check(fields)) == wrong


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": "a" * 41}, {"name": "long"}),
        ({"display_name": "x" * 121, "sandboxes": "9"}, {"display_name": "long"}),
        ({"sandboxes": "20000"}, {"sandboxes": "large"}),
        ({"count.cpu": "", "count.gpu": "100001"}, {"count.gpu": "large"}),
        ({"count.a": "1", "count.gpu": "1", "hours.gpu": "10000001"}, {"hours.gpu": "large"}),
        ({"instructor_groups": "x" * 121}, {"instructor_groups": "long"}),
    ],
)
def test_what_goes_beyond_a_bound_is_named_by_field(fields, wrong):
    filled = {"name": "a", **fields}
    assert check(filled) == {}
    with pytest.raises(ValidationError) as caught:
        draft(FormData(filled))
    found = beyond(caught.value, filled)
    assert {field: text.split()[-1].rstrip(".") for field, text in found.items()} == wrong


def test_empty_fields_mean_no_bound():
    made = draft(FormData([("name", "a"), ("cpu", ""), ("count.gpu", ""), ("hours.gpu", "5")]))
    assert made.quota.cpu is None
    assert made.quota.accelerators == ()


def test_what_is_filled_in_is_kept():
    made = draft(
        FormData(
            [
                ("name", " spring-a "),
                ("labs", "tokens"),
                ("labs", "adapter-tuning"),
                ("instructor_groups", "teachers, 讲师组 ,"),
                ("count.gpu", "0"),
                ("hours.gpu", "40"),
            ]
        )
    )
    assert made.name == "spring-a"
    assert made.labs == ("tokens", "adapter-tuning")
    assert made.instructor_groups == ("teachers", "讲师组")
    assert made.quota.accelerators[0].model_dump() == {"class_name": "gpu", "count": 0, "hours": 40}
