"""Training chunks from video files and annotation files.

Knows PyAV and the annotation form. Knows nothing of models.
"""

import json
import os
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from engine.errors import EngineError
from engine.preprocess import resize_frames, smart_resize
from engine.prompt import PromptBuilder
from engine.settings import ResizeSettings
from training.data.published import ChunkFile
from training.errors import AnnotationError, TrainingError, VideoError
from training.sft.annotation import Chunk
from training.sft.collate import Example
from training.sft.conversation import TEMPORAL_PATCH, encode
from training.sft.settings import SftSettings


def frames_at(path: Path, times_s: Sequence[float]) -> Iterator[NDArray[np.uint8]]:
    """What the video shows at each of the rising times: (height, width, 3) RGB, decoded in one pass after one seek.

    The last picture is repeated where the video ends less than a second before the last time.

    Raises:
        VideoError: the file can't be opened or decoded, ends too early, or its pictures change their size.
    """
    remaining = deque(times_s)
    shown: Any = None
    size: tuple[int, ...] | None = None

    def picture(frame: Any) -> NDArray[np.uint8]:
        nonlocal size
        found: NDArray[np.uint8] = frame.to_ndarray(format="rgb24")
        size = size or found.shape
        if found.shape != size:
            (height, width, _), (now_height, now_width, _) = size, found.shape
            raise VideoError(
                path, f"its pictures change from {width}x{height} to {now_width}x{now_height} on the way"
            )
        return found

    try:
        # What a file calls itself need not be UTF-8.
        with av.open(str(path), metadata_errors="replace") as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            tick_s = float(stream.time_base or 0)
            first_s = (stream.start_time or 0) * tick_s
            if times_s[0] > 1:
                container.seek(int((times_s[0] + first_s) / tick_s), stream=stream, backward=True)
            for frame in container.decode(stream):
                time_s = (frame.pts or 0) * tick_s - first_s
                # The frame before the one that comes too late is the one on screen at the wanted time.
                while shown is not None and remaining and time_s > remaining[0] + 1e-6:
                    remaining.popleft()
                    yield picture(shown)
                if not remaining:
                    return
                shown = frame
    except VideoError:
        raise
    except Exception as error:  # files from anywhere make a decoder raise anything
        raise VideoError(path, f"it can't be decoded ({error})") from error
    if shown is None:
        raise VideoError(path, "it holds no pictures")
    missing_s = times_s[-1] - ((shown.pts or 0) * tick_s - first_s)
    if missing_s > 1:
        raise VideoError(
            path, f"it ends {missing_s:.1f} s before {times_s[-1]:.1f} s, the last time asked for"
        )
    for _ in remaining:
        yield picture(shown)


def read_frames(path: Path, *, start_s: float, end_s: float, fps: float) -> NDArray[np.uint8]:
    """(T, height, width, 3) RGB: what the video shows at start_s + k / fps. Raises VideoError (see `frames_at`)."""
    return np.stack(list(frames_at(path, [start_s + k / fps for k in range(round((end_s - start_s) * fps))])))


class VideoChunks(Dataset[Example]):
    """Every chunk of one or more annotation files, line and video read when it is asked for.

    Memory holds where lines begin, not the lines: a million chunks fit every worker.
    """

    def __init__(self, annotations: Path | Sequence[Path], tokenizer: Any, settings: SftSettings) -> None:
        """Raises PublishedFormError where a file can't be read."""
        paths = [annotations] if isinstance(annotations, Path) else list(annotations)
        self.files = [ChunkFile(path) for path in paths]
        self.ends = np.cumsum([len(file) for file in self.files])
        self.prompt = PromptBuilder(tokenizer)
        self.settings = settings

    def __len__(self) -> int:
        return int(self.ends[-1])

    def chunk(self, index: int) -> tuple[Chunk, Path]:
        """A chunk and its video. Raises AnnotationError."""
        which = int(np.searchsorted(self.ends, index, side="right"))
        file = self.files[which]
        chunk = file.chunk(index - (int(self.ends[which - 1]) if which else 0))
        return chunk, file.path.parent / chunk.video

    def _resize_for(self, num_frames: int) -> ResizeSettings:
        """The size of pictures of a chunk of so many."""
        resize, budget = self.settings.resize, self.settings.max_chunk_pixels
        if budget is None:
            return resize
        share = budget // max(1, -(-num_frames // TEMPORAL_PATCH))
        return replace(resize, max_pixels=max(resize.min_pixels, min(resize.max_pixels, share)))

    def __getitem__(self, index: int) -> Example:
        """Raises AnnotationError, VideoError, ChunkError."""
        chunk, video = self.chunk(index)
        prompt = self.settings.prompt
        # What is left of a last turn has no place in the prompt, and would be another chunk's picture in a packed row.
        num_frames = round(chunk.duration_s / prompt.turn_s) * round(prompt.fps * prompt.turn_s)
        end_s = chunk.start_s + num_frames / prompt.fps
        frames = read_frames(video, start_s=chunk.start_s, end_s=end_s, fps=prompt.fps)
        height, width = smart_resize(frames.shape[1], frames.shape[2], self._resize_for(num_frames))
        # The engine's own resizing, so that a checkpoint sees in a stream what it saw in training.
        resized = resize_frames(torch.from_numpy(frames), height, width).numpy()
        encoded = encode(chunk, self.prompt, prompt, frame_size=(height, width), query=prompt.query)
        if len(encoded.input_ids) > self.settings.max_tokens:
            raise AnnotationError(
                f"it has {len(encoded.input_ids)} tokens, max_tokens is {self.settings.max_tokens}",
                path=video,
            )
        return {"encoded": encoded, "frames": resized}


class ReadableChunks(Dataset[Example]):
    """Chunks that can be read: in place of one that can't, the next that can.

    How many were skipped goes with the example to the trainer, which counts them and stops where they are too many. The
    reasons go to a file, a line each.
    """

    MAX_IN_A_ROW = 64

    def __init__(self, chunks: Dataset[Example], num_chunks: int, *, notes: Path) -> None:
        self.chunks = chunks
        self.num_chunks = num_chunks
        self.notes = notes

    def __len__(self) -> int:
        return self.num_chunks

    def __getitem__(self, index: int) -> Example:
        """Raises VideoError or AnnotationError where very many in a row can't be read."""
        for num_skipped in range(self.MAX_IN_A_ROW):
            place = (index + num_skipped) % self.num_chunks
            try:
                example = self.chunks[place]
            except (VideoError, AnnotationError, EngineError) as error:
                self._note(place, error)
                if num_skipped + 1 >= min(self.MAX_IN_A_ROW, self.num_chunks):
                    raise
                continue
            example["num_skipped"] = num_skipped
            return example
        raise AssertionError("the last of a row either is read or raises")

    def _note(self, index: int, error: TrainingError | EngineError) -> None:
        line = json.dumps({"chunk": index, "reason": str(error)}, ensure_ascii=False) + "\n"
        # One write to a file that is open for appending: lines of several workers do not mix.
        handle = os.open(self.notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)
