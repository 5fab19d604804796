"""Two ways to show a video with a question in it, and two ways to take the answer.

Knows: "offline", all frames up to the question and then the question, as the published scripts do; and "streamed", the
video running through the streaming engine second by second, the question put into the turn of the second in which it is
asked. Knows nothing of what is right.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engine import StreamSettings
from training.evaluate.errors import EvaluationError
from training.evaluate.ovo.questions import Question
from training.evaluate.ovo.scoring import OPTIONS
from training.evaluate.streaming import segment_seed
from training.evaluate.video import ahead, chunks, length_s, spread_frames
from training.evaluate.work import Row, VideoWork

if TYPE_CHECKING:
    from engine import LoadedModel

_ANSWER_LEAD = "The answer is:\n"
_MAX_ANSWER_TOKENS = 32
"""Of an offline answer; in a stream an answer has as many tokens as any phrase."""


@dataclass(frozen=True, kw_only=True)
class ShowingSettings:
    """How questions are put."""

    stream: StreamSettings
    """Windows, frame rate, resolution; sampling is greedy."""
    showing: Literal["offline", "streamed"] = "offline"
    scoring: Literal["text", "logits"] = "text"
    max_frames: int = 64
    """Most frames of an offline showing."""
    lead_s: float | None = None
    """A streamed showing begins at most so long before the question; None shows everything that belongs to it."""
    is_silent: bool = False
    """Whether the model is kept silent in a streamed showing until it is asked, instead of commenting."""
    positions: Literal["trained", "transformers"] = "trained"
    """Offline: where text after a video begins (see offline.py)."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.showing not in ("offline", "streamed") or self.scoring not in ("text", "logits"):
            raise EvaluationError(
                f'A showing is "offline" or "streamed" and a scoring "text" or "logits", not {self.showing!r} and '
                f"{self.scoring!r}."
            )
        if self.max_frames < 2 or (self.lead_s is not None and self.lead_s <= 0):
            raise EvaluationError(
                f"max_frames ({self.max_frames}) must be at least 2 and lead_s ({self.lead_s}) above 0."
            )


def works(
    questions: Sequence[Question],
    videos: Path,
    load: Callable[[], "LoadedModel"],
    settings: ShowingSettings,
) -> list[VideoWork]:
    """The work on every video: a row for each of its questions. `load` is called once there is something to do."""
    by_video: dict[str, list[Question]] = defaultdict(list)
    for question in questions:
        by_video[question.video].append(question)
    return [
        VideoWork(
            video=video,
            keys=[question.key for question in mine],
            cost=sum(question.end_s - question.start_s for question in mine),
            do=_doing({question.key: question for question in mine}, videos / video, load, settings),
        )
        for video, mine in by_video.items()
    ]


def _doing(
    questions: Mapping[str, Question],
    path: Path,
    load: Callable[[], "LoadedModel"],
    settings: ShowingSettings,
) -> Callable[[Sequence[str]], Iterable[Row]]:
    def do(keys: Sequence[str]) -> Iterator[Row]:
        video_s = length_s(path)
        for key in keys:
            response = respond(questions[key], path, video_s, load(), settings)
            yield {"key": key, "response": response}

    return do


def respond(
    question: Question, path: Path, video_s: float, model: "LoadedModel", settings: ShowingSettings
) -> str:
    """The answer to one question: text, or the option that was chosen. Raises VideoError."""
    end_s = min(question.end_s, video_s)
    start_s = min(question.start_s, max(0.0, end_s - settings.stream.window.chunk_s))
    if settings.showing == "offline":
        return _respond_offline(question, path, start_s, end_s, model, settings)
    if settings.lead_s is not None:
        start_s = max(start_s, end_s - settings.lead_s)
    return _respond_streamed(question, path, start_s, end_s, model, settings)


def _respond_offline(
    question: Question,
    path: Path,
    start_s: float,
    end_s: float,
    model: "LoadedModel",
    settings: ShowingSettings,
) -> str:
    from training.evaluate.offline import OfflineAnswerer

    stream = settings.stream
    frames, fps = spread_frames(
        path, start_s=start_s, end_s=end_s, fps=stream.window.fps, max_frames=settings.max_frames
    )
    answerer = OfflineAnswerer(model, stream.resize, positions=settings.positions)
    if settings.scoring == "text":
        answer: str = answerer.answer(frames, fps, question.prompt, max_new_tokens=_MAX_ANSWER_TOKENS)
        return answer.strip()
    scores: list[float] = answerer.scores(
        frames, fps, question.prompt, answerer.option_ids(OPTIONS), answer_prefix=_ANSWER_LEAD
    )
    return OPTIONS[max(range(len(OPTIONS)), key=lambda index: scores[index])]


def _respond_streamed(
    question: Question,
    path: Path,
    start_s: float,
    end_s: float,
    model: "LoadedModel",
    settings: ShowingSettings,
) -> str:
    from engine import StreamingSession

    prompt = model.prompt
    window = settings.stream.window
    lead_ids = prompt.encode(_ANSWER_LEAD) if settings.scoring == "logits" else []
    sampling = dataclasses.replace(
        settings.stream.sampling,
        greedy=True,
        seed=segment_seed(settings.seed, question.key, start_s),
        max_new_tokens=max(settings.stream.sampling.max_new_tokens, len(lead_ids) + 1),
    )
    session = StreamingSession(model, dataclasses.replace(settings.stream, sampling=sampling))
    silence = [prompt.special.ellipsis] if settings.is_silent else None
    # Whole chunks that end with the moment of the question.
    num_chunks = max(1, int((end_s - start_s) / window.chunk_s + 1e-6))
    first_s = max(0.0, end_s - num_chunks * window.chunk_s)
    scores: list[float] = []

    def note(index: int, raw_V: Any, penalised_V: Any) -> None:
        if index == len(lead_ids):
            option_ids = [prompt.encode("\n" + option)[-1] for option in OPTIONS]
            scores.extend(float(raw_V[option_id]) for option_id in option_ids)

    shown = ahead(chunks(path, start_s=first_s, end_s=first_s + num_chunks * window.chunk_s, window=window))
    answer = ""
    try:
        for number, chunk in enumerate(shown, start=1):
            if number < num_chunks:
                _ = session.step(chunk, forced_ids=silence).result
            elif settings.scoring == "text":
                answer = session.step(chunk, question.prompt).result.text
            else:
                forced = [*lead_ids, prompt.special.im_end]
                _ = session.step(chunk, question.prompt, forced_ids=forced, on_scores=note).result
    finally:
        shown.close()
    if settings.scoring == "text":
        return answer.split("\n")[
            0
        ].strip()  # training puts an answer on a line of its own, before the commentary
    return OPTIONS[max(range(len(OPTIONS)), key=lambda index: scores[index])]
