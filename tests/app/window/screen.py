"""A screen of its own for a test: Xvfb on a free display, and what can be seen on it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import mss
import numpy as np
import numpy.typing as npt

SIZE = (1400, 800)


@contextmanager
def screen() -> Iterator[str]:
    """Runs Xvfb; yields its display (":5")."""
    reading, writing = os.pipe()
    with subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24", "-noreset"],
        pass_fds=(writing,),
        stderr=subprocess.DEVNULL,
    ) as server:
        os.close(writing)
        try:
            with os.fdopen(reading) as answer:
                yield f":{answer.readline().strip()}"
        finally:
            server.terminate()
            server.wait()


def seen_on(display: str) -> npt.NDArray[np.uint8]:
    """What the screen shows: RGB, shape (height, width, 3)."""
    with mss.MSS(display=display) as grabber:
        shot = grabber.grab(grabber.monitors[0])
        return np.frombuffer(shot.rgb, dtype=np.uint8).reshape(shot.height, shot.width, 3)
