# ruff: noqa: INP001 (a script, not a package)
"""Shows that the grader image computes: runs at its build, and by hand."""

import numpy as np
from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU
from safetensors.numpy import load, save
from sklearn.metrics import f1_score


def main() -> None:
    """Compute each kind of metric once, on numbers known by hand."""
    weights = {"adapter": np.eye(2, dtype=np.float32)}
    if not (load(save(weights))["adapter"] == weights["adapter"]).all():
        raise SystemExit("safetensors did not give back what was put in")
    bleu = BLEU(tokenize="zh").corpus_score(["今天天气很好"], [["今天天气很好"]])
    rouge = rouge_scorer.RougeScorer(["rougeL"]).score("a b c d", "a b x d")["rougeL"]
    f1 = f1_score([0, 1, 1, 0], [0, 1, 0, 0], average="macro")
    if not (bleu.score > 99.9 and abs(rouge.fmeasure - 0.75) < 1e-9 and 0.73 < f1 < 0.74):  # noqa: PLR2004
        raise SystemExit(f"unexpected metrics: BLEU {bleu.score}, ROUGE-L {rouge}, F1 {f1}")
    print("grader: metrics are as expected")  # noqa: T201


if __name__ == "__main__":
    main()
