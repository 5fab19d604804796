"""`ringside narrate`: a video in, a video that tells itself out.

Knows what the command line asks for, and how it is cancelled: Ctrl-C, a polite kill, or, where another program started
it, the end of standard input. Knows no voice, picture or container.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app import resources
from app.captions import Phrase, format_for, write_captions
from app.cli.narrate_view import NarrateView
from app.cli.stream_options import adjusted, model_request, read_title
from app.errors import RingsideError, UsageError
from app.models.local import chosen_models_folder
from app.narrate import NarrationCancelledError, NarrationJob, Progress, read_transcript
from app.narrate import narrate as make
from app.narrate.commentate import Commentator
from app.narrate.job import check
from app.speech.options import Engine, SpeechOptions, VoiceInfo
from app.speech.speaker import Speaker
from engine.settings import StreamSettings

EXIT_OK, EXIT_INTERRUPTED = 0, 130


def narrate(options: argparse.Namespace) -> int:
    """Run `ringside narrate` and return its exit code. Raises RingsideError."""
    if options.verbose:
        logging.basicConfig(format="%(name)s: %(message)s")
        logging.getLogger("ringside").setLevel(logging.DEBUG)
    if options.list_voices:
        return _list_voices(options)
    cancel = threading.Event()
    report = _JsonLines(cancel) if options.json else None
    try:
        job = _job(options)
        check(job)
        with _signals_cancel(cancel):
            return _run(job, options, cancel, report)
    except NarrationCancelledError:
        if report is not None:
            report.tell("cancelled")
        elif not options.quiet:
            sys.stderr.write("Stopped. Nothing was written.\n")
        return EXIT_INTERRUPTED
    except RingsideError as error:
        if report is not None:
            report.tell("failed", message=error.message, hint=error.hint)
        raise


def _run(
    job: NarrationJob, options: argparse.Namespace, cancel: threading.Event, report: _JsonLines | None
) -> int:
    def keep(phrases: Sequence[Phrase]) -> None:
        for path in options.save_captions:
            write_captions(path, phrases)

    with NarrateView(job, is_quiet=options.quiet or report is not None) as view:

        def progress(progress: Progress) -> None:
            if report is not None:
                report.progress(progress)
            view.show(progress)

        result = make(job, on_progress=progress, on_phrases=keep, cancel=cancel)
        view.finished(result, [job.output, *options.save_captions])
    if report is not None:
        report.tell(
            "done",
            num_phrases=len(result.phrases),
            num_faster=result.num_faster,
            num_left_out=result.num_left_out,
            duration_s=round(result.duration_s, 3),
            took_s=round(result.took_s, 3),
            notice=result.notice,
        )
    return EXIT_OK


def _job(options: argparse.Namespace) -> NarrationJob:
    video: Path | None = options.video
    if options.demo and video is not None:
        raise UsageError("Both a video and --demo were given.", hint="Choose one.")
    if options.demo:
        video = resources.demo_video()
    if video is None:
        raise UsageError("No video was given.", hint="Name one, or use --demo for the demo match.")
    if options.out is None:
        raise UsageError("No output was given.", hint="Say where to write: --out FILE.mp4")
    for path in options.save_captions:
        format_for(path)
    title = read_title(options.title)
    if options.demo and title is None:
        title = resources.demo_title()
    phrases = commentator = None
    if options.transcript is not None:
        phrases = read_transcript(options.transcript)
    else:

        def adjust(settings: StreamSettings) -> StreamSettings:
            return adjusted(settings, options, title)

        commentator = Commentator(model=model_request(options), adjust=adjust)
    return NarrationJob(
        video=video,
        output=options.out,
        phrases=phrases,
        commentator=commentator,
        speech=SpeechOptions(
            engine=_engine(options),
            voice=_voice(options),
            language=options.language,
            rate=options.rate,
            volume=options.volume,
            models_folder=_models_folder(options),
        ),
        duck_db=options.duck_db,
        whole_sentences=options.whole_sentences,
        title=title or "",
    )


def _engine(options: argparse.Namespace) -> Engine:
    return "natural" if options.natural else "system"


def _models_folder(options: argparse.Namespace) -> str:
    return options.models_folder or str(chosen_models_folder())


def _voice(options: argparse.Namespace) -> str:
    """The voice that was meant by its own name, its name for people, or its language. Raises UsageError."""
    if not options.voice:
        return ""
    wanted = options.voice.casefold()
    with Speaker(SpeechOptions(models_folder=_models_folder(options))) as speaker:
        known = speaker.voices(_engine(options))
    for key in ("voice_id", "name", "language"):
        for voice in known:
            if getattr(voice, key).casefold() == wanted:
                return voice.voice_id
    raise UsageError(f"There is no voice {options.voice!r}.", hint="See: ringside narrate --list-voices")


def _list_voices(options: argparse.Namespace) -> int:
    with Speaker(SpeechOptions(models_folder=_models_folder(options))) as speaker:
        known: tuple[VoiceInfo, ...] = speaker.voices(_engine(options))
    if not known:
        raise UsageError(
            "This machine has no such voice.", hint="Find out what is missing with: ringside doctor"
        )
    for voice in known:
        sys.stdout.write(f"{voice.voice_id:28}  {voice.language:14}  {voice.name}\n")
    return EXIT_OK


class _JsonLines:
    """Tells another program how it goes, a line each, and listens for its end."""

    def __init__(self, cancel: threading.Event) -> None:
        self._lock = threading.Lock()
        self._last: tuple[str, int] | None = None
        threading.Thread(target=self._listen, args=(cancel,), name="ringside-listen", daemon=True).start()

    def tell(self, event: str, **values: Any) -> None:
        with self._lock:
            sys.stdout.write(json.dumps({"event": event, **values}, ensure_ascii=False) + "\n")
            sys.stdout.flush()

    def progress(self, progress: Progress) -> None:
        step = (progress.stage, int(progress.fraction * 200))
        if step != self._last:
            self._last = step
            self.tell(
                "progress", stage=progress.stage, fraction=round(progress.fraction, 3), text=progress.text
            )

    @staticmethod
    def _listen(cancel: threading.Event) -> None:
        # Below Python's own stream, whose lock would be waited for when the program ends.
        while os.read(sys.__stdin__.fileno() if sys.__stdin__ is not None else 0, 4096):
            pass
        cancel.set()


@contextmanager
def _signals_cancel(cancel: threading.Event) -> Iterator[None]:
    """Ctrl-C and a polite kill end the work tidily; a second one ends it at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former: dict[signal.Signals, Any] = {}

    def ask_to_end(number: int, frame: object) -> None:
        cancel.set()
        for kind, handler in former.items():
            signal.signal(kind, handler)

    kinds = [signal.SIGINT, signal.SIGTERM]
    former.update({kind: signal.getsignal(kind) for kind in kinds})
    for kind in kinds:
        signal.signal(kind, ask_to_end)
    try:
        yield
    finally:
        for kind, handler in former.items():
            signal.signal(kind, handler)
