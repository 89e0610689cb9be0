import torch


def alternative_loop(features, lengths):
    return torch.stack([row[:, :n].max(dim=1).values for row, n in zip(features, lengths.tolist())])


def alternative_where(features, lengths):
    real = torch.arange(features.shape[-1])[None, None, :] < lengths[:, None, None]
    return torch.where(real, features, torch.finfo(features.dtype).min).amax(-1)


def alternative_added(features, lengths):
    place = torch.arange(features.shape[2])
    return (features + 0.0).masked_fill((place[None] >= lengths[:, None])[:, None], -1e9).max(2)[0]


def mutant_padding__plain_max(features, lengths):
    return features.amax(dim=2)


def mutant_zero__mask_times_features(features, lengths):
    real = torch.arange(features.shape[2]) < lengths[:, None, None]
    return (features * real).amax(dim=2)


def mutant_zero__filled_with_zero(features, lengths):
    padding = torch.arange(features.shape[2]) >= lengths[:, None, None]
    return features.masked_fill(padding, 0.0).amax(dim=2)


def mutant_mean__mean_over_time(features, lengths):
    real = torch.arange(features.shape[2]) < lengths[:, None, None]
    return (features * real).sum(dim=2) / lengths[:, None]


def mutant_one_too_many__off_by_one(features, lengths):
    padding = torch.arange(features.shape[2]) > lengths[:, None, None]
    return features.masked_fill(padding, -torch.inf).amax(dim=2)


def mutant_value__last_character(features, lengths):
    return features[torch.arange(len(lengths)), :, lengths - 1]


def mutant_shape__over_channels(features, lengths):
    return features.amax(dim=1)


def mutant_not_a_tensor__values_and_indices(features, lengths):
    return tuple(features.max(dim=2))
