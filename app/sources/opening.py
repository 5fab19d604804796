"""From what is named to a source that gives chunks.

Knows which class stands behind which kind. Knows no window.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from app import resources
from app.sources.base import ChunkSource, PreviewSink
from app.sources.camera import CameraDevice
from app.sources.device import Device
from app.sources.live import LiveSource
from app.sources.network import StreamDevice
from app.sources.news import NewsSink
from app.sources.screen import screen_device
from app.sources.spec import CameraSpec, DemoSpec, FileSpec, SourceSpec, StreamSpec
from app.sources.video_file import VideoFileSource


@dataclasses.dataclass(frozen=True, kw_only=True)
class WatchOptions:
    """How a source is watched."""

    fps: float = 2.0
    """Frames a second that the model sees."""
    chunk_s: float = 1.0
    start_s: float = 0.0
    """Where a file begins."""
    duration_s: float | None = None
    """How much is watched; None for all."""
    live: bool = True
    """Whether a file plays at its own speed; the others cannot but."""
    has_cursor: bool = False
    """Whether the mouse is seen in pictures of the screen."""
    camera_size: tuple[int, int] | None = None
    """(height, width) that a camera is asked for, if its own name says nothing."""


def open_source(
    spec: SourceSpec,
    options: WatchOptions,
    *,
    on_preview: PreviewSink | None = None,
    on_news: NewsSink | None = None,
    on_made: Callable[[ChunkSource], None] | None = None,
) -> ChunkSource:
    """Open a source, which may take seconds. `on_made` gets it before that, so that another thread can stop it.

    Raises RingsideError: SourceError for a file, LiveSourceError for the others.
    """
    if isinstance(spec, DemoSpec | FileSpec):
        file = VideoFileSource(
            resources.demo_video() if isinstance(spec, DemoSpec) else spec.path,
            fps=options.fps,
            chunk_s=options.chunk_s,
            start_s=options.start_s,
            duration_s=options.duration_s,
            live=options.live,
            on_preview=on_preview,
        )
        if on_made is not None:
            on_made(file)
        return file
    source = LiveSource(
        _device(spec, options),
        fps=options.fps,
        chunk_s=options.chunk_s,
        duration_s=options.duration_s,
        on_preview=on_preview,
        on_news=on_news,
    )
    if on_made is not None:
        on_made(source)
    source.open()
    return source


def _device(spec: SourceSpec, options: WatchOptions) -> Device:
    if isinstance(spec, CameraSpec):
        return CameraDevice(dataclasses.replace(spec, size=spec.size or options.camera_size))
    if isinstance(spec, StreamSpec):
        return StreamDevice(spec)
    assert not isinstance(spec, DemoSpec | FileSpec)
    return screen_device(spec, has_cursor=options.has_cursor)
