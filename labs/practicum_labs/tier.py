"""The size a notebook runs at, and how many threads pay on this machine just now."""

import os
import time
from dataclasses import dataclass
from typing import Any, Final, Literal

TierName = Literal["tiny", "cpu", "gpu"]
PROBE_SIZE: Final = 512
PROBE_SECONDS: Final = 0.15


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier and its device."""

    name: TierName
    device: str
    scale: float
    """How many times the CPU tier's examples."""

    def examples(self, cpu: int) -> int:
        """Return how many examples to use where the CPU tier uses ``cpu``."""
        return max(16, int(cpu * self.scale))


def tier(wanted: str = "") -> Tier:
    """Return the tier asked for, or what the machine has; raise ValueError for an unknown one."""
    name = wanted or ("gpu" if _has_gpu() else "cpu")
    match name:
        case "tiny":
            return Tier("tiny", "cpu", 0.05)
        case "cpu":
            return Tier("cpu", "cpu", 1.0)
        case "gpu":
            return Tier("gpu", "cuda" if _has_gpu() else "cpu", 4.0)
        case _:
            raise ValueError(f"{wanted!r} is not a tier: tiny, cpu or gpu")


def use_threads() -> int:
    """Set torch to the number of threads that is fastest now, and return it.

    Two threads that wait for each other on a busy core are slower than one: measured,
    not guessed.
    """
    import torch

    # What the sandbox may use, not what its machine has.
    most = int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))
    speeds = {n: _speed(torch, n) for n in range(1, most + 1)}
    # More threads must pay clearly: a machine that is shared gets busier, not quieter.
    best = max(speeds, key=lambda n: speeds[n] * (1.0 if n == 1 else 0.8))
    torch.set_num_threads(best)
    return best


def _speed(torch: Any, threads: int) -> float:
    torch.set_num_threads(threads)
    matrix = torch.ones(PROBE_SIZE, PROBE_SIZE)
    matrix @ matrix
    began, products = time.perf_counter(), 0
    while time.perf_counter() - began < PROBE_SECONDS:
        matrix @ matrix
        products += 1
    return products / (time.perf_counter() - began)


def _has_gpu() -> bool:
    import torch

    return bool(torch.cuda.is_available())
