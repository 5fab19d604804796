"""When a program that was started has come so far that its model loads."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

WAIT_S = 120.0


def until_it_loads(process: subprocess.Popen[str]) -> None:
    """Wait until the program has begun to load PyTorch, which it does for its model only, or has ended."""
    maps, end_s = Path(f"/proc/{process.pid}/maps"), time.monotonic() + WAIT_S
    while process.poll() is None and "libtorch" not in maps.read_text(encoding="utf-8"):
        assert time.monotonic() < end_s, "it never began to load"
        time.sleep(0.02)
