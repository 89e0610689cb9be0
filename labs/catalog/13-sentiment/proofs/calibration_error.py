import numpy as np


def _ece(probabilities, labels, bins, *, weight=True, sign=False, last=True, confidence=None):
    p, labels = np.asarray(probabilities), np.asarray(labels)
    confidence = p.max(1) if confidence is None else confidence
    right = p.argmax(1) == labels
    number = (confidence * bins).astype(int)
    if last:
        number = number.clip(max=bins - 1)
    gaps, sizes = [], []
    for each in range(bins):
        inside = number == each
        if inside.any():
            gaps.append(right[inside].mean() - confidence[inside].mean())
            sizes.append(inside.sum())
    gaps = np.array(gaps) if sign else np.abs(gaps)
    return abs(float(np.dot(gaps, sizes) / len(labels) if weight else gaps.mean()))


def alternative_sums_in_bins(probabilities, labels, bins=10):
    confidence = np.max(probabilities, axis=1)
    right = np.argmax(probabilities, axis=1) == labels
    number = np.minimum(np.floor(confidence * bins), bins - 1).astype(int)
    gaps = np.bincount(number, weights=right - confidence, minlength=bins)
    return np.abs(gaps).sum() / len(confidence)


def alternative_plain_python(probabilities, labels, bins=10):
    boxes = {}
    for row, label in zip(probabilities.tolist(), labels.tolist()):
        sure = max(row)
        box = boxes.setdefault(min(int(sure * bins), bins - 1), [])
        box.append((row.index(sure) == label) - sure)
    return sum(abs(sum(box)) for box in boxes.values()) / len(labels)


def mutant_percent__times_hundred(probabilities, labels, bins=10):
    return 100 * _ece(probabilities, labels, bins)


def mutant_unweighted__mean_of_bins(probabilities, labels, bins=10):
    return _ece(probabilities, labels, bins, weight=False)


def mutant_no_bins__cancels_out(probabilities, labels, bins=10):
    return _ece(probabilities, labels, bins, sign=True)


def mutant_no_bins__overall(probabilities, labels, bins=10):
    p = np.asarray(probabilities)
    return abs(float((p.argmax(1) == labels).mean() - p.max(1).mean()))


def mutant_gold_probability__knows_the_answer(probabilities, labels, bins=10):
    return _ece(probabilities, labels, bins, confidence=probabilities[np.arange(len(labels)), labels])


def mutant_sure_lost__below_the_edge(probabilities, labels, bins=10):
    return _ece(probabilities, labels, bins, last=False)


def mutant_fixed_bins__ten(probabilities, labels, bins=10):
    return _ece(probabilities, labels, 10)


def mutant_value__every_class(probabilities, labels, bins=10):
    p = np.asarray(probabilities)
    return float(np.mean(np.abs(p - np.eye(3)[labels])))
