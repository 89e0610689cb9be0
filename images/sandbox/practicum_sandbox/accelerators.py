"""How busy the sandbox's GPUs are, from NVIDIA's management library."""

from importlib import import_module
from types import ModuleType

from practicum_sandbox.activity import Accelerator


def utilization(library: ModuleType | None = None) -> list[Accelerator] | None:
    """Every visible GPU, or None where there is none or it can't tell (a MIG slice can't)."""
    nvml = library or import_module("pynvml")
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return None
    try:
        handles = [nvml.nvmlDeviceGetHandleByIndex(n) for n in range(nvml.nvmlDeviceGetCount())]
        rates = [float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu) for handle in handles]
    except nvml.NVMLError:
        return None
    finally:
        nvml.nvmlShutdown()
    return [Accelerator(index, rate) for index, rate in enumerate(rates)] or None
