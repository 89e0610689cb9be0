"""Nobody gets more than there is, nobody overtakes, and everyone is told their place."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from practicum_api.base import whole_quantity
from practicum_api.reasons import Reason
from practicum_operator.admission import (
    MILLI,
    CohortRoom,
    Demand,
    Holding,
    Request,
    Room,
    admit,
    in_order,
)
from practicum_operator.cache import Key
from practicum_operator.capacity import ClassRoom, class_rooms
from practicum_operator.views import NodeView

START = datetime(2026, 11, 24, tzinfo=UTC)
POOL = ("nvidia.com/gpu", frozenset({"node-1"}))
GPU = ClassRoom(pools=((POOL, 2),), limit=None)
FREE = 10_000


def demand(owner: str = "a", cohort: str = "spring", **changes) -> Demand:
    return Demand(**{"cohort": cohort, "owner": owner, "cpu": 1000, "memory": 2} | changes)


def request(number: int, wanted: Demand) -> Request:
    return Request(Key("Sandbox", "ns", f"s{number:03}"), START + timedelta(seconds=number), wanted)


def room(pace: int = FREE, classes=None, **quota) -> Room:
    return Room(cohorts={"spring": CohortRoom(**quota)}, classes=classes or {}, pace=pace)


demands = st.builds(
    Demand,
    cohort=st.sampled_from(["spring", "autumn"]),
    owner=st.sampled_from("abcd"),
    cpu=st.integers(0, 4000),
    memory=st.integers(0, 8),
    class_name=st.sampled_from(["big", "small"]),
    count=st.integers(0, 3),
)
rooms = st.builds(
    Room,
    cohorts=st.fixed_dictionaries(
        dict.fromkeys(
            ("spring", "autumn"),
            st.builds(
                CohortRoom,
                sandboxes=st.none() | st.integers(0, 6),
                cpu=st.none() | st.integers(0, 12_000),
                memory=st.none() | st.integers(0, 20),
                accelerators=st.none()
                | st.dictionaries(st.sampled_from(["big", "small"]), st.integers(0, 4)),
                spent=st.frozensets(st.sampled_from(["big", "small"])),
            ),
        )
    ),
    classes=st.fixed_dictionaries(
        dict.fromkeys(
            ("big", "small"),
            st.builds(
                ClassRoom,
                pools=st.just(()) | st.integers(0, 5).map(lambda total: ((POOL, total),)),
                limit=st.none() | st.integers(0, 5),
            ),
        )
    ),
    pace=st.integers(0, 6),
)


@given(st.lists(demands, max_size=25), rooms)
def test_never_hands_out_more_than_there_is(wanted: list[Demand], space: Room) -> None:
    requests = [request(number, item) for number, item in enumerate(wanted)]
    by_key = {item.key: item.demand for item in requests}
    decisions = admit(requests, [], space)
    admitted = [by_key[item.key] for item in decisions if item.admitted]
    assert len(admitted) <= space.pace
    for name, quota in space.cohorts.items():
        mine = [item for item in admitted if item.cohort == name]
        assert quota.sandboxes is None or len(mine) <= quota.sandboxes
        assert quota.cpu is None or sum(item.cpu for item in mine) <= quota.cpu
        assert quota.memory is None or sum(item.memory for item in mine) <= quota.memory
        for kind in ("big", "small"):
            held = sum(item.count for item in mine if item.class_name == kind)
            if quota.accelerators is not None:
                assert held <= quota.accelerators.get(kind, 0)
            assert kind not in quota.spent or held == 0
    for kind, found in space.classes.items():
        held = sum(item.count for item in admitted if item.class_name == kind)
        assert found.limit is None or held <= found.limit


@given(st.lists(demands, max_size=25), st.lists(demands, max_size=6), rooms)
def test_answers_everyone_once_with_a_place_of_their_own(wanted, held, space) -> None:
    requests = [request(number, item) for number, item in enumerate(wanted)]
    holdings = [Holding(item, starting=True) for item in held]
    decisions = admit(requests, holdings, space)
    assert sorted(item.key for item in decisions) == [item.key for item in requests]
    lines = defaultdict(list)
    for item in decisions:
        if item.admitted:
            assert item.position == 0
        else:
            assert item.message
            lines[item.reason].append(item.position)
    for places in lines.values():
        # Several things may be short for the same reason; each has a line of its own from 1 on.
        counts = Counter(places)
        assert all(counts[place] >= counts[place + 1] for place in counts)
        assert min(places) == 1


@given(st.integers(1, 4000), st.integers(1, 40))
def test_a_quota_is_used_to_the_full(millis: int, number: int) -> None:
    each = whole_quantity(f"{millis}m", parts=MILLI)
    quota = whole_quantity(f"{millis * number}m", parts=MILLI)
    requests = [request(item, demand(str(item), cpu=each)) for item in range(number + 1)]
    decisions = admit(requests, [], room(cpu=quota))
    assert sum(item.admitted for item in decisions) == number


def test_the_oldest_goes_first() -> None:
    decisions = admit([request(n, demand(str(n))) for n in (3, 1, 2)], [], room(sandboxes=1))
    assert [item.key.name for item in decisions if item.admitted] == ["s001"]
    assert [(item.key.name, item.position) for item in decisions if not item.admitted] == [
        ("s002", 1),
        ("s003", 2),
    ]


def test_one_for_each_owner_goes_before_seconds() -> None:
    requests = [request(1, demand("a")), request(2, demand("a")), request(3, demand("b"))]
    ordered = in_order(requests, {})
    assert [item.key.name for item in ordered] == ["s001", "s003", "s002"]


def test_who_has_one_already_goes_after_who_has_none() -> None:
    requests = [request(1, demand("a")), request(2, demand("b"))]
    decisions = admit(requests, [Holding(demand("a"))], room(sandboxes=2))
    assert [item.key.name for item in decisions if item.admitted] == ["s002"]


def test_a_large_request_is_not_overtaken_by_small_ones_that_need_the_same() -> None:
    requests = [request(1, demand("a", cpu=4000)), request(2, demand("b", cpu=1000))]
    decisions = admit(requests, [Holding(demand("c", cpu=2000))], room(cpu=4000))
    assert [(item.admitted, item.position) for item in decisions] == [(False, 1), (False, 2)]


def test_waiting_for_an_accelerator_does_not_hold_up_who_needs_none() -> None:
    holding = Holding(demand("c", class_name="gpu", count=2))
    requests = [request(1, demand("a", class_name="gpu", count=1)), request(2, demand("b"))]
    first, second = admit(requests, [holding], room(classes={"gpu": GPU}))
    assert (first.reason, first.position) == (Reason.ACCELERATOR_BUSY, 1)
    assert first.message == "All 2 of gpu are in use."
    assert second.admitted


def test_classes_with_the_same_resource_and_nodes_share_what_is_there() -> None:
    classes = {"gpu": GPU, "gpu-exam": GPU}
    requests = [
        request(1, demand("a", class_name="gpu", count=2)),
        request(2, demand("b", class_name="gpu-exam", count=1)),
    ]
    decisions = admit(requests, [], room(classes=classes))
    assert [item.admitted for item in decisions] == [True, False]


def test_classes_that_share_some_nodes_never_get_more_than_there_is(make) -> None:
    def class_of(name: str, **selector: str):
        return make.accelerator(name, placement={"nodeSelector": selector})

    def node(name: str, **marks: str) -> NodeView:
        return NodeView(name, ready=True, labels=marks, allocatable={"nvidia.com/gpu": "4"})

    def admitted(nodes, *wanted: str) -> int:
        items = [class_of("any"), class_of("a100", gpu="a100"), class_of("east", zone="east")]
        requests = [
            request(n, demand(str(n), class_name=name, count=1)) for n, name in enumerate(wanted)
        ]
        decisions = admit(requests, [], room(classes=class_rooms(items, nodes)))
        return sum(item.admitted for item in decisions)

    one = [node("n1", gpu="a100")]
    assert admitted(one, *["any"] * 4, *["a100"] * 4) == 4
    two = [*one, node("n2")]
    assert admitted(two, *["a100"] * 8) == 4
    assert admitted(two, *["a100"] * 4, *["any"] * 8) == 8
    three = [node("n1", gpu="a100"), node("n2", gpu="a100", zone="east"), node("n3", zone="east")]
    assert admitted(three, *["a100"] * 8, *["east"] * 8) == 12


def test_autoscaled_classes_are_bounded_by_quota_alone() -> None:
    grown = ClassRoom(pools=(), limit=3)
    requests = [request(n, demand(str(n), class_name="gpu", count=1)) for n in range(5)]
    decisions = admit(requests, [], room(classes={"gpu": grown}))
    assert sum(item.admitted for item in decisions) == 3


def test_paced_starts_keep_what_they_wait_with() -> None:
    requests = [request(n, demand(str(n))) for n in range(4)]
    decisions = admit(requests, [], room(pace=1, sandboxes=2))
    assert [item.reason for item in decisions] == [
        Reason.ACCEPTED,
        Reason.START_PACED,
        Reason.QUOTA_EXCEEDED,
        Reason.QUOTA_EXCEEDED,
    ]


def test_what_can_never_fit_says_so_and_holds_up_nobody() -> None:
    requests = [
        request(1, demand("a", cpu=64_000)),
        request(2, demand("b", class_name="other", count=1)),
        request(3, demand("c", class_name="gpu", count=1)),
        request(4, demand("d")),
    ]
    space = room(cpu=8000, accelerators={"gpu": 4}, spent=frozenset({"gpu"}), classes={"gpu": GPU})
    reasons = [item.reason for item in admit(requests, [], space)]
    assert reasons == [
        Reason.TOO_LARGE,
        Reason.TOO_LARGE,
        Reason.HOURS_EXCEEDED,
        Reason.ACCEPTED,
    ]
