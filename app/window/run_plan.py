"""How the next run is to be: what settings make of the model's usual ways, of its pictures and of its source.

Knows which setting decides what. Knows no run, no thread and no widget.
"""

from __future__ import annotations

from collections.abc import Callable

from app.settings import UserSettings
from app.sources import WatchOptions
from app.window.polite import POLITE_RUNTIME, made_smaller, smaller_size
from engine.chunk import FrameChunk
from engine.runtime import RuntimeSettings
from engine.settings import StreamSettings


class RunPlan:
    """One per window; asked whenever a run begins, and by it."""

    def __init__(
        self,
        settings: Callable[[], UserSettings] = UserSettings,
        compose: Callable[[StreamSettings], StreamSettings] = lambda usual: usual,
    ) -> None:
        """`compose` puts title, query and sampling into what a checkpoint is used to."""
        self._settings = settings
        self.stream_settings = compose

    def watch_options(self, usual: StreamSettings, start_s: float) -> WatchOptions:
        """How the source is watched."""
        settings, window = self._settings(), usual.window
        width, _, height = settings.camera_size.partition("x")
        return WatchOptions(
            fps=window.fps,
            chunk_s=window.chunk_s,
            start_s=start_s,
            live=settings.file_speed == "own",
            has_cursor=settings.shows_cursor,
            camera_size=(int(height), int(width)) if height else None,
        )

    def runtime(self) -> RuntimeSettings | None:
        """How the run uses its device; None for what suits it."""
        return POLITE_RUNTIME if self._settings().is_polite else None

    def seen(self, chunk: FrameChunk) -> FrameChunk:
        """What the model sees of a chunk; from any thread."""
        return made_smaller(chunk) if self._settings().is_polite else chunk

    def size_seen(self, size: tuple[int, int]) -> tuple[int, int]:
        """Height and width of what it sees of pictures of this height and width."""
        return smaller_size(size) if self._settings().is_polite else size
