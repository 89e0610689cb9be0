import torch
from torch.nn.utils.rnn import pad_sequence


def alternative_pad_sequence(rows):
    inputs = pad_sequence([torch.tensor(row[:-1]) for row in rows], batch_first=True)
    targets = pad_sequence([torch.tensor(row[1:]) for row in rows], batch_first=True, padding_value=-100)
    return inputs, targets


def alternative_one_by_one(rows):
    longest = max(map(len, rows)) - 1
    inputs, targets = [], []
    for row in rows:
        left = longest - (len(row) - 1)
        inputs.append(row[:-1] + [0] * left)
        targets.append(row[1:] + [-100] * left)
    return torch.tensor(inputs), torch.tensor(targets)


def _filled(rows, length, of, filling=0):
    made = torch.full((len(rows), length), filling)
    for n, row in enumerate(rows):
        part = of(row)[:length]
        made[n, : len(part)] = torch.tensor(part)
    return made


def _length(rows):
    return max(map(len, rows)) - 1


def mutant_unshifted__targets_are_inputs(rows):
    inputs = _filled(rows, _length(rows), lambda row: row[:-1])
    return inputs, _filled(rows, _length(rows), lambda row: row[:-1], -100)


def mutant_backwards__the_token_before(rows):
    length = _length(rows)
    return _filled(rows, length, lambda row: row[:-1]), _filled(rows, length, lambda row: [0, *row[:-2]], -100)


def mutant_inputs__starts_one_late(rows):
    length = _length(rows)
    return _filled(rows, length, lambda row: [0, *row[:-2]]), _filled(rows, length, lambda row: row[1:], -100)


def mutant_targets__two_ahead(rows):
    length = _length(rows)
    return _filled(rows, length, lambda row: row[:-1]), _filled(rows, length, lambda row: [*row[2:], 0], -100)


def mutant_padding_target__zeros(rows):
    length = _length(rows)
    return _filled(rows, length, lambda row: row[:-1]), _filled(rows, length, lambda row: row[1:])


def mutant_padding_input__last_token_left_in(rows):
    length = _length(rows)
    return _filled(rows, length, lambda row: row), _filled(rows, length, lambda row: row[1:], -100)


def mutant_pair__one_tensor(rows):
    return _filled(rows, _length(rows), lambda row: row[:-1])


def mutant_shape__the_whole_length(rows):
    length = _length(rows) + 1
    return _filled(rows, length, lambda row: row[:-1]), _filled(rows, length, lambda row: row[1:], -100)


def mutant_dtype__floating_point(rows):
    length = _length(rows)
    return _filled(rows, length, lambda row: row[:-1]).float(), _filled(rows, length, lambda row: row[1:], -100)
