"""Chunks from real video files: the right frames, and words for what can't be read."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from engine.settings import ResizeSettings
from training.errors import VideoError
from training.sft.annotation import Chunk, to_line
from training.sft.settings import SftSettings
from training.sft.video import VideoChunks, frames_at, read_frames


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds at 10 frames a second; frame k is as bright as 3 * k."""
    path = tmp_path_factory.mktemp("video") / "grey.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "1", "g": "20"})
        stream.width, stream.height, stream.pix_fmt = 112, 84, "yuv420p"
        for index in range(80):
            picture = np.full((84, 112, 3), 3 * index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def brightness(frames: Any) -> list[int]:
    return [round(float(frame.mean()) / 3) for frame in frames]


def test_each_time_gets_the_frame_on_screen_then(video: Path) -> None:
    assert brightness(frames_at(video, [0.0, 0.55, 2.0, 2.09, 7.9])) == [0, 5, 20, 20, 79]


def test_a_chunk_in_the_middle_is_the_same_as_reading_from_the_start(video: Path) -> None:
    assert brightness(read_frames(video, start_s=4.0, end_s=7.0, fps=2.0)) == [40, 45, 50, 55, 60, 65]


def test_a_video_that_ends_too_early_or_is_none_is_said(video: Path, tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"ends 3\.1 s before"):
        read_frames(video, start_s=4.0, end_s=11.5, fps=2.0)
    broken = tmp_path / "none.mp4"
    broken.write_bytes(b"")
    with pytest.raises(VideoError, match=r"none\.mp4 can't be used"):
        read_frames(broken, start_s=0, end_s=1, fps=2.0)


def test_an_annotation_file_and_its_video_make_examples(video: Path, tokenizer: Any) -> None:
    chunk = Chunk(
        video=video.name, start_s=2.0, end_s=6.0, previous="Lions in red.", words=((2.1, 2.6, "Okafor"),)
    )
    annotations = video.with_name("train.jsonl")
    annotations.write_text(to_line(chunk) + "\n", encoding="utf-8")
    settings = SftSettings(resize=ResizeSettings(min_pixels=28 * 28, max_pixels=84 * 112))
    chunks = VideoChunks(annotations, tokenizer, settings)
    assert len(chunks) == 1
    frames = chunks[0]["frames"]
    assert frames is not None
    assert frames.shape == (8, 84, 112, 3)
    assert brightness(frames) == [20, 25, 30, 35, 40, 45, 50, 55]
    pads = (chunks[0]["encoded"].input_ids == tokenizer.convert_tokens_to_ids("<|video_pad|>")).sum()
    assert pads == 4 * 3 * 4
