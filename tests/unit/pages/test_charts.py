"""Curves as geometry."""

import math

from hypothesis import given
from hypothesis import strategies as st

from practicum_portal.pages import charts
from practicum_portal.views.runs import CurveView

VALUES = st.lists(
    st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32), max_size=60
)


def curve(values, step=5):
    return CurveView(
        metric="loss",
        steps=tuple(range(0, len(values) * step, step)),
        values=tuple(values),
        times=tuple(float(index) for index in range(len(values))),
    )


@given(VALUES)
def test_every_value_is_in_the_box_and_every_gap_is_marked(values):
    drawing = charts.draw(curve(values))
    pairs = [pair.split(",") for piece in drawing.pieces for pair in piece.split()]
    assert all(0 <= float(x) <= charts.WIDTH for x, _ in pairs)
    assert all(0 <= float(y) <= charts.HEIGHT for _, y in pairs)
    assert len(drawing.gaps) == values.count(None)
    assert (drawing.end is None) == all(value is None for value in values)


def test_a_falling_loss_falls_on_the_page_and_a_gap_parts_the_line():
    drawing = charts.draw(curve([3.0, None, 1.0, 0.0]))
    assert drawing.pieces == ("0.0,0.0 0.0,0.0", "66.67,21.33 100.0,32.0")
    assert drawing.gaps == (33.33,)


@given(VALUES, st.integers(min_value=1, max_value=30))
def test_table_keeps_gaps_and_the_end(values, most):
    rows = charts.rows(curve(values), most)
    assert sum(value is None for _, value in rows) == values.count(None)
    if values:
        assert rows[-1] == ((len(values) - 1) * 5, values[-1])
    assert len(rows) <= most + values.count(None) + 1


def test_settings_are_flat_and_without_empty_ones():
    nested = {"lr": 0.1, "lora": {"rank": 8, "targets": []}, "data": {}, "seed": 0, "fp16": False}
    assert charts.flatten(nested) == [("lr", 0.1), ("lora.rank", 8), ("seed", 0), ("fp16", False)]


def test_share():
    assert charts.share(1, 4) == 25.0
    assert charts.share(9, 4) == 100.0
    assert charts.share(None, 4) == charts.share(1, 0) == 0.0


def test_compared_runs_keep_their_number_when_one_lacks_a_metric(samples):
    compare = samples.make_compare()
    only_loss = compare.curves[0].model_copy(update={"curves": compare.curves[0].curves[:1]})
    compare = compare.model_copy(update={"curves": (only_loss, compare.curves[1])})
    lines = dict(charts.overlay(compare))
    assert [number for number, _, _ in lines["loss"]] == [1, 2]
    assert [number for number, _, _ in lines["accuracy"]] == [2]
    assert not math.isnan(lines["accuracy"][0][2].values[0])
