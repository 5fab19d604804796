"""What watching costs on this machine:  python -m app.sources.bench [--seconds 20]

Starts an X server of its own with a moving picture (unless --display names one), watches it at each frame rate, and prints
how much of one core that takes, and how long after a frame was taken its chunk is in the engine's hands.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

from app.sources.live import LiveSource
from app.sources.own_windows import own_windows
from app.sources.reader import SourceReader
from app.sources.screen import screen_device
from app.sources.spec import ScreenSpec
from engine.chunk import FrameChunk

_MOVE_S = 0.05


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--fps", type=float, nargs="+", default=[2.0, 8.0])
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--display", help="an X server that runs already")
    parser.add_argument("--no-preview", action="store_true", help="without pictures for a person")
    parser.add_argument("--covered", action="store_true", help="with a window of our own of 1280x720 over it")
    options = parser.parse_args()
    with _screen(options.display, options.size) as display, _cover(display, is_there=options.covered):
        for fps in options.fps:
            sys.stdout.write(
                _measure(display, fps, options.seconds, has_preview=not options.no_preview) + "\n"
            )
            sys.stdout.flush()
    return 0


def _measure(display: str, fps: float, seconds: float, *, has_preview: bool) -> str:
    handed_over_ms: list[float] = []
    device = screen_device(ScreenSpec(1), display=display)
    newest = device.newest
    taken_at_s = [0.0]

    def newest_timed() -> object:
        shot = newest()
        taken_at_s[0] = shot.taken_at_s if shot is not None else taken_at_s[0]
        return shot

    device.newest = newest_timed  # type: ignore[method-assign, assignment] # measured from outside, so that nothing is measured in use

    def take(chunk: FrameChunk) -> bool:
        handed_over_ms.append(1e3 * (time.monotonic() - taken_at_s[0]))
        return True

    source = LiveSource(device, fps=fps, on_preview=(lambda _: None) if has_preview else None)
    source.open()
    ended = threading.Event()
    reader = SourceReader(source, take, lambda _: ended.set())
    reader.start()
    time.sleep(1.0)
    cpu_s, began_s = time.process_time(), time.monotonic()
    time.sleep(seconds)
    share = (time.process_time() - cpu_s) / (time.monotonic() - began_s)
    reader.stop()
    middle = statistics.median(handed_over_ms)
    worst = max(handed_over_ms)
    height, width = source.size
    return (
        f"{width}x{height} at {fps:g} frames/s: {share:.1%} of one core; frame taken to chunk handed over: "
        f"median {middle:.1f} ms, worst {worst:.1f} ms of {len(handed_over_ms)}; {source.num_dropped} chunks dropped"
    )


@contextlib.contextmanager
def _screen(display: str | None, size: str) -> Iterator[str]:
    if display is not None:
        yield display
        return
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{size}x24", "-noreset"]
    with subprocess.Popen(command, pass_fds=(writing,), stderr=subprocess.DEVNULL) as server:
        os.close(writing)
        with os.fdopen(reading) as answer:
            own = f":{answer.readline().strip()}"
        mover = subprocess.Popen([sys.executable, "-c", _MOVER, own])
        try:
            time.sleep(1.0)
            yield own
        finally:
            mover.terminate()
            mover.wait()
            server.terminate()


@contextlib.contextmanager
def _cover(display: str, *, is_there: bool) -> Iterator[None]:
    """A window of ours, which no picture may contain."""
    if not is_there:
        yield
        return
    from Xlib.display import Display

    ours = Display(display)
    window = ours.screen().root.create_window(300, 100, 1280, 720, 0, 24, background_pixel=0xFF0000)
    window.map()
    ours.sync()
    own_windows.put(window.id)
    try:
        yield
    finally:
        own_windows.remove(window.id)
        ours.close()


_MOVER = f"""
import itertools, sys, time
from Xlib import X
from Xlib.display import Display
display = Display(sys.argv[1])
root = display.screen().root
window = root.create_window(0, 0, 640, 360, 0, 24, background_pixel=0x3366cc, override_redirect=1)
window.map()
for step in itertools.count():
    window.configure(x=step * 7 % 1200, y=step * 3 % 600)
    display.sync()
    time.sleep({_MOVE_S})
"""

if __name__ == "__main__":
    sys.exit(main())
