"""How many processor cores this process may keep busy.

Knows affinity and the limits of containers. Does not know what runs on the cores.
"""

from __future__ import annotations

import os
from pathlib import Path


def usable_cores(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Cores that this process may use: fewer than there are, where it is bound or in a container."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = (cgroup / "cpu.max").read_text(encoding="utf-8").split()
        limit = max(1, int(quota) // int(period))
    except (OSError, ValueError):  # no container, or no limit ("max")
        return cores
    return min(cores, limit)
