"""How many processors the container may use: what thread pools should be sized to.

Without it torch starts a thread for every core of the node, and a sandbox limited to two of
sixty-four spends its time being throttled.
"""

import math
import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def limit(cgroups: Path = CGROUPS, cores: int | None = None) -> int:
    """Whole processors of the CPU limit, at least 1; the node's cores where there is none."""
    available = cores or len(os.sched_getaffinity(0))
    quota = _version_2(cgroups) or _version_1(cgroups)
    return max(1, min(available, math.ceil(quota))) if quota else available


def _version_2(cgroups: Path) -> float | None:
    words = _read(cgroups / "cpu.max").split()
    return int(words[0]) / int(words[1]) if words and words[0] != "max" else None


def _version_1(cgroups: Path) -> float | None:
    quota = _read(cgroups / "cpu" / "cpu.cfs_quota_us").strip()
    period = _read(cgroups / "cpu" / "cpu.cfs_period_us").strip()
    return int(quota) / int(period) if quota and period and int(quota) > 0 else None


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
