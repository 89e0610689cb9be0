"""What the toolkit takes from torch, for real."""

import pytest

pytestmark = pytest.mark.torch


def test_memory_is_counted_from_tensors():
    import torch

    from practicum_labs import memory

    model = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    model[0].requires_grad_(False)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad])
    with memory.SavedForBackward(model) as graph:
        loss = model(torch.ones(16, 8)).sum()
    loss.backward()
    optimizer.step()
    all_, learning = 8 * 4 + 4 + 4 * 2 + 2, 4 * 2 + 2
    steps = 2 * 4  # Adam's own counters, one a tensor
    assert memory.held_by_training(model, optimizer) == 4 * (all_ + 3 * learning) + steps
    assert 0 < graph.bytes <= 4 * 16 * (8 + 4 + 4)
    with memory.SavedForBackward(model, watch=False) as unwatched:
        model(torch.ones(16, 8))
    assert unwatched.bytes == 0


def test_threads_are_chosen_by_measuring():
    import os

    import torch

    from practicum_labs.tier import use_threads

    chosen = use_threads()
    assert 1 <= chosen <= len(os.sched_getaffinity(0))
    assert torch.get_num_threads() == chosen
