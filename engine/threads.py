"""How PyTorch's CPU threads wait for each other.

Knows: one setting of the OpenMP runtime. Does not know: torch, which must not be loaded yet.
"""

from __future__ import annotations

import os


def share_cores() -> None:
    """Let CPU threads that wait for work sleep instead of spinning; call it before torch is first imported.

    A step is thousands of short parallel regions. Threads that spin between them are quick on idle cores,
    but on a machine that has anything else to do (decoding video, drawing a window) a spinning thread keeps
    the one it waits for off its core. Measured on two cores with one other busy process: a step of the demo
    model takes 0.83 s with spinning (95th percentile 4.0 s) and 0.18 s without (0.23 s); on idle cores 0.13
    s and 0.16 s. A choice already made in the environment stays.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
