"""The cache reads its own writes and never goes back in time."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from practicum_operator.cache import Store, is_newer


@dataclass(frozen=True)
class Item:
    name: str
    value: int


def body(version: int | str, value: int = 0, name: str = "a") -> dict:
    return {"metadata": {"name": name, "resourceVersion": str(version)}, "value": value}


def parse(item: dict) -> Item:
    return Item(item["metadata"]["name"], item["value"])


@pytest.fixture
def store() -> Store[Item]:
    return Store(parse, {"value": lambda item: item.value})


@pytest.mark.parametrize(
    ("version", "than", "newer"),
    [("2", "1", True), ("10", "9", True), ("1", "1", False), ("9", "10", False), ("x", "1", True)],
)
def test_versions_are_compared_as_numbers(version, than, newer) -> None:
    assert is_newer(version, than) is newer


def test_an_older_event_is_ignored(store) -> None:
    assert store.observe(body(5, 1)) == (None, Item("a", 1))
    assert store.observe(body(4, 0)) is None
    assert store.get("a") == Item("a", 1)


def test_the_event_of_an_own_write_is_no_news(store) -> None:
    store.observe(body(5, 1))
    assert store.put(Item("a", 2), "7", ("", "a"))
    assert store.observe(body(6, 1)) is None
    assert store.observe(body(7, 2)) is None
    assert store.get("a") == Item("a", 2)


def test_a_deletion_is_final_until_something_newer_comes(store) -> None:
    store.observe(body(5, 1))
    assert store.observe(body(8), deleted=True) == (Item("a", 1), None)
    assert store.put(Item("a", 2), "7", ("", "a")) is False
    assert store.get("a") is None
    assert store.observe(body(9, 3)) == (None, Item("a", 3))


def test_a_deletion_may_bear_the_version_that_its_answer_had(store) -> None:
    store.observe(body(5, 1))
    store.put(Item("a", 1), "6", ("", "a"))
    assert store.observe(body(6), deleted=True) == (Item("a", 1), None)


def test_what_a_list_no_longer_has_is_missing_unless_it_is_newer(store) -> None:
    store.observe(body(5, name="old"))
    store.observe(body(6, name="kept"))
    store.observe(body(12, name="new"))
    assert store.missing([("", "kept")], "10") == [("", "old")]
    store.drop(("", "old"), "10")
    assert store.get("old") is None


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 3), st.booleans()), max_size=30))
def test_indexes_agree_with_what_is_there(events) -> None:
    store = Store(parse, {"value": lambda item: item.value})
    for number, value, deleted in events:
        store.observe(body(number, value, name=f"n{value % 2}"), deleted=deleted)
        for wanted in range(4):
            assert sorted(map(repr, store.find("value", wanted))) == sorted(
                repr(item) for item in store if item.value == wanted
            )
