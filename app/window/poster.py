"""The first picture of a video, to show before it plays.

Knows how to get it from a source without playing. Knows no widget; not to be called on the window's thread.
"""

from app.sources import Preview, VideoFileSource
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
