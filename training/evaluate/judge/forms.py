"""What a judge is asked, and how its answer is read.

Knows the two published sets of criteria, in words of our own, and which answers count as A or B. A template file can
bring any other wording. Knows nothing of addresses or votes.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from training.evaluate.errors import DataFileError
from training.evaluate.judge.pairs import Place
from training.evaluate.judge.replies import letter_of, without_thoughts


@dataclass(frozen=True, kw_only=True)
class JudgeForm:
    """A question to a judge."""

    name: str
    system: str
    """System message; "" for none."""
    template: str
    """User message, with {reference}, {first} and {second}, and {title} where it is wanted."""
    read: Callable[[str], Place | None]
    """What an answer says; None if that can't be told."""
    temperature: float = 0.0
    seed: int | None = None

    def messages(self, *, title: str, reference: str, first: str, second: str) -> list[dict[str, str]]:
        """The messages for one pair in one order."""
        values = {"{title}": title, "{reference}": reference, "{first}": first, "{second}": second}
        # One pass, so that braces in what was said stay what they are.
        user = re.sub(
            r"\{(title|reference|first|second)\}", lambda found: values[found.group(0)], self.template
        )
        system = [{"role": "system", "content": self.system}] if self.system else []
        return [*system, {"role": "user", "content": user}]


def read_letter(answer: str) -> Place | None:
    """Whether an answer says A or B, however it is dressed; None where it says neither, or both.

    It is looked for in the whole answer, its first and its last line, in JSON and in a box; what a model thinks aloud
    before (`<think>`) is not its answer. See judge/replies.py.
    """
    letter = letter_of(answer)
    return None if letter is None else _place(letter)


_ALIGNED = re.compile(r"commentary\s+([ab])\s+is\s+better\s+aligned", re.IGNORECASE)
_NAME = re.compile(r"\W*commentary\s+([ab])\W*", re.IGNORECASE)


def read_sentence(answer: str) -> Place | None:
    """An answer that says which commentary is better aligned, or is the name of one of the two and nothing else."""
    answer = without_thoughts(answer)
    sentences = {letter.upper() for letter in _ALIGNED.findall(answer)}
    if not sentences and (named := _NAME.fullmatch(answer)):
        sentences = {named[1]}
    return _place(sentences.pop()) if len(sentences) == 1 else read_letter(answer)


def _place(letter: str) -> Place:
    return "first" if letter.upper() == "A" else "second"


INF_STREAMS = JudgeForm(
    name="inf-streams",
    system=(
        "You compare two commentaries on the same stretch of a sports broadcast and choose the better one. Weigh two "
        "things, the first before the second.\n"
        "1. Broadcast tone and pacing: it sounds like somebody calling the game live, play by play with short insights, "
        "its energy rising and falling with the moment, rather than like a description of pictures.\n"
        "2. Accuracy: what it says agrees with what happens at that time, and nothing in it contradicts the reference "
        "words.\n"
        "There is no draw. Answer with exactly one letter, A or B, and nothing else."
    ),
    template=(
        "What the broadcaster said, for tone and for what is on screen:\n{reference}\n\n"
        "Commentary A:\n{first}\n\nCommentary B:\n{second}\n"
    ),
    read=read_letter,
)
"""Inf-Streams-Eval: tone and pacing first, accuracy against the reference words second."""

LIVESPORTS = JudgeForm(
    name="livesports",
    system="",
    template=(
        "You know video commentary well. Read two commentaries on the same event, A and B, and say which is better "
        "aligned with what the human commentator said.\n"
        "First weigh the meaning: the same points, details and message as the human commentary. Only if that does not "
        "decide, weigh the style: tone, choice of words and build of sentences.\n\n"
        "---Commentary A---\n{first}\n----------\n\n---Commentary B---\n{second}\n----------\n\n"
        "---Human Commentary---\n{reference}\n----------\n\n"
        'Answer "Commentary A is better aligned with the human commentary" or "Commentary B is better aligned with the '
        'human commentary".\n'
    ),
    read=read_sentence,
    seed=42,
)
"""LiveSports-3K-CC: semantic alignment first, style second; seed 42 and temperature 0 as published."""

FORMS = {form.name: form for form in (INF_STREAMS, LIVESPORTS)}


def with_template(form: JudgeForm, path: Path) -> JudgeForm:
    """The form with the wording of a file: a system message, a line of `---` alone, and a user message.

    Without such a line everything is the user message. Raises DataFileError.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataFileError(path, f"it can't be read ({error}).") from error
    parts = re.split(r"^---[ \t]*\n", text, maxsplit=1, flags=re.MULTILINE)
    system, template = (parts[0].strip(), parts[1]) if len(parts) == 2 else ("", text)
    missing = [name for name in ("{first}", "{second}", "{reference}") if name not in template]
    if missing:
        raise DataFileError(path, f"the user message lacks {', '.join(missing)}.")
    return JudgeForm(
        name=f"{form.name} ({path.name})",
        system=system,
        template=template,
        read=form.read,
        temperature=form.temperature,
        seed=form.seed,
    )
