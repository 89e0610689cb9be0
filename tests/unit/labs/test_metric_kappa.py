"""Agreement of raters, against published and worked values."""

import pytest

from practicum_labs import metrics

FLEISS = [  # ten items, fourteen raters, five classes: the worked example of many textbooks
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]


def test_the_textbook_example():
    assert metrics.fleiss_kappa(FLEISS) == pytest.approx(0.210, abs=5e-4)


def test_complete_agreement_is_one_and_constant_disagreement_of_two_is_minus_one():
    assert metrics.fleiss_kappa([[3, 0], [0, 3], [3, 0]]) == pytest.approx(1.0)
    assert metrics.fleiss_kappa([[1, 1], [1, 1]]) == pytest.approx(-1.0)


def test_the_order_of_classes_does_not_matter():
    turned = [row[::-1] for row in FLEISS]
    assert metrics.fleiss_kappa(turned) == pytest.approx(metrics.fleiss_kappa(FLEISS))


@pytest.mark.parametrize("counts", [[], [[1, 0], [0, 1]], [[2, 0], [1, 2]]])
def test_unequal_or_lonely_raters_are_refused(counts):
    with pytest.raises(ValueError, match="same number of raters"):
        metrics.fleiss_kappa(counts)
