"""The first picture of a source, to show before it is watched.

Knows how to get it from a file without playing, and from the screen. Knows no widget; not to be called on the window's
thread.
"""

import time

import numpy as np

from app.sources import Preview, SourceSpec, VideoFileSource
from app.sources.screen import screen_device
from app.sources.spec import RegionSpec, ScreenSpec, WindowSpec
from app.window.picture import Picture, PictureBox


def first_picture(path: str, room: tuple[int, int]) -> Picture | None:
    """The first picture of a video, as large as fits into `room` (height, width). Raises SourceError."""
    box = PictureBox(lambda: None)
    box.set_room(*room)

    def keep_first(preview: Preview) -> None:
        if box.num_put == 0:
            box.put(preview)
        source.stop()

    source = VideoFileSource(path, on_preview=keep_first)
    for _ in source:
        break
    return box.take()


def blank_picture() -> Picture:
    """What is shown of a source that nobody has looked at yet."""
    pixels = np.zeros((9, 16, 4), dtype=np.uint8)
    pixels[..., 3] = 255
    return Picture(pixels, 0.0)


def live_picture(spec: SourceSpec, room: tuple[int, int]) -> Picture | None:
    """What a screen, region or window shows now. Raises LiveSourceError.

    None for a camera or a stream: nobody wants a camera's light to go on before Start.
    """
    if not isinstance(spec, ScreenSpec | RegionSpec | WindowSpec):
        return None
    device = screen_device(spec)
    try:
        device.open()
        shot = device.newest()
    finally:
        device.close()
    if shot is None:
        return None
    box = PictureBox(lambda: None)
    box.set_room(*room)
    box.put(Preview(shot.pixels, time.monotonic()))
    return box.take()
