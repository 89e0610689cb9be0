import numpy as np


def alternative_from_above(scores, harmful, most):
    chosen = float("nan")
    for threshold in sorted(set(scores.tolist()) | {float(scores.max()) + 1}, reverse=True):
        if (scores[~harmful] >= threshold).mean() > most:
            return chosen
        chosen = threshold
    return chosen


def alternative_between_two_scores(scores, harmful, most):
    clean = np.sort(scores[~harmful])[::-1]
    allowed = int(np.floor(most * len(clean) + 1e-9))
    return float(np.nextafter(clean[allowed], np.inf)) if allowed < len(clean) else float(scores.min())


def mutant_harmful_side__sides_exchanged(scores, harmful, most):
    return float(min(t for t in (*scores, 2.0) if (scores[harmful] >= t).mean() <= most))


def mutant_too_many__quantile_of_the_harmless(scores, harmful, most):
    return float(np.quantile(scores[~harmful], 1 - most, method="lower"))


def mutant_too_many__share_of_all(scores, harmful, most):
    return float(min(t for t in (*scores, 2.0) if (scores[~harmful] >= t).sum() / len(scores) <= most))


def mutant_too_few__refuses_nothing(scores, harmful, most):
    return float(scores.max()) + 1


def mutant_too_few__the_largest_that_fits(scores, harmful, most):
    return float(max(t for t in scores if (scores[~harmful] >= t).mean() <= most)) + 1e-9
