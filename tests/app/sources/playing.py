"""A program of its own that plays a video in a window: `python -m tests.app.sources.playing VIDEO LEFT TOP WIDTH HEIGHT`."""

from __future__ import annotations

import sys
import time

import av
from PySide6.QtCore import QTimer
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QApplication, QLabel


def main() -> int:
    """Play the video again and again until the program is ended."""
    video, left, top, width, height = sys.argv[1], *(int(text) for text in sys.argv[2:6])
    application = QApplication(["player"])
    with av.open(video) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        fps = float(container.streams.video[0].average_rate or 30)
    label = QLabel()
    label.setWindowTitle("Player")
    label.setGeometry(left, top, width, height)
    label.setScaledContents(True)
    began_s = time.monotonic()

    def show() -> None:
        pixels = frames[int(fps * (time.monotonic() - began_s)) % len(frames)]
        image = QImage(
            pixels.data, pixels.shape[1], pixels.shape[0], 3 * pixels.shape[1], QImage.Format.Format_RGB888
        )
        label.setPixmap(QPixmap.fromImage(image))

    timer = QTimer(interval=30)
    timer.timeout.connect(show)
    timer.start()
    show()
    label.show()
    return application.exec()


if __name__ == "__main__":
    sys.exit(main())
