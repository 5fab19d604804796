"""Makes a narrated video from beginning to end.

Knows the order of things: what can be refused is refused first; watching and, where it is needed, encoding go on side
by side; then everything is spoken, mixed and written, and takes the output's place at one stroke. Knows no terminal and
no window.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from av.error import FFmpegError

from app.captions import Phrase
from app.narrate.commentate import Commentator, commentate
from app.narrate.errors import (
    NarrationCancelledError,
    NothingToSayError,
    OutputEndingError,
    OutputFailedError,
    OutputIsSourceError,
)
from app.narrate.fitting import Fitter, Heard, Samples, Spoken, lines_from
from app.narrate.movie import write_movie
from app.narrate.picture import Picture, prepare_picture
from app.narrate.sound import SpeechTrack, mixed
from app.narrate.work_files import WorkFiles
from app.sources.video_info import inspect_video
from app.speech.options import SpeechOptions
from app.speech.speaker import Speaker
from app.speech.video_sound import source_blocks

_log = logging.getLogger("ringside.app.narrate")

_RUNS_OVER_S = 1.5
"""The last words may be heard so long after the last picture."""

_SOUND_BYTES_PER_S = 24_000

Stage = Literal["loading", "watching", "encoding", "writing"]


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far it is."""

    stage: Stage
    fraction: float
    """Of this stage, 0 to 1."""
    text: str
    """What is being done, for a person."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class NarrationJob:
    """What is wanted."""

    video: Path
    output: Path
    phrases: Sequence[Phrase] | None = None
    """What to say, where that is known: nothing is watched then."""
    commentator: Commentator | None = None
    """Who says it otherwise."""
    speech: SpeechOptions = dataclasses.field(default_factory=SpeechOptions)
    duck_db: float = 12.0
    """How much quieter the original is while somebody speaks, in decibels."""
    whole_sentences: bool = False
    """Speak sentences in one go from the time of their first phrase, and not each phrase at its own time."""
    title: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class NarrationResult:
    """What was made."""

    phrases: tuple[Phrase, ...]
    spoken: tuple[Heard, ...]
    """Lines with the times at which they are heard."""
    num_faster: int
    """Lines that had to be spoken faster to fit."""
    num_left_out: int
    """Words that did not fit; they stand in the subtitles only."""
    duration_s: float
    took_s: float
    notice: str
    """What was not as asked for, such as a voice that is missing; "" for nothing."""


def check(job: NarrationJob) -> None:
    """Refuse what cannot be, before anything is done. Raises NarrationError and SourceError."""
    if job.output.suffix.lower() != ".mp4":
        raise OutputEndingError(job.output)
    inspect_video(job.video)
    if job.output.exists() and job.output.samefile(job.video):
        raise OutputIsSourceError(job.output)
    if not job.output.parent.is_dir():
        raise OutputFailedError(job.output, f"there is no folder {job.output.parent}")
    if job.phrases is not None and not job.phrases:
        raise NothingToSayError


def narrate(
    job: NarrationJob,
    *,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_phrases: Callable[[Sequence[Phrase]], None] = lambda phrases: None,
    cancel: threading.Event | None = None,
) -> NarrationResult:
    """Make the video; `on_progress` may come from any thread. `on_phrases` is told what will be said.

    The output is replaced at the very end, or not at all. Raises NarrationError, SourceError, EngineFailedError,
    SpeechError.
    """
    cancel = cancel or threading.Event()
    check(job)
    began_at_s = time.monotonic()
    try:
        with WorkFiles(job.output) as files:
            _make_sure_there_is_room(job)
            picture, phrases = _prepare(job, files, on_progress, cancel)
            if not phrases:
                raise NothingToSayError
            on_phrases(phrases)
            made = _write(job, files, picture, phrases, on_progress, cancel)
            if cancel.is_set():
                raise NarrationCancelledError
            files.finish()
    except (OSError, FFmpegError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputFailedError(job.output, reason[:1].lower() + reason[1:]) from error
    return dataclasses.replace(made, took_s=time.monotonic() - began_at_s)


def _prepare(
    job: NarrationJob, files: WorkFiles, on_progress: Callable[[Progress], None], cancel: threading.Event
) -> tuple[Picture, Sequence[Phrase]]:
    stop = threading.Event()

    def is_over() -> bool:
        return stop.is_set() or cancel.is_set()

    with concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="ringside-picture") as threads:
        is_watching = job.phrases is None
        picture = threads.submit(
            prepare_picture,
            job.video,
            files.picture,
            on_progress=(
                (lambda fraction: None)
                if is_watching
                else lambda fraction: on_progress(Progress("encoding", fraction, "Preparing the picture"))
            ),
            is_cancelled=is_over,
        )
        try:
            phrases = job.phrases if job.phrases is not None else _watch(job, on_progress, is_over, picture)
            while not picture.done():
                concurrent.futures.wait([picture], timeout=0.2)
                if is_watching:
                    on_progress(Progress("encoding", 0.0, "Preparing the picture"))
            return picture.result(), phrases
        except BaseException:
            stop.set()
            raise


def _watch(
    job: NarrationJob,
    on_progress: Callable[[Progress], None],
    is_cancelled: Callable[[], bool],
    picture: concurrent.futures.Future[Picture],
) -> list[Phrase]:
    if job.commentator is None:
        raise NothingToSayError

    def watched(fraction: float) -> None:
        # A picture that cannot be made is found out now, not after an hour of watching.
        if picture.done():
            picture.result()
        on_progress(Progress("watching", fraction, "Watching"))

    return commentate(
        job.video,
        job.commentator,
        on_loading=lambda fraction, text: on_progress(Progress("loading", fraction, text)),
        on_watched=watched,
        is_cancelled=is_cancelled,
    )


def _write(
    job: NarrationJob,
    files: WorkFiles,
    picture: Picture,
    phrases: Sequence[Phrase],
    on_progress: Callable[[Progress], None],
    cancel: threading.Event,
) -> NarrationResult:
    notices: list[str] = []
    with Speaker(job.speech, on_notice=notices.append) as speaker, contextlib.ExitStack() as open_files:

        def say(text: str, rate: float) -> tuple[Samples, int]:
            if cancel.is_set():
                raise NarrationCancelledError
            pcm = speaker.synthesise(text, rate=rate)
            return pcm.samples.astype(np.float32) / np.float32(32768), pcm.rate_hz

        fitter = Fitter(say, rate=job.speech.rate)
        known = [phrase for phrase in phrases if phrase.start_s < picture.duration_s]
        lines = lines_from(known, whole_sentences=job.whole_sentences)
        told: list[Heard] = []
        speech = SpeechTrack(
            _remembered(fitter.fit(lines, end_s=picture.duration_s + _RUNS_OVER_S), told),
            volume=job.speech.volume,
        )
        source = source_blocks(job.video)
        open_files.callback(source.close)
        write_movie(
            files.movie,
            picture,
            mixed(source, speech, depth_db=job.duck_db, end_s=picture.duration_s),
            known,
            title=job.title,
            on_progress=lambda fraction: on_progress(Progress("writing", fraction, "Speaking and writing")),
            is_cancelled=cancel.is_set,
        )
        return NarrationResult(
            phrases=tuple(known),
            spoken=tuple(told),
            num_faster=fitter.num_faster,
            num_left_out=fitter.num_left_out,
            duration_s=picture.duration_s,
            took_s=0.0,
            notice=" ".join(notices),
        )


def _remembered(spoken: Iterator[Spoken], told: list[Heard]) -> Iterator[Spoken]:
    for one in spoken:
        told.append(one.heard)
        yield one


def _make_sure_there_is_room(job: NarrationJob) -> None:
    info = inspect_video(job.video)
    wanted = job.video.stat().st_size + _SOUND_BYTES_PER_S * (info.duration_s or 0.0)
    free = shutil.disk_usage(job.output.parent).free
    if free < wanted:
        raise OutputFailedError(
            job.output, f"it takes about {wanted / 1e6:.0f} MB and {free / 1e6:.0f} MB are free"
        )
