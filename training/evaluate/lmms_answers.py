"""Requests of lmms-eval answered by our engine; the part of the adapter that needs no lmms-eval.

Knows the documented shapes of its requests (context, generation settings, visuals), two ways to show a video:
"offline", frames spread over all of it and then the question, and "streamed", the video running through the streaming
engine and the question put into its last second; and that one bad video costs its own requests only. Knows nothing of
tasks and scores, which stay lmms-eval's.
"""

import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine import (
    CheckpointError,
    EngineError,
    FrameChunk,
    LoadedModel,
    ResizeSettings,
    StreamingSession,
    StreamSettings,
)
from engine.prompt import SYSTEM_TEXT
from training.errors import VideoError
from training.evaluate.errors import EvaluationError
from training.evaluate.offline import OfflineAnswerer, Positions
from training.evaluate.video import ahead, chunks, length_s, spread_frames

logger = logging.getLogger("ringside.training.evaluate")

Answer = TypeVar("Answer")
_DEFAULT_MAX_NEW_TOKENS = 128
_ENDINGS_NOT_TAKEN = ("\n\n",)
"""Not an end of an answer: lmms-eval's own adapter for these models drops it too, as it cuts answers short."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class AnswerSettings:
    """How requests are answered."""

    mode: Literal["offline", "streamed"] = "offline"
    fps: float = 2.0
    """Frames a second shown."""
    max_frames: int = 64
    """Most frames of an offline showing; a longer video is shown with fewer a second."""
    system: str = SYSTEM_TEXT
    """System message of an offline showing."""
    is_silent: bool = True
    """Streamed: whether the model is kept silent until the question, instead of commenting."""
    positions: Positions = "transformers"
    """Offline: where text after a video begins. The default answers as the installed transformers does, which is what
    lmms-eval's own adapters measure; "trained" is the rule of the checkpoint's training (see offline.py)."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.positions not in ("trained", "transformers"):
            raise EvaluationError(f'The positions are "trained" or "transformers", not {self.positions!r}.')
        if self.mode not in ("offline", "streamed"):
            raise EvaluationError(f'The mode is "offline" or "streamed", not {self.mode!r}.')
        if self.fps <= 0 or self.max_frames < 2:
            raise EvaluationError(
                f"fps ({self.fps}) must be above 0, max_frames ({self.max_frames}) at least 2."
            )


class Answers:
    """Answers requests, one after the other."""

    def __init__(self, model: LoadedModel, resize: ResizeSettings, settings: AnswerSettings) -> None:
        self._model = model
        self._resize = resize
        self._settings = settings
        self._offline = OfflineAnswerer(model, resize, positions=settings.positions)

    def generate(self, context: str, generation: Mapping[str, Any], visuals: Sequence[Any] | None) -> str:
        """The answer to a request of the kind generate_until.

        Args:
            context: the question.
            generation: max_new_tokens, temperature, top_p, do_sample and until, as lmms-eval gives them.
            visuals: a path of a video, or pictures, or nothing.

        Raises:
            VideoError: the video can't be read.
            EvaluationError: the visuals are of a kind that can't be shown.
        """
        question = context.replace("<image>", "").replace("<video>", "")
        limit = int(generation.get("max_new_tokens") or _DEFAULT_MAX_NEW_TOKENS)
        is_greedy = not generation.get("temperature") or generation.get("do_sample") is False
        temperature = 0.0 if is_greedy else float(generation["temperature"])
        top_p = float(generation.get("top_p") or 1.0)
        if self._settings.mode == "offline":
            frames, fps = self._frames(visuals)
            answer = self._offline.answer(
                frames,
                fps,
                question,
                max_new_tokens=limit,
                temperature=temperature,
                top_p=top_p,
                seed=self._settings.seed,
                system=self._settings.system,
            )
        else:
            answer = self._stream(question, visuals, limit, temperature, top_p)
        return _until(answer, generation.get("until"))

    def likelihood(
        self, context: str, continuation: str, visuals: Sequence[Any] | None
    ) -> tuple[float, bool]:
        """The log-likelihood of an answer, and whether it is the greedy one; always shown offline."""
        frames, fps = self._frames(visuals)
        question = context.replace("<image>", "").replace("<video>", "")
        return self._offline.likelihood(frames, fps, question, continuation, system=self._settings.system)

    def _frames(self, visuals: Sequence[Any] | None) -> tuple[NDArray[np.uint8] | None, float]:
        settings = self._settings
        if not visuals:
            return None, settings.fps
        path = _video_path(visuals)
        if path is None:
            return _pictures(visuals), settings.fps
        return spread_frames(
            path, start_s=0.0, end_s=length_s(path), fps=settings.fps, max_frames=settings.max_frames
        )

    def _stream(
        self,
        question: str,
        visuals: Sequence[Any] | None,
        limit: int,
        temperature: float,
        top_p: float,
    ) -> str:
        settings = self._settings
        base = self._model.settings
        window = dataclasses.replace(base.window, fps=settings.fps)
        sampling = dataclasses.replace(
            base.sampling,
            max_new_tokens=limit,
            greedy=temperature == 0,
            temperature=temperature or 1.0,
            top_p=top_p,
            seed=settings.seed,
        )
        stream = StreamSettings(window=window, sampling=sampling, resize=self._resize, query="")
        session = StreamingSession(self._model, stream)
        shown, num_chunks = self._chunks(visuals, stream)
        silence = [self._model.prompt.special.ellipsis] if settings.is_silent else None
        answer = ""
        try:
            for number, chunk in enumerate(shown, start=1):
                if number < num_chunks:
                    _ = session.step(chunk, forced_ids=silence).result
                else:
                    answer = session.step(chunk, question).result.text
        finally:
            shown.close()
        return answer

    def _chunks(self, visuals: Sequence[Any] | None, stream: StreamSettings) -> tuple[Any, int]:
        """The chunks to show, and how many there are."""
        window = stream.window
        path = _video_path(visuals or ())
        if path is not None:
            num_chunks = max(1, int(length_s(path) / window.chunk_s + 1e-6))
            shown = chunks(path, start_s=0.0, end_s=num_chunks * window.chunk_s, window=window)
            return ahead(shown), num_chunks
        if not visuals:
            raise EvaluationError("A streamed showing needs a video or pictures; this request has neither.")
        frames = _pictures(visuals)
        size = window.frames_per_chunk
        starts = range(0, len(frames), size)
        made = (
            FrameChunk(
                frames=frames[start : start + size],
                start_s=number * window.chunk_s,
                end_s=(number + 1) * window.chunk_s,
            )
            for number, start in enumerate(starts)
        )
        return made, len(starts)


def answer_or_none(ask: Callable[[], Answer], visuals: Sequence[Any] | None) -> Answer | None:
    """What `ask` gives; None, and a line of the log that names it, where the video can't be read or run."""
    try:
        return ask()
    except CheckpointError:
        raise  # no video's fault
    except (VideoError, EngineError, OSError) as error:
        shown = ", ".join(str(visual) for visual in visuals or ())
        logger.warning("%s is left without an answer: %s", shown or "a request", error)
        return None


def _video_path(visuals: Sequence[Any]) -> Path | None:
    paths = [visual for visual in visuals if isinstance(visual, str | Path)]
    if not paths:
        return None
    if len(visuals) > 1:
        raise EvaluationError(f"A request may show one video, and this one shows {len(visuals)} things.")
    return Path(paths[0])


def _pictures(visuals: Sequence[Any]) -> NDArray[np.uint8]:
    """Pictures as the frames of a video, brought to the first one's size; a lone one is shown twice, as a pair."""
    from PIL import Image

    if not all(isinstance(visual, Image.Image) for visual in visuals):
        kinds = sorted({type(visual).__name__ for visual in visuals})
        raise EvaluationError(f"Videos by their path and PIL pictures can be shown, not {', '.join(kinds)}.")
    size = visuals[0].size
    frames = [np.asarray(visual.convert("RGB").resize(size), dtype=np.uint8) for visual in visuals]
    if len(frames) % 2:
        frames.append(frames[-1])
    return np.stack(frames)


def _until(answer: str, until: Any) -> str:
    ends = [until] if isinstance(until, str) else list(until or ())
    for end in ends:
        if end and end not in _ENDINGS_NOT_TAKEN:
            answer = answer.split(end)[0]
    return answer
