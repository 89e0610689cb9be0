"""Use is counted, and counted once."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from practicum_api.cohort import RELEASED_MAX, AcceleratorUsage, CohortStatus
from practicum_api.sandbox import SandboxStatus, SandboxUsage
from practicum_operator.builders.blueprint import resolve
from practicum_operator.plan_cohort import hours_left
from practicum_operator.usage import add_accelerators, roll_up, settled, so_far


def gpu_status(make, seconds: int, **usage) -> SandboxStatus:
    lab = make.lab(accelerator={"className": "a100", "count": 2}, resources={"cpu": "1500m"})
    return SandboxStatus(
        blueprint=resolve(lab, make.accelerator()),
        usage=SandboxUsage(since=make.now - timedelta(seconds=seconds), **usage),
    )


def test_the_current_attempt_counts_from_its_start(make) -> None:
    before = (AcceleratorUsage(class_name="t4", seconds=7),)
    status = gpu_status(make, 100, running_seconds=10, accelerators=before)
    used = so_far(status, make.now)
    assert (used.running_seconds, used.cpu_seconds, used.accelerator_seconds) == (110, 150, 200)
    assert used.accelerators == (
        AcceleratorUsage(class_name="a100", seconds=200),
        AcceleratorUsage(class_name="t4", seconds=7),
    )
    assert used.since == status.usage.since
    assert settled(status, make.now).since is None


def test_a_clock_that_went_back_counts_nothing(make) -> None:
    assert so_far(gpu_status(make, -60), make.now).running_seconds == 0


def test_nothing_runs_nothing_counts(make) -> None:
    idle = SandboxStatus(usage=SandboxUsage(running_seconds=5))
    assert so_far(idle, make.now) == idle.usage


finished = st.dictionaries(
    st.sampled_from("abcdef"), st.integers(0, 100).map(lambda n: SandboxUsage(running_seconds=n))
)


@given(finished, st.lists(st.integers(0, 3), max_size=4))
def test_rolling_up_again_after_a_crash_adds_nothing(done, repeats) -> None:
    once = roll_up(CohortStatus(), done.items(), [])
    for _ in repeats:
        assert roll_up(once, done.items(), []) == once
    assert once.usage.running_seconds == sum(item.running_seconds for item in done.values())


def test_uids_of_sandboxes_that_are_gone_are_dropped() -> None:
    status = CohortStatus(released=("gone", "here"))
    assert roll_up(status, [], ["here"]).released == ("here",)
    assert roll_up(status, [("new", SandboxUsage())], []).released == ("new",)


def test_more_than_the_list_holds_are_counted_in_turn() -> None:
    finished = {f"s{number}": SandboxUsage(running_seconds=1) for number in range(2 * RELEASED_MAX)}
    first = roll_up(CohortStatus(), finished.items(), finished)
    assert len(first.released) == first.usage.running_seconds == RELEASED_MAX
    assert roll_up(first, finished.items(), finished) == first
    left = {uid: used for uid, used in finished.items() if uid not in first.released}
    last = roll_up(first, left.items(), left)
    assert last.usage.running_seconds == len(finished)
    assert last.released == tuple(sorted(left))


def test_sums_by_class_are_in_order() -> None:
    one = AcceleratorUsage(class_name="b", seconds=1)
    two = AcceleratorUsage(class_name="a", seconds=2)
    assert add_accelerators([one], [two, one]) == (
        two,
        AcceleratorUsage(class_name="b", seconds=2),
    )


def test_hours_left_count_the_dead_and_the_living_once(make) -> None:
    quota = {"accelerators": [{"className": "a100", "count": 4, "hours": 1}]}
    cohort = make.cohort(quota=quota).model_copy(
        update={
            "status": CohortStatus(
                accelerator_usage=(AcceleratorUsage(class_name="a100", seconds=1000),),
                released=("uid-counted",),
            )
        }
    )
    running = make.sandbox("running").model_copy(update={"status": gpu_status(make, 100)})
    counted = make.sandbox("counted").model_copy(update={"status": gpu_status(make, 100)})
    assert hours_left(cohort, [running, counted], make.now) == {"a100": (2400.0, 2)}
    assert hours_left(make.cohort(), [running], make.now) == {}
