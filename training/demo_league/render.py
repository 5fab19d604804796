"""Writes a match to files: its video, its truth and its title.

Knows video encoding and how to leave no half-written file. Knows nothing of how a picture is drawn or what is said.
"""

import ctypes
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path

import av
from av.video.frame import VideoFrame

from training.demo_league.draw import draw_frame
from training.demo_league.records import Match
from training.demo_league.simulate import simulate
from training.demo_league.sprites import REFERENCE_SIZE
from training.demo_league.truth import write_truth
from training.errors import TrainingError

VIDEO_FPS = 30
_QUALITY = 20
"""x264's constant rate factor: lower is better and larger."""
_KEYFRAME_EVERY_S = 5
"""So that a player finds any moment quickly."""
_TIDY_EVERY_S = 10
"""Seconds of the match between two times at which free memory is given back."""


class RenderError(TrainingError):
    """A match can't be written to the files asked for."""


def render(
    match: Match,
    video: Path,
    *,
    truth: Path | None = None,
    title: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write a match as an MP4 file (H.264, yuv420p, 640x360, 30 frames a second), with its truth and its title.

    All files appear together when they are complete. If anything fails before that, or the process is stopped, files
    that were there before stay as they were.

    Args:
        match: the match.
        video: the video file to write.
        truth: the truth file to write, if any; see truth.py.
        title: the title file to write, if any: `{"title": "..."}`.
        on_progress: is called with the number of frames done and the number in all, now and then.

    Raises:
        RenderError: a file can't be written.
    """
    outputs = [path for path in (video, truth, title) if path is not None]
    if len({path.absolute() for path in outputs}) < len(outputs):
        raise RenderError("The video, the truth and the title need files of their own.")
    with ExitStack() as unfinished:
        parts = {path: unfinished.enter_context(_part_of(path)) for path in outputs}
        try:
            _write_video(match, parts[video], on_progress)
            if truth is not None:
                write_truth(match, parts[truth])
            if title is not None:
                parts[title].write_text(json.dumps({"title": match.title}, indent=1) + "\n", encoding="utf-8")
            for path in reversed(outputs):
                parts[path].replace(path)
        except (OSError, av.FFmpegError) as error:
            reason = error.strerror or str(error)
            raise RenderError(f"{video.name} could not be written: {reason}.") from error


def render_match(
    *,
    seed: int,
    minutes: float,
    out: Path,
    truth: Path | None = None,
    title_out: Path | None = None,
    initial_score: tuple[int, int] = (0, 0),
    on_progress: Callable[[int, int], None] | None = None,
) -> Match:
    """Play a match and write it; see `simulate` and `render`.

    Raises:
        MatchError: such a match can't be played.
        RenderError: a file can't be written.
    """
    match = simulate(seed, minutes, initial_score=initial_score)
    render(match, out, truth=truth, title=title_out, on_progress=on_progress)
    return match


@contextmanager
def _part_of(path: Path) -> Iterator[Path]:
    """A place beside a file to write it to; whatever is left there at the end is removed."""
    if path.is_dir():
        raise RenderError(f"{path} is a folder. Name a file in it.")
    if not path.parent.is_dir():
        raise RenderError(f"There is no folder {path.parent} to write {path.name} to. Make it first.")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.touch()
    except OSError as error:
        raise RenderError(f"{path} can't be written: {error.strerror}.") from error
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def _write_video(match: Match, path: Path, on_progress: Callable[[int, int], None] | None) -> None:
    num_frames = round(match.duration_s * VIDEO_FPS)
    with av.open(path, "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=VIDEO_FPS)
        stream.width, stream.height = REFERENCE_SIZE
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = VIDEO_FPS * _KEYFRAME_EVERY_S
        stream.options = {"crf": str(_QUALITY)}
        for index in range(num_frames):
            frame = VideoFrame.from_ndarray(draw_frame(match, index / VIDEO_FPS), format="rgb24")
            frame.pts = index
            frame.time_base = Fraction(1, VIDEO_FPS)
            container.mux(stream.encode(frame))
            if (index + 1) % (VIDEO_FPS * _TIDY_EVERY_S) == 0:
                _give_back_memory()
            if on_progress is not None and (index + 1) % VIDEO_FPS == 0:
                on_progress(index + 1, num_frames)
        container.mux(stream.encode(None))
    if on_progress is not None:
        on_progress(num_frames, num_frames)


def _give_back_memory() -> None:
    """Have the C library return what lies free between what is in use.

    Frames on their way to the encoder are of two sizes and live unequally long: without this the heap takes 25 KB more with
    every frame, three gigabytes in two hours. Only GNU's library needs it, and has it.
    """
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)
