"""Step 3: a language model keeps, edits or deletes every segment, in windows of 120 s (arXiv 2510.09608, section 3.4).

Knows the question, its schema, and how an edited sentence gets times for its words. Knows nothing of HTTP, or of videos.
"""

import asyncio
import dataclasses
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from training.data import transcripts
from training.data.asking import Asker, MalformedError, Spent
from training.data.errors import DataError, UnavailableError, UnusableError
from training.data.manifest import Manifest, Row, digest_of
from training.data.steps import StepReport, Task, run_step
from training.data.transcripts import Transcript
from training.evaluate.metadata import Word

STEP = "edit"
Verdict = Literal["keep", "edit", "delete"]

SYSTEM = (
    "You prepare the transcript of a live commentary as training data for a model that sees the pictures only. A speech "
    "recogniser has written it, with mistakes. For every numbered segment decide:\n"
    "- keep: live commentary on what happens, free of recognition mistakes.\n"
    "- edit: live commentary with mistakes: names, figures, misheard or repeated words. Give the corrected segment; change "
    "as little as you can, add nothing that was not said, and keep the order of words.\n"
    "- delete: not commentary on this event: advertising, sponsors, appeals to viewers, interviews, talk unrelated to the "
    "event, music, or what makes no sense.\n"
    "Use the title and what was said before for names. Answer for every segment, in order."
)
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "segments": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "integer"},
                    "verdict": {"type": "string", "enum": ["keep", "edit", "delete"]},
                    "text": {
                        "type": "string",
                        "description": "the corrected segment; empty unless the verdict is edit",
                    },
                },
                "required": ["id", "verdict", "text"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["segments"],
    "additionalProperties": False,
}


@dataclass(frozen=True, kw_only=True)
class EditSettings:
    """How a transcript is shown to the editor."""

    window_s: float = 120.0
    """Length of a window."""
    num_previous_words: int = 100
    """Words from before the window that are shown with it."""
    instructions: str = SYSTEM
    """The system message."""

    def __post_init__(self) -> None:
        if self.window_s <= 0 or self.num_previous_words < 0:
            raise DataError(
                f"window_s must be above 0 and num_previous_words not negative; they are {self.window_s} and "
                f"{self.num_previous_words}."
            )


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """What the editor made of one segment."""

    verdict: Verdict
    text: str = ""
    """The corrected segment, where the verdict is edit."""


async def edit(manifest: Manifest, asker: Asker, settings: EditSettings, *, num_parallel: int) -> StepReport:
    """Edit every transcript; `num_parallel` videos at a time, each with all its windows at once.

    A video whose editor did not answer is failed and asked again by the next run, which pays only for what is missing.
    Where two runs had no answer on a window that can be used, its segments are left out, and counted as not judged.
    """
    tasks = [_task(manifest, row, asker, settings) for row in manifest.done("transcribe").values()]
    return await run_step(manifest, STEP, tasks, num_parallel=num_parallel)


def _task(manifest: Manifest, row: Row, asker: Asker, settings: EditSettings) -> Task:
    digest = digest_of(STEP, row.digest, dataclasses.asdict(settings), SCHEMA, asker.basis)
    index = manifest.rows("index")[row.key]
    title = str(index.facts["title"])
    path = manifest.result("edits", row.key)

    async def do() -> Mapping[str, Any]:
        transcript = transcripts.read(manifest.result("transcripts", row.key))
        spent = Spent()
        windows = windows_of(transcript, settings.window_s)
        rulings = await asyncio.gather(
            *(_rule(asker, transcript, window, title, settings, spent) for window in windows)
        )
        in_order = [
            ruling
            for window, found in zip(windows, rulings, strict=True)
            for ruling in (found if found is not None else [Ruling(verdict="delete")] * len(window))
        ]
        unjudged = [window for window, found in zip(windows, rulings, strict=True) if found is None]
        num_unjudged = sum(len(window) for window in unjudged)
        if len(unjudged) == len(windows):
            raise UnavailableError("no answer of the language model about it could be used")
        edited = apply(transcript, in_order)
        if not edited.segments:
            raise UnusableError("the editor deleted everything that is said in it")
        verdicts = Counter(ruling.verdict for found in rulings if found is not None for ruling in found)
        facts = {
            **edited.facts(),
            "num_windows": len(windows),
            "verdicts": {name: verdicts[name] for name in ("keep", "edit", "delete")},
            "num_unjudged": num_unjudged,
            "num_words_before": len(transcript.words),
            "spent": spent.row(),
        }
        if unjudged:
            facts["note"] = (
                f"{num_unjudged} of its {len(in_order)} segments are left out: no answer about them could be used"
            )
        transcripts.write(
            path, edited, video=str(index.facts["path"]), title=title, digest=digest, facts=facts
        )
        return facts

    return Task(key=row.key, digest=digest, do=do, after={row.step: row.digest}, result=path)


def windows_of(transcript: Transcript, window_s: float) -> list[range]:
    """Numbers of the segments of each window; a segment belongs to the window in which it begins."""
    windows: list[range] = []
    place = -1
    for number, segment in enumerate(transcript.segments):
        here = int(segment[0][0] // window_s)
        if here == place and windows:
            windows[-1] = range(windows[-1].start, number + 1)
        else:
            windows.append(range(number, number + 1))
            place = here
    return windows


async def _rule(
    asker: Asker,
    transcript: Transcript,
    window: range,
    title: str,
    settings: EditSettings,
    spent: Spent,
) -> list[Ruling] | None:
    before = [word for segment in transcript.segments[: window.start] for _, _, word in segment]
    shown = [
        {
            "id": number - window.start,
            "start_s": round(transcript.segments[number][0][0], 1),
            "text": text_of(transcript.segments[number]),
        }
        for number in window
    ]
    # All that was said before is long in a long game; the end of it is what helps with names.
    previous = before[-settings.num_previous_words :] if settings.num_previous_words else []
    question = json.dumps(
        {"title": title, "said_before": " ".join(previous), "segments": shown}, ensure_ascii=False
    )
    messages = [
        {"role": "system", "content": settings.instructions},
        {"role": "user", "content": question},
    ]
    sizes = [len(transcript.segments[number]) for number in window]
    return await asker.ask(messages, SCHEMA, lambda value: rulings_of(value, sizes), spent)


def text_of(segment: Sequence[Word]) -> str:
    """A segment's words as text."""
    return " ".join(word for _, _, word in segment)


def rulings_of(value: Any, sizes: Sequence[int]) -> list[Ruling]:
    """Read an answer about segments of so many words each. Raises MalformedError where it is not one ruling a segment."""
    found: dict[int, Ruling] = {}
    for entry in value["segments"]:
        number, verdict = entry["id"], entry["verdict"]
        text = " ".join(str(entry.get("text") or "").split())
        if type(number) is not int or not 0 <= number < len(sizes) or number in found:
            raise MalformedError(f"segment {number!r} is not one of 0 to {len(sizes) - 1}, each once")
        if verdict not in ("keep", "edit", "delete"):
            raise MalformedError(f"the verdict on segment {number} is {verdict!r}")
        if verdict == "edit" and not text:
            raise MalformedError(f"segment {number} is to be edited and has no text")
        if verdict == "edit" and len(text.split()) > 2 * sizes[number] + 5:
            raise MalformedError(
                f"segment {number} has grown from {sizes[number]} to {len(text.split())} words"
            )
        found[number] = Ruling(verdict=verdict, text=text if verdict == "edit" else "")
    if len(found) != len(sizes):
        raise MalformedError(f"{len(found)} of {len(sizes)} segments have a verdict")
    return [found[number] for number in range(len(sizes))]


def apply(transcript: Transcript, rulings: Sequence[Ruling]) -> Transcript:
    """The transcript as the editor wants it."""
    kept: list[tuple[Word, ...]] = []
    for segment, ruling in zip(transcript.segments, rulings, strict=True):
        if ruling.verdict == "keep":
            kept.append(segment)
        elif ruling.verdict == "edit":
            kept.append(tuple(retime(segment, ruling.text.split())))
    return Transcript(segments=tuple(kept), repairs=transcript.repairs, language=transcript.language)


def retime(old: Sequence[Word], new: Sequence[str]) -> list[Word]:
    """Times for the words of an edited segment.

    Words that were there keep their times. Words in place of others share the others' time; words that were put in get
    what lies between their neighbours.
    """
    before, after = [_bare(word) for _, _, word in old], [_bare(word) for word in new]
    timed: list[Word] = []
    for tag, first, last, begin, end in SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes():
        if tag == "equal":
            timed += [
                (start_s, end_s, new[begin + at]) for at, (start_s, end_s, _) in enumerate(old[first:last])
            ]
            continue
        if begin == end:
            continue
        if first < last:
            left, right = old[first][0], old[last - 1][1]
        else:
            left = old[first - 1][1] if first else old[0][0]
            right = old[first][0] if first < len(old) else old[-1][1]
        step = (max(right, left) - left) / (end - begin)
        timed += [
            (round(left + at * step, 3), round(left + (at + 1) * step, 3), new[begin + at])
            for at in range(end - begin)
        ]
    return timed


def _bare(word: str) -> str:
    return re.sub(r"\W", "", word).casefold() or word
