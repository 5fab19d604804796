"""A program of its own that plays a video in a window: `python -m tests.app.sources.playing VIDEO LEFT TOP WIDTH HEIGHT`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import av
from PySide6.QtCore import QTimer
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QApplication, QLabel


def main() -> int:
    """Play the video again and again until the program is ended."""
    video, left, top, width, height = sys.argv[1], *(int(text) for text in sys.argv[2:6])
    application = QApplication(["player"])
    label = QLabel()
    label.setWindowTitle("Player")
    label.setGeometry(left, top, width, height)
    label.setScaledContents(True)
    frames = _frames(video)
    began_s = time.monotonic()
    shown_until_s, pixmap = 0.0, QPixmap()

    def show() -> None:
        nonlocal shown_until_s, pixmap
        is_new = False
        while shown_until_s <= time.monotonic() - began_s:
            shown_until_s, frame = next(frames)
            is_new = True
        if is_new:
            pixels = frame.to_ndarray(format="rgb24")
            image = QImage(
                pixels.data, frame.width, frame.height, pixels.strides[0], QImage.Format.Format_RGB888
            )
            pixmap = QPixmap.fromImage(image)
            label.setPixmap(pixmap)

    timer = QTimer(interval=30)
    timer.timeout.connect(show)
    timer.start()
    show()
    label.show()
    return application.exec()


def _frames(video: str) -> Iterator[tuple[float, av.VideoFrame]]:
    """Every frame and until when it is shown, in seconds since the first, for ever."""
    num_frames = 0
    while True:
        with av.open(video) as container:
            fps = float(container.streams.video[0].average_rate or 30)
            for frame in container.decode(video=0):
                num_frames += 1
                yield num_frames / fps, frame


if __name__ == "__main__":
    sys.exit(main())
