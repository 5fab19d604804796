"""From a chunk of frames to the embeddings that the language model reads.

On CUDA, a stream's frames all have one size, so the work on them is recorded once: frames go through pinned memory
into a buffer, one graph resizes and cuts them, another runs the vision tower. A chunk may be encoded ahead, on a
stream of its own, while the chunk before it is being answered; what comes out does not depend on that.

Knows: frames, their sizes, recordings and who may overwrite them when. Does not know: the context, the answer.

Shapes: T frames, H rows, W columns, N patches of P values, M merged tokens, O embedding size.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
import torch

from engine.chunk import FrameChunk
from engine.graphs import record
from engine.model import LoadedModel
from engine.pacer import Pacer
from engine.preprocess import kept_constants, patchify, resize_frames, smart_resize
from engine.runtime import RuntimeSettings
from engine.settings import ResizeSettings
from engine.streams import LentStream

_NUM_RECORDINGS = 3  # sizes recorded: a stream has one, and another for its last, shorter chunk
_FrameShape = tuple[int, ...]
_Grid = tuple[int, int, int]


@dataclasses.dataclass(frozen=True)
class EncodedChunk:
    """Embeddings (M, O) of a chunk; they may be overwritten once the next chunk is encoded."""

    embedded_MO: torch.Tensor
    grid: _Grid


@dataclasses.dataclass(frozen=True)
class _Recording:
    """Work on frames of one shape, over buffers that stay where they are."""

    host_THWC: torch.Tensor
    frames_THWC: torch.Tensor
    cut: Callable[[], None]
    embed: Callable[[], None]
    result: EncodedChunk
    uploaded: torch.cuda.Event
    kept: object
    """Tensors that the recording reads and nobody else may hold."""


class FrameEncoder:
    """Encodes the chunks of one stream."""

    def __init__(
        self, model: LoadedModel, resize: ResizeSettings, runtime: RuntimeSettings, pacer: Pacer
    ) -> None:
        self._model, self._resize, self._pacer = model, resize, pacer
        self._records = runtime.graphs and not pacer.pauses
        self._on_cuda = model.device.type == "cuda"
        self._recordings: OrderedDict[_FrameShape, _Recording] = OrderedDict()
        self._last_shape: _FrameShape | None = None
        self._ahead: tuple[FrameChunk, EncodedChunk] | None = None
        self._lent: LentStream | None = None
        self._aside: torch.cuda.Stream | None = None
        self._ready: torch.cuda.Event | None = None
        self._read: torch.cuda.Event | None = None
        if self._on_cuda:
            self._lent = LentStream(model.device, use="look ahead")
            self._aside = self._lent.stream
            self._aside.wait_stream(
                torch.cuda.current_stream(model.device)
            )  # the weights may be on their way
            self._ready, self._read = _event(), _event()

    def grid_of(self, chunk: FrameChunk) -> _Grid:
        """Patches along time, rows and columns that a chunk is cut into. Raises ChunkError."""
        patches = self._model.patches
        height, width = smart_resize(*chunk.size, self._resize, patches.factor)
        num_t = -(-chunk.num_frames // patches.temporal_patch_size)
        return num_t, height // patches.patch_size, width // patches.patch_size

    @torch.inference_mode()
    def prepare(self, chunk: FrameChunk) -> None:
        """Encode a chunk ahead of its turn. Another chunk prepared before and not taken is forgotten."""
        self._ahead = None
        if self._aside is None or self._read is None or self._ready is None:
            self._ahead = (chunk, self._encode(chunk, lambda: None))
            return
        self._aside.wait_event(self._read)  # the last embeddings may still be read
        with torch.cuda.stream(self._aside):
            encoded = self._encode(chunk, lambda: None)
            self._ready.record(self._aside)
        self._ahead = (chunk, encoded)

    def encode(self, chunk: FrameChunk, cut: Callable[[], None]) -> EncodedChunk:
        """Encode a chunk, or take what was prepared; ``cut`` is called when its frames have become patches."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None and self._aside is not None:
            here = torch.cuda.current_stream(self._model.device)
            here.wait_stream(self._aside)  # also before its buffers are used for another chunk
            ahead[1].embedded_MO.record_stream(here)
        if ahead is not None and ahead[0] is chunk:
            cut()
            return ahead[1]
        return self._encode(chunk, cut)

    def release(self) -> None:
        """The embeddings taken last have been read: they may be overwritten."""
        if self._read is not None:
            self._read.record()

    def warm_up(self, shape: _FrameShape) -> None:
        """Record the work on frames of a shape (T, H, W, 3)."""
        if self._on_cuda and self._records and shape not in self._recordings:
            self._record(shape)

    def close(self) -> None:
        """Give up the recordings and what was prepared."""
        self._recordings.clear()
        self._ahead = None
        if self._lent:
            self._lent.give_back()

    def _encode(self, chunk: FrameChunk, cut: Callable[[], None]) -> EncodedChunk:
        shape = chunk.frames.shape
        if self._on_cuda and self._records and shape == self._last_shape:  # a shape that comes again
            self.warm_up(shape)
        self._last_shape = shape
        recording = self._recordings.get(shape)
        if recording is None:
            return self._encode_plainly(chunk, cut)
        recording.uploaded.synchronize()  # the upload before may still be reading the pinned memory
        recording.host_THWC.copy_(torch.from_numpy(_readable(chunk.frames)))
        recording.frames_THWC.copy_(recording.host_THWC, non_blocking=True)
        recording.uploaded.record()
        recording.cut()
        cut()
        recording.embed()
        return recording.result

    def _encode_plainly(self, chunk: FrameChunk, cut: Callable[[], None]) -> EncodedChunk:
        frames_THWC = torch.from_numpy(_readable(chunk.frames)).to(self._model.device)
        self._pacer.rest("upload")
        patches_NP, grid = self._cut(frames_THWC)
        cut()
        self._pacer.rest("resize")
        embedded_MO = self._model.vision(patches_NP, grid, lambda: self._pacer.rest("vision"))
        self._pacer.rest("merge")
        return EncodedChunk(embedded_MO, grid)

    def _cut(self, frames_THWC: torch.Tensor) -> tuple[torch.Tensor, _Grid]:
        _, height, width, _ = frames_THWC.shape
        patches = self._model.patches
        size = smart_resize(height, width, self._resize, patches.factor)
        return patchify(resize_frames(frames_THWC, *size), patches)

    def _record(self, shape: _FrameShape) -> None:
        model = self._model
        frames_THWC = torch.zeros(shape, dtype=torch.uint8, device=model.device)
        patches_NP, grid = self._cut(frames_THWC)
        embedded_MO = model.vision(patches_NP, grid)
        size = smart_resize(shape[1], shape[2], self._resize, model.patches.factor)
        self._recordings[shape] = _Recording(
            host_THWC=torch.zeros(shape, dtype=torch.uint8, pin_memory=True),
            frames_THWC=frames_THWC,
            cut=record(
                lambda: _overwrite(patches_NP, self._cut(frames_THWC)[0]),
                model.device,
                use="cut",
                recorded=True,
            ),
            embed=record(
                lambda: _overwrite(embedded_MO, model.vision(patches_NP, grid)),
                model.device,
                use="embed",
                recorded=True,
            ),
            result=EncodedChunk(embedded_MO, grid),
            uploaded=_event(),
            kept=(model.vision.plan(grid), kept_constants(shape, size, model.patches, model.device)),
        )
        while len(self._recordings) > _NUM_RECORDINGS:
            self._recordings.popitem(last=False)


def _overwrite(target: torch.Tensor, value: torch.Tensor) -> None:
    target.copy_(value)


def _readable(frames: np.ndarray) -> np.ndarray:
    """Contiguous and writable, as PyTorch wants an array; a copy only where it has to be."""
    pixels = np.ascontiguousarray(frames)
    return pixels if pixels.flags.writeable else pixels.copy()


def _event() -> torch.cuda.Event:
    return torch.cuda.Event()  # type: ignore[no-untyped-call]  # PyTorch has no types here
