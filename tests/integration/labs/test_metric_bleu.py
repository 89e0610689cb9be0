"""BLEU with interval and signature, against values worked out by hand and sacreBLEU's own."""

import pytest

from practicum_labs import metrics

pytestmark = pytest.mark.torch  # sacrebleu, too, is in the sandbox image alone


def test_four_shares_and_a_geometric_mean():
    # 4 of 5 words, 3 of 4 pairs, 2 of 3 triples, 1 of 2 runs of four; no brevity penalty
    found = metrics.bleu(["a b c d e"], ["a b c d f"], language="en")
    assert found.value == pytest.approx(100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)
    assert "|tok:13a|" in found.signature
    assert found.signature.startswith("nrefs:1|")


def test_chinese_is_cut_into_characters():
    found = metrics.bleu(["甲乙丙丁戊"], ["甲乙丙丁己"], language="zh")
    assert found.value == pytest.approx(66.874, abs=1e-3)
    assert "|tok:zh|" in found.signature
    assert str(found) == "66.9 [66.9, 66.9]"


def test_counts_of_rows_add_up_to_the_corpus_score():
    from sacrebleu.metrics import BLEU

    said = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
    wanted = ["The dog bit the man.", "It was not unexpected.", "The man bit him first."]
    whole = BLEU().corpus_score(said, [wanted]).score
    assert metrics.bleu(said, wanted, language="en").value == pytest.approx(whole)


def test_a_difference_is_paired_and_drawn_by_groups():
    wanted = ["a b c d e", "f g h i j", "k l m n o", "p q r s t"]
    better = ["a b c d e", "f g h i x", "k l m n o", "p q r s x"]
    worse = ["a b c d x", "f g h i x", "k l m n x", "p q r s x"]
    gain = metrics.bleu_difference(better, worse, wanted, language="en")
    assert gain.low >= 0 < gain.value < gain.high
    same = metrics.bleu_difference(worse, worse, wanted, language="en")
    assert (same.value, same.low, same.high) == (0, 0, 0)
    one = metrics.bleu_difference(better, worse, wanted, language="en", groups=[1, 1, 1, 1])
    assert one.low == one.value == one.high
