"""The contexts that ours is compared with: positions that grow, and keys that are computed anew in every second.

Knows how each differs from the engine's own context, which they take the place of. Knows nothing of matches or scores.

Shapes: N new tokens, L tokens of the context, E hidden size, M tokens of several vision
blocks, O their size (E).
"""

from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch

from engine import LoadedModel, StreamSettings
from engine.context import StreamContext
from engine.memory import upload
from engine.preprocess import patchify, resize_frames, smart_resize
from engine.rope import Span, TextSpan, VisionSpan, next_position, positions_3d
from engine.rotary import TextRotary


class NativeContext(StreamContext):
    """Every token keeps the position that it was given; a new one goes on after the largest so far.

    What leaves the context leaves a gap, and the sink gets ever farther away (the published code's "append" mode, with
    which arXiv 2510.09608 compares contiguous positions).
    """

    def __init__(self, model: LoadedModel, settings: StreamSettings) -> None:
        self._placed_3L: npt.NDArray[np.float32] = np.empty((3, 0), np.float32)
        """Positions of what the last eviction left."""
        self._latest_3L = self._placed_3L
        """Positions that were worked out last, of the whole context and of an answer to come."""
        self._next = 0.0
        super().__init__(model, settings)

    def restart(self, settings: StreamSettings) -> None:
        """Empty the context; positions begin at 0 again."""
        self._placed_3L = self._latest_3L = np.empty((3, 0), np.float32)
        self._next = 0.0
        super().restart(settings)

    def keep(self, places: npt.NDArray[np.int64], between: Callable[[], None] | None = None) -> None:
        """Compact the cache; what stays keeps its positions."""
        cached_3L = self._latest_3L[:, : self.cache.length]
        if cached_3L.size:
            self._next = next_position(cached_3L)
        self._placed_3L = cached_3L[:, places]
        super().keep(places, between)

    def positions(self, spans: Sequence[Span]) -> npt.NDArray[np.float32]:
        """Positions (3, L): those given before, then new ones after the largest that was ever given."""
        new_3N = positions_3d(spans_from(spans, self._placed_3L.shape[1]), start=self._next)
        self._latest_3L = np.concatenate([self._placed_3L, new_3N], axis=1)
        return self._latest_3L


class RecomputedContext(StreamContext):
    """Holds what ours holds, and computes all of it anew in every second, pictures included.

    Keys then know of nothing outside the window, which is what a sliding window with overlap amounts to.
    """

    def __init__(self, model: LoadedModel, settings: StreamSettings) -> None:
        super().__init__(model, settings)
        self._loaded = model
        self._resize = settings.resize
        self._rotary_of_all = TextRotary(model.config.text, model.device)
        self._shown: deque[npt.NDArray[np.uint8]] = deque(maxlen=settings.window.vision_rounds)

    def restart(self, settings: StreamSettings) -> None:
        """Empty the context and forget its pictures."""
        self._shown.clear()
        super().restart(settings)

    def show(self, frames: npt.NDArray[np.uint8]) -> None:
        """Take note of the frames (T, height, width, 3) of the step that comes next."""
        self._shown.append(frames)

    def rotate(self) -> None:
        """Compute keys and values of every cached token from its id or its picture, at contiguous positions."""
        num_cached, spans = self.num_cached, self.spans
        if not num_cached:
            return
        model, language = self._loaded, self._loaded.language
        ids = self.ids[:num_cached]
        x_NE = language.embed(upload(ids, model.device))
        num_blocks = sum(isinstance(span, VisionSpan) for span in spans)
        if num_blocks:
            is_video = np.array(ids) == model.prompt.special.video_pad
            # The newest frames are those of the step to come, whose block is not in the context yet.
            x_NE[upload(np.flatnonzero(is_video), model.device)] = self._embedded(
                list(self._shown)[-1 - num_blocks : -1]
            )
        table = self._rotary_of_all.table(upload(self.positions(spans), model.device))
        self.cache.clear()
        language(x_NE, table[:num_cached], self.cache)

    def _embedded(self, chunks: Sequence[npt.NDArray[np.uint8]]) -> torch.Tensor:
        model = self._loaded
        frames = torch.from_numpy(np.concatenate(chunks)).to(model.device)
        size = smart_resize(frames.shape[1], frames.shape[2], self._resize, model.patches.factor)
        patches, grid = patchify(resize_frames(frames, *size), model.patches)
        embedded_MO: torch.Tensor = model.vision(patches, grid)
        return embedded_MO


def spans_from(spans: Sequence[Span], first: int) -> list[Span]:
    """What is left of spans without their first tokens. A vision block is on one side as a whole."""
    left: list[Span] = []
    for span in spans:
        skipped = min(first, span.length)
        first -= skipped
        if skipped == span.length:
            continue
        if skipped:
            assert isinstance(span, TextSpan), "a vision block is cached as a whole or not at all"
            span = TextSpan(span.length - skipped)
        left.append(span)
    return left
