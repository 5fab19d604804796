"""The demo match as a source.

Knows that it is a video file that ships with Ringside. Its title is ``app.resources.demo_title()``.
"""

from __future__ import annotations

from app import resources
from app.sources.base import PreviewSink
from app.sources.video_file import VideoFileSource


def demo_match(
    *,
    fps: float = 2.0,
    chunk_s: float = 1.0,
    start_s: float = 0.0,
    duration_s: float | None = None,
    live: bool = True,
    on_preview: PreviewSink | None = None,
    preview_size: tuple[int, int] = (720, 1280),
) -> VideoFileSource:
    """The demo match, playing; arguments as for VideoFileSource. Raises ResourceMissingError and SourceError."""
    return VideoFileSource(
        resources.demo_video(),
        fps=fps,
        chunk_s=chunk_s,
        start_s=start_s,
        duration_s=duration_s,
        live=live,
        on_preview=on_preview,
        preview_size=preview_size,
    )
