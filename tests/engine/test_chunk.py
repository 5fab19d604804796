"""Chunks refuse what cannot be shown."""

import numpy as np
import pytest

from engine import EngineError, FrameChunk

GOOD = np.zeros((2, 4, 6, 3), dtype=np.uint8)


def test_a_chunk_knows_its_size() -> None:
    chunk = FrameChunk(frames=GOOD, start_s=1.0, end_s=2.0)
    assert (chunk.num_frames, chunk.size) == (2, (4, 6))


@pytest.mark.parametrize(
    "frames", [GOOD.astype(np.float32), GOOD[0], GOOD[..., :1], GOOD[:0], GOOD[:, :0]], ids=str
)
def test_other_pixels_are_refused(frames: np.ndarray) -> None:
    with pytest.raises(EngineError, match="chunk of frames"):
        FrameChunk(frames=frames, start_s=0.0, end_s=1.0)


@pytest.mark.parametrize(("start_s", "end_s"), [(-1.0, 1.0), (1.0, 1.0), (2.0, 1.0), (0.0, float("nan"))])
def test_impossible_times_are_refused(start_s: float, end_s: float) -> None:
    with pytest.raises(EngineError, match="start"):
        FrameChunk(frames=GOOD, start_s=start_s, end_s=end_s)
