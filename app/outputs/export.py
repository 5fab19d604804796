"""Saving a transcript: the forms it can have, and phrases joined to sentences where people read them.

Knows which form is for players and which is for reading. Knows no dialog.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

from app.captions import Phrase, write_captions
from app.captions.words import ends_sentence, join_words
from app.outputs.live_files import set_aside
from app.window.state.transcript import LONG_ROW_CHARACTERS, PAUSE_CHUNKS


@dataclasses.dataclass(frozen=True, kw_only=True)
class Form:
    """One way of saving a transcript."""

    name: str
    """As the dialog shows it."""
    ending: str
    has_times: bool = True


FORMS: tuple[Form, ...] = (
    Form(name="SubRip subtitles", ending=".srt"),
    Form(name="WebVTT subtitles", ending=".vtt"),
    Form(name="Text", ending=".txt", has_times=False),
    Form(name="Text with times", ending=".txt"),
    Form(name="JSON lines", ending=".jsonl"),
)


def sentences(phrases: Iterable[Phrase]) -> list[Phrase]:
    """Phrases joined as the transcript shows them: a sentence, or what was said between two pauses."""
    joined: list[Phrase] = []
    previous: Phrase | None = None
    for phrase in phrases:
        row = joined[-1] if joined else None
        if row is None or previous is None or _begins_row(row, previous, phrase):
            joined.append(phrase)
        else:
            joined[-1] = Phrase(row.start_s, phrase.end_s, join_words((row.text, phrase.text)))
        previous = phrase
    return joined


def save_transcript(path: Path, phrases: Sequence[Phrase], form: Form) -> Path:
    """Write it, whole or not at all; returns where it is, with the form's ending if `path` names no other.

    Whoever chose `path` agreed that it is replaced; a file that is there under the name with the ending is set aside.
    Raises CaptionEndingError and CaptionFileError.
    """
    known = {form.ending for form in FORMS}
    if path.suffix.lower() not in known:
        path = path.with_name(path.name + form.ending)
        set_aside(path)
    if path.suffix.lower() == ".txt":
        said: Sequence[Phrase] = sentences(phrases)
    elif path.suffix.lower() == ".jsonl":
        said = phrases
    else:
        # Players want cues by time, also where a person went back in the video.
        said = sorted(phrases, key=lambda phrase: phrase.start_s)
    write_captions(path, said, has_times=form.has_times)
    return path


def _begins_row(row: Phrase, previous: Phrase, phrase: Phrase) -> bool:
    chunk_s = previous.end_s - previous.start_s
    # Backwards: a person went to another place in the video.
    has_jumped = phrase.start_s < previous.start_s
    has_paused = phrase.start_s - previous.end_s > (PAUSE_CHUNKS - 0.5) * chunk_s
    return has_jumped or has_paused or ends_sentence(row.text) or len(row.text) > LONG_ROW_CHARACTERS
