"""A tiny checkpoint, short videos and games with their words: real files, as small as they can be."""

import json
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from engine import LoadedModel, load_model
from tests.engine.checkpoints import write_tiny

FPS = 8
SIZE = (112, 84)
"""Width and height: 12 tokens a temporal patch."""


def write_video(path: Path, seconds: float, *, seed: int = 0) -> Path:
    """A video of coarse noise, another one every quarter of a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for index in range(round(seconds * FPS)):
            if index % 2 == 0:
                coarse = random.integers(0, 256, (SIZE[1] // 14, SIZE[0] // 14, 3), dtype=np.uint8)
                picture = coarse.repeat(14, axis=0).repeat(14, axis=1)
            frame = VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = index
            frame.time_base = Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def game_row(video: str, seconds: int, *, first_s: int = 0) -> dict[str, object]:
    """A game in which a word is said every half a second."""
    content = [[first_s + at / 2, first_s + at / 2 + 0.4, f"w{at}"] for at in range(2 * (seconds - first_s))]
    return {"video": video, "title": f"Lions v Hawks in {video}", "content": content}


def write_lines(path: Path, rows: Sequence[object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint that streams with small windows."""
    folder = write_tiny(tmp_path_factory.mktemp("evaluated") / "tiny")
    settings = {
        "window": {"vision_window_s": 3.0, "text_rounds": 3, "text_sink": 8, "text_window": 8},
        "sampling": {"max_new_tokens": 6, "temperature": 0.9, "repetition_penalty": 1.05},
        "resize": {"min_pixels": 784, "max_pixels": 100 * 784},
    }
    (folder / "ringside.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> LoadedModel:
    return load_model(tiny_folder, device="cpu")


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four short videos, of unequal length."""
    folder = tmp_path_factory.mktemp("videos")
    for number, seconds in enumerate((14, 9, 12, 7)):
        write_video(folder / f"game{number}.mp4", seconds, seed=number)
    return folder


@pytest.fixture(scope="session")
def metadata(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The games of those videos."""
    rows = [game_row(f"game{number}.mp4", seconds) for number, seconds in enumerate((14, 9, 12, 7))]
    return write_lines(tmp_path_factory.mktemp("metadata") / "games.jsonl", rows)


@pytest.fixture
def opponent(tmp_path: Path) -> Path:
    """What an opponent said of those videos: the same words every second."""
    rows = [
        {
            "video": f"game{number}.mp4",
            "chunk_start": 0,
            "chunk_end": seconds,
            "items": [{"end_time": end, "response": " the rival talks"} for end in range(1, seconds + 1)],
        }
        for number, seconds in enumerate((14, 9, 12, 7))
    ]
    return write_lines(tmp_path / "rival" / "merged_result.jsonl", rows)


Run = Callable[..., dict[str, object]]
