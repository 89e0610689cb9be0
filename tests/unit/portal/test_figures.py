"""Numbers of runs: order does not matter, extremes survive, nothing is invented."""

import math

from hypothesis import given
from hypothesis import strategies as st

from practicum_portal.cleaning import clean_json, json_size
from practicum_portal.figures import Curve, flatten, fold, sketch, to_stored

values = st.floats(allow_nan=True, allow_infinity=True, width=32)
points = st.lists(values, min_size=1, max_size=60).flatmap(
    lambda found: st.permutations(list(enumerate(found)))
)


@given(points, st.integers(0, 60))
def test_folding_does_not_depend_on_order_or_on_the_batches(shuffled, cut):
    stored = [(seq, seq, {"loss": to_stored(value)}) for seq, value in shuffled]
    at_once = fold({}, sorted(stored, key=lambda point: point[0]))
    in_parts = fold(fold({}, stored[:cut]), stored[cut:])
    assert in_parts == at_once
    figures = at_once["loss"]
    finite = [value for _, value in shuffled if math.isfinite(value)]
    assert figures["count"] == len(shuffled)
    assert figures["odd"] == len(shuffled) - len(finite)
    assert figures.get("min") == (min(finite) if finite else None)
    assert figures.get("max") == (max(finite) if finite else None)
    assert figures["last"] == to_stored(dict(shuffled)[len(shuffled) - 1])


@given(st.lists(values, min_size=1, max_size=300), st.integers(1, 40))
def test_a_thinned_curve_keeps_ends_extremes_and_gaps(found, width):
    curve = Curve(width=width)
    for seq, value in enumerate(found):
        curve.add(seq, seq * 2, float(seq), to_stored(value))
    drawn = curve.points()
    steps = [step for step, _, _ in drawn]
    assert steps == sorted(set(steps))
    assert (steps[0], steps[-1]) == (0, 2 * (len(found) - 1))
    assert len(drawn) <= 5 * math.ceil(len(found) / width)
    for step, _, value in drawn:
        original = found[step // 2]
        assert value == (original if math.isfinite(original) else None)
    finite = [value for value in found if math.isfinite(value)]
    kept = [value for _, _, value in drawn if value is not None]
    if finite:
        assert (min(kept), max(kept)) == (min(finite), max(finite))
    assert any(value is None for _, _, value in drawn) == (len(finite) < len(found))


def test_flatten_names_leaves_with_dots():
    nested = {"lr": 0.1, "lora": {"rank": 8, "targets": ["q", "v"]}, "empty": {}}
    assert flatten(nested, "config") == {
        "config.lr": 0.1,
        "config.lora.rank": 8,
        "config.lora.targets": ["q", "v"],
        "config.empty": {},
    }


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_whatever_is_cleaned_both_databases_can_hold(value):
    cleaned = clean_json(value)
    assert json_size(cleaned) >= 1
    assert "\x00" not in repr(cleaned)
    assert clean_json(cleaned) == cleaned


def test_deep_and_long_values_are_cut_and_not_refused():
    deep = value = {}
    for _ in range(50):
        value["a"] = {}
        value = value["a"]
    assert json_size(clean_json(deep)) < 1000
    assert len(clean_json("x" * 10_000)) == 4001


@given(st.lists(values, max_size=400), st.integers(1, 50))
def test_a_sketch_stays_small_begins_at_the_start_and_reaches_the_end(found, batch):
    sketched = None
    for start in range(0, len(found), batch):
        points = [(start + at, to_stored(value)) for at, value in enumerate(found[start:][:batch])]
        sketched = sketch(sketched, points)
    if sketched is None:
        return
    assert sketched["seen"] == len(found)
    steps = [step for step, _ in sketched["points"]]
    assert len(steps) <= 48
    assert steps[0] == 0
    assert len(found) - steps[-1] <= sketched["stride"]
    assert steps == list(range(0, len(found), sketched["stride"]))
