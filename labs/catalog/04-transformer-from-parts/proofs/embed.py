import math

import torch
from torch.nn import functional as F


def alternative_framework(ids, table, places):
    return F.embedding(ids, table) * table.shape[1] ** 0.5 + places[None, : ids.shape[1]]


def alternative_one_hot(ids, table, places):
    chosen = F.one_hot(ids, table.shape[0]).to(table.dtype) @ table
    return chosen.mul(math.sqrt(table.shape[1])).add(places[: ids.size(1)])


def mutant_no_positions__tokens_alone(ids, table, places):
    return table[ids] * math.sqrt(table.shape[1])


def mutant_unscaled__plain_sum(ids, table, places):
    return table[ids] + places[: ids.shape[1]]


def mutant_all_scaled__positions_too(ids, table, places):
    return (table[ids] + places[: ids.shape[1]]) * math.sqrt(table.shape[1])


def mutant_value__last_rows_of_the_positions(ids, table, places):
    return table[ids] * math.sqrt(table.shape[1]) + places[-ids.shape[1] :]


def mutant_detached__data(ids, table, places):
    return table.detach()[ids] * math.sqrt(table.shape[1]) + places[: ids.shape[1]]


def mutant_shape__all_positions(ids, table, places):
    return table[ids] * math.sqrt(table.shape[1]) + places


def mutant_shape__concatenated(ids, table, places):
    vectors = table[ids] * math.sqrt(table.shape[1])
    here = places[: ids.shape[1]].expand_as(vectors)
    return torch.cat([vectors, here], dim=-1)
