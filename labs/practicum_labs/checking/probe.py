"""What a lab's check has in hand: call the candidate, and say what is wrong with its answer."""

import inspect
import random
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

FILE: Final = "<your code>"
LONGEST_MESSAGE: Final = 300


class Wrong(Exception):  # noqa: N818 (read as: the answer is wrong)
    """The candidate is wrong; ``failure`` names the sentence that says how."""

    def __init__(self, failure: str, *, generic: bool = False, **facts: Any) -> None:
        """Keep what the sentence needs."""
        super().__init__(failure)
        self.failure, self.generic, self.facts = failure, generic, facts


class OutOfTime(BaseException):
    """The candidate used its CPU time up."""


@dataclass(slots=True)
class Probe:
    """Handed to each check with the candidate. ``seed`` is new every time."""

    seed: int
    folder: Path
    data: Path
    measures: dict[str, float] = field(default_factory=dict)

    @property
    def rng(self) -> random.Random:
        """Random numbers of this check, from the beginning.

        Keep them in a name to draw on; ask again to make the same inputs once more.
        """
        return random.Random(self.seed)  # noqa: S311 (test inputs)

    def measure(self, name: str, value: float) -> None:
        """Note a number that people may want to see."""
        self.measures[name] = value

    def expect(self, fine: Any, failure: str, **facts: Any) -> None:
        """Raise Wrong unless ``fine``."""
        if not bool(fine):
            raise Wrong(failure, **facts)

    def call(self, candidate: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Return what the candidate returns; what it raises becomes a sentence."""
        try:
            inspect.signature(candidate).bind(*args, **kwargs)
        except TypeError as error:
            raise Wrong("signature", generic=True, detail=str(error)) from error
        except ValueError:
            pass  # no signature to be had: let the call say
        try:
            result = candidate(*args, **kwargs)
        except NotImplementedError as error:
            raise Wrong("untouched", generic=True, blank=str(error) or "?") from error
        except MemoryError as error:
            raise Wrong("memory", generic=True) from error
        except Wrong:
            raise
        except Exception as error:
            raise _raised(error) from error
        if result is None:
            raise Wrong("returns_none", generic=True)
        return result

    def tensor(self, value: Any, *, shape: tuple[int, ...] | None = None, dtype: Any = None) -> Any:
        """Return ``value`` when it is a finite tensor of this shape and dtype."""
        import torch

        if not isinstance(value, torch.Tensor):
            raise Wrong("not_a_tensor", generic=True, got=type(value).__name__)
        if shape is not None and tuple(value.shape) != shape:
            raise Wrong("shape", generic=True, got=tuple(value.shape), want=shape)
        if dtype is not None and value.dtype != dtype:
            raise Wrong("dtype", generic=True, got=_plain(value.dtype), want=_plain(dtype))
        if not torch.isfinite(value).all():
            raise Wrong("not_finite", generic=True)
        return value

    def number(self, value: Any) -> float:
        """Return ``value`` when it is one finite number."""
        if isinstance(value, (bool, str)) or not hasattr(value, "__float__"):
            raise Wrong("not_a_number", generic=True, got=type(value).__name__)
        number = float(value)
        if number != number or number in (float("inf"), float("-inf")):  # noqa: PLR0124
            raise Wrong("not_finite", generic=True)
        return number


def _plain(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def _raised(error: Exception) -> Wrong:
    if "can't allocate memory" in str(error):
        return Wrong("memory", generic=True)
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == FILE]
    where = (lines[-1].line or "").strip() if lines else ""
    text = f"{type(error).__name__}: {error}".strip()[:LONGEST_MESSAGE]
    return Wrong("raised", generic=True, error=text, where=where)
