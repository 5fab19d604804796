"""Training chunks from video files and annotation files.

Knows PyAV and the annotation form. Knows nothing of models.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from av.error import FFmpegError
from numpy.typing import NDArray
from torch.utils.data import Dataset

from engine.preprocess import resize_frames, smart_resize
from engine.prompt import PromptBuilder
from training.errors import VideoError
from training.sft.annotation import Chunk, read
from training.sft.collate import Example
from training.sft.conversation import encode
from training.sft.settings import SftSettings


def frames_at(path: Path, times_s: Sequence[float]) -> Iterator[NDArray[np.uint8]]:
    """What the video shows at each of the rising times: (height, width, 3) RGB, decoded in one pass after one seek.

    The last picture is repeated where the video ends less than a second before the last time.

    Raises:
        VideoError: the file can't be opened or decoded, or ends too early.
    """
    remaining = deque(times_s)
    shown: Any = None
    try:
        with av.open(str(path)) as container:
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
                    yield shown.to_ndarray(format="rgb24")
                if not remaining:
                    return
                shown = frame
    except (OSError, IndexError, FFmpegError) as error:
        raise VideoError(path, f"it can't be decoded ({error})") from error
    if shown is None:
        raise VideoError(path, "it holds no pictures")
    missing_s = times_s[-1] - ((shown.pts or 0) * tick_s - first_s)
    if missing_s > 1:
        raise VideoError(
            path, f"it ends {missing_s:.1f} s before {times_s[-1]:.1f} s, the last time asked for"
        )
    for _ in remaining:
        yield shown.to_ndarray(format="rgb24")


def read_frames(path: Path, *, start_s: float, end_s: float, fps: float) -> NDArray[np.uint8]:
    """(T, height, width, 3) RGB: what the video shows at start_s + k / fps. Raises VideoError (see `frames_at`)."""
    return np.stack(list(frames_at(path, [start_s + k / fps for k in range(round((end_s - start_s) * fps))])))


class VideoChunks(Dataset[Example]):
    """Every chunk of an annotation file, its video decoded when it is asked for."""

    def __init__(self, annotations: Path, tokenizer: Any, settings: SftSettings) -> None:
        self.folder = annotations.parent
        self.chunks: list[Chunk] = list(read(annotations))
        self.prompt = PromptBuilder(tokenizer)
        self.settings = settings

    def __len__(self) -> int:
        return len(self.chunks)

    def __getitem__(self, index: int) -> Example:
        chunk = self.chunks[index]
        prompt = self.settings.prompt
        frames = read_frames(
            self.folder / chunk.video, start_s=chunk.start_s, end_s=chunk.end_s, fps=prompt.fps
        )
        height, width = smart_resize(frames.shape[1], frames.shape[2], self.settings.resize)
        # The engine's own resizing, so that a checkpoint sees in a stream what it saw in training.
        resized = resize_frames(torch.from_numpy(frames), height, width).numpy()
        encoded = encode(chunk, self.prompt, prompt, frame_size=(height, width), query=prompt.query)
        return {"encoded": encoded, "frames": resized}
