"""How much memory training needs, counted from the tensors themselves.

A process's peak depends on what ran before and on the allocator; these counts do not.
"""

from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any, Self


def held_by_training(model: Any, optimizer: Any) -> int:
    """Return the bytes of weights, gradients and the optimizer's state, between two steps.

    Call it after a step, before gradients are cleared.
    """
    import torch

    tensors = [*model.parameters(), *model.buffers()]
    tensors += [p.grad for p in model.parameters() if p.grad is not None]
    for state in optimizer.state.values():
        tensors += [value for value in state.values() if isinstance(value, torch.Tensor)]
    return sum(_bytes(tensor) for tensor in tensors)


class SavedForBackward(AbstractContextManager["SavedForBackward"]):
    """Counts what a forward pass keeps for the backward pass, beyond the model's weights."""

    def __init__(self, model: Any, *, watch: bool = True) -> None:
        """Watch what autograd keeps, leaving out what ``model`` holds anyway.

        Watching takes a little time; with ``watch`` false nothing is counted.
        """
        from torch.autograd.graph import saved_tensors_hooks

        self._own = {tensor.untyped_storage().data_ptr() for tensor in model.parameters()}
        self._seen: dict[int, int] = {}
        self._hooks = saved_tensors_hooks(self._pack, _unpack) if watch else nullcontext()

    @property
    def bytes(self) -> int:
        """What was kept."""
        return sum(self._seen.values())

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._hooks.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End watching."""
        self._hooks.__exit__(kind, error, trace)

    def _pack(self, tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in self._own:
            self._seen[storage.data_ptr()] = storage.nbytes()
        return tensor.detach()


def _unpack(tensor: Any) -> Any:
    return tensor


def _bytes(tensor: Any) -> int:
    return int(tensor.numel() * tensor.element_size())
