"""An API model as an opponent: it comments on the same clips, with the same frames, title and previous words.

Knows how a clip becomes a request with pictures, and the published script's poorer settings, which show the opponent
fewer and smaller frames and tell it neither the title nor what was said before. Knows nothing of judging.
"""

import asyncio
import base64
import dataclasses
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from engine import ResizeSettings, StreamSettings
from training.errors import VideoError
from training.evaluate.errors import EvaluationError
from training.evaluate.judge.courier import Courier, all_of
from training.evaluate.metadata import Clip
from training.evaluate.progress import Progress
from training.evaluate.results import Phrase, VideoResult
from training.evaluate.video import spread_frames
from training.evaluate.work import Failure

logger = logging.getLogger("ringside.training.evaluate")

_SYSTEM = (
    "You are the live commentator of a sports broadcast. Call what can be seen, in the present tense, in short sentences "
    "with the energy of the moment. Say nothing that cannot be seen or was not told to you. Answer with the commentary "
    "alone: plain text, no lists, no headings."
)
_NUM_READING = 2


@dataclass(frozen=True, kw_only=True)
class OpponentSettings:
    """What an API model is shown and told of a clip."""

    name: Literal["same", "published"]
    """"same": what our model gets. "published": the published script's poorer settings."""
    fps: float
    max_frames: int | None
    """Most frames of a clip; None for no limit."""
    resize: ResizeSettings | None
    """To what size frames are brought; None: no higher than `max_height`."""
    max_height: int = 360
    quality: int = 95
    """JPEG quality."""
    is_told: bool = True
    """Whether it is told the title and the words said before, as our model is when a stream begins there."""
    query: str = ""
    text_sink: int | None = None
    """First words that stay of the title and what was said before; None where it is not told."""
    text_window: int | None = None
    """Last words that stay of it."""

    def __post_init__(self) -> None:
        if self.fps <= 0 or not 1 <= self.quality <= 100 or (self.max_frames or 2) < 2:
            raise EvaluationError(
                f"An opponent needs fps above 0 ({self.fps}), quality 1 to 100 ({self.quality}) and at least two frames "
                f"({self.max_frames})."
            )


def opponent_settings(name: str, stream: StreamSettings) -> OpponentSettings:
    """The settings of that name, given what our own model sees."""
    if name == "same":
        return OpponentSettings(
            name="same",
            fps=stream.window.fps,
            max_frames=None,
            resize=stream.resize,
            query=stream.query,
            text_sink=stream.window.text_sink,
            text_window=stream.window.text_window,
        )
    if name == "published":
        return OpponentSettings(
            name="published",
            fps=2.0,
            max_frames=60,
            resize=None,
            quality=85,
            is_told=False,
            query="Please describe the video.",
        )
    raise EvaluationError(f'The opponent\'s settings are "same" or "published", not {name!r}.')


async def comment_on_clips(
    clips: Sequence[Clip],
    videos: Path,
    courier: Courier,
    model: str,
    settings: OpponentSettings,
    previous: Callable[[Clip], str],
    extra: Mapping[str, Any] | None = None,
) -> tuple[dict[str, VideoResult], list[Failure]]:
    """Have an API model comment on every clip.

    Args:
        clips: the clips.
        videos: the folder of the videos.
        courier: the way to the model.
        model: its name.
        settings: what it is shown, and whether it is told anything.
        previous: what our model would have as "previous text" if it began with that clip.
        extra: entries of the request's body that are added or replaced; None as a value removes one.

    Returns:
        Results by video, in the published form, a phrase for each clip; and clips without one, with the reason.

    Raises:
        JudgeRefusedError: the API refuses whoever asks, or takes not one of the clips.
    """
    reading = asyncio.Semaphore(_NUM_READING)
    failures: list[Failure] = []
    progress = Progress(f"clips with commentary of {model}", len(clips))

    async def one(clip: Clip) -> Phrase:
        text: str | None = None
        try:
            async with reading:  # pictures are large: few clips are in memory at a time
                body = await asyncio.to_thread(
                    request_body, clip, videos, model, settings, previous(clip), extra
                )
                text, replies = await courier.ask_until(body, lambda answer: answer.strip() or None)
            reason = replies[-1].reason or "the answer is empty (it is kept; --ask-again asks once more)"
        except VideoError as error:
            reason = str(error)
        progress()
        if text is None:
            logger.warning("%s from %d s: %s", clip.name, clip.start_s, reason)
            failures.append(Failure(video=clip.label, reason=reason))
        return Phrase(start_s=clip.start_s, end_s=clip.end_s, text=text or "")

    # Clips of the same span would be one question, and one phrase says what was said of them.
    different = {clip.label: clip for clip in clips}.values()
    phrases = await all_of(one(clip) for clip in different)
    courier.check()
    said: dict[str, list[Phrase]] = defaultdict(list)
    for clip, phrase in zip(different, phrases, strict=True):
        if phrase.text:
            said[clip.name].append(phrase)
    results = {
        video: VideoResult(
            video=video,
            start_s=min(phrase.start_s for phrase in spoken),
            end_s=max(phrase.end_s for phrase in spoken),
            phrases=tuple(sorted(spoken, key=lambda phrase: phrase.start_s)),
        )
        for video, spoken in said.items()
    }
    return results, sorted(failures, key=lambda failure: failure.video)


def request_body(
    clip: Clip,
    videos: Path,
    model: str,
    settings: OpponentSettings,
    previous: str,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The request for one clip, with the title and the words said before it in `previous`. Raises VideoError."""
    frames, _ = spread_frames(
        videos / clip.video,
        start_s=clip.start_s,
        end_s=clip.end_s,
        fps=settings.fps,
        max_frames=settings.max_frames or 1 << 30,
    )
    told = [settings.query]
    if settings.is_told and previous:
        told.append(f"The title, and what was said before: {previous}")
    told.append(
        f"The pictures show the seconds {clip.start_s} to {clip.end_s}, {settings.fps:g} a second at most."
    )
    content: list[dict[str, Any]] = [{"type": "text", "text": "\n".join(told)}]
    content += [
        {"type": "image_url", "image_url": {"url": _data_address(picture, settings.quality)}}
        for picture in _resized(frames, settings)
    ]
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": content}],
    }
    body.update(extra or {})
    return {name: value for name, value in body.items() if value is not None}


def knowledge(settings: OpponentSettings, mode: str, name: str, model: str) -> str:
    """What our model (`name`) and an opponent (`model`) know when a clip begins, in a sentence."""
    if not settings.is_told:
        return (
            f"{model} is shown at most {settings.max_frames} frames of a clip and told neither the title nor what was "
            f"said before (the published script's settings); {name} has both."
        )
    words = (
        f"the title and the words that people said until then (the first {settings.text_sink} and the last "
        f"{settings.text_window} of them)"
    )
    if mode == "endless":
        return f"When a clip begins, {model} is told {words}; {name} goes on from what it said itself."
    return f"{name} begins every piece, and {model} every clip, with {words}."


def record(settings: OpponentSettings, model: str) -> dict[str, Any]:
    """The opponent's settings as plain values."""
    return {"model": model, **dataclasses.asdict(settings)}


def _resized(frames: NDArray[np.uint8], settings: OpponentSettings) -> Sequence[NDArray[Any]]:
    height, width = frames.shape[1:3]
    if settings.resize is not None:
        import torch

        from engine.preprocess import resize_frames, smart_resize

        size = smart_resize(height, width, settings.resize)
        return list(resize_frames(torch.from_numpy(frames), *size).numpy())
    if height <= settings.max_height:
        return list(frames)
    size = (max(1, round(width * settings.max_height / height)), settings.max_height)
    return [cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames]


def _data_address(picture: NDArray[Any], quality: int) -> str:
    ok, data = cv2.imencode(
        ".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    assert ok, "a picture of this shape can always be encoded"
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")
