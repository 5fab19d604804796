"""Chunks from real video files: the right frames, and words for what can't be read."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from engine.settings import ResizeSettings
from training.errors import VideoError
from training.sft.annotation import Chunk, to_line
from training.sft.settings import SftSettings
from training.sft.video import ReadableChunks, VideoChunks, frames_at, read_frames


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


def chunks_of(video: Path, tokenizer: Any, chunk: Chunk, **settings: Any) -> VideoChunks:
    annotations = video.with_name("one.jsonl")
    annotations.write_text(to_line(chunk) + "\n", encoding="utf-8")
    return VideoChunks(annotations, tokenizer, SftSettings(**settings))


def test_the_longer_a_chunk_the_smaller_its_pictures(video: Path, tokenizer: Any) -> None:
    resize = ResizeSettings(min_pixels=28 * 28, max_pixels=84 * 112)
    for seconds, size in ((2, (84, 112)), (4, (56, 56)), (8, (28, 56))):
        chunk = Chunk(video=video.name, start_s=0, end_s=seconds, previous="", words=((0.1, 0.6, "Okafor"),))
        chunks = chunks_of(video, tokenizer, chunk, resize=resize, max_chunk_pixels=2 * 84 * 112)
        frames = chunks[0]["frames"]
        assert frames is not None
        assert frames.shape[1:3] == size
        assert seconds * size[0] * size[1] <= 2 * 84 * 112


def test_a_chunk_has_the_pictures_of_its_whole_turns(video: Path, tokenizer: Any) -> None:
    resize = ResizeSettings(min_pixels=28 * 28, max_pixels=84 * 112)
    for end_s, num_turns in ((4.3, 4), (4.5, 4), (4.7, 5)):
        chunk = Chunk(video=video.name, start_s=0, end_s=end_s, previous="", words=((0.1, 0.6, "Okafor"),))
        example = chunks_of(video, tokenizer, chunk, resize=resize)[0]
        pads = (example["encoded"].input_ids == tokenizer.convert_tokens_to_ids("<|video_pad|>")).sum()
        assert example["frames"] is not None
        assert (len(example["frames"]), pads) == (2 * num_turns, num_turns * 3 * 4)


def test_pictures_of_an_impossible_shape_are_passed_over(video: Path, tokenizer: Any, tmp_path: Path) -> None:
    with av.open(str(tmp_path / "thin.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=2)
        stream.width, stream.height, stream.pix_fmt = 4096, 16, "yuv420p"
        for _ in range(8):
            picture = np.zeros((16, 4096, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    good = Chunk(video=str(video), start_s=0, end_s=3, previous="", words=((0.1, 0.6, "Okafor"),))
    annotations = tmp_path / "train.jsonl"
    thin = replace(good, video="thin.mp4")
    annotations.write_text(f"{to_line(thin)}\n{to_line(good)}\n", encoding="utf-8")
    chunks = VideoChunks(annotations, tokenizer, SftSettings(resize=ResizeSettings(min_pixels=28 * 28)))
    readable = ReadableChunks(chunks, len(chunks), notes=tmp_path / "notes.jsonl")
    assert readable[0]["num_skipped"] == 1
    assert "200 times as long as wide" in (tmp_path / "notes.jsonl").read_text()
