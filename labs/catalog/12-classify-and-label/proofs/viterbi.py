import itertools
import math

import numpy as np


def alternative_all_paths(scores, starts, follows):
    best, found = -math.inf, None
    for path in itertools.product(range(scores.shape[1]), repeat=len(scores)):
        if starts[path[0]] and all(follows[a, b] for a, b in itertools.pairwise(path)):
            total = sum(row[tag] for row, tag in zip(scores, path))
            if total > best:
                best, found = total, list(path)
    return found


def alternative_paths_along(scores, starts, follows):
    paths = {j: (scores[0][j], [j]) for j in range(len(starts)) if starts[j]}
    for row in scores[1:]:
        longer = {}
        for j in range(len(starts)):
            ways = [(total + row[j], [*path, j]) for i, (total, path) in paths.items() if follows[i][j]]
            if ways:
                longer[j] = max(ways)
        paths = longer
    return np.array(max(paths.values())[1])


def mutant_starts__best_tag_of_each_character(scores, starts, follows):
    return scores.argmax(axis=1).tolist()


def mutant_forbidden__only_the_start(scores, starts, follows):
    return [int(np.where(starts, scores[0], -np.inf).argmax()), *scores[1:].argmax(axis=1).tolist()]


def mutant_not_best__greedy_but_allowed(scores, starts, follows):
    path = [int(np.where(starts, scores[0], -np.inf).argmax())]
    for row in scores[1:]:
        path.append(int(np.where(follows[path[-1]], row, -np.inf).argmax()))
    return path


def _viterbi(scores, starts, follows):
    best, came_from = np.where(starts, scores[0], -np.inf), []
    for row in scores[1:]:
        ways = np.where(follows, best[:, None], -np.inf)
        came_from.append(ways.argmax(axis=0))
        best = ways.max(axis=0) + row
    path = [int(best.argmax())]
    for step in reversed(came_from):
        path.append(int(step[path[-1]]))
    return path


def mutant_reversed__never_turned(scores, starts, follows):
    path = _viterbi(scores, starts, follows)
    return path


def mutant_turned__follows_transposed(scores, starts, follows):
    return _viterbi(scores, starts, follows.T)[::-1]


def mutant_not_a_path__first_is_missing(scores, starts, follows):
    return _viterbi(scores, starts, follows)[::-1][1:]
