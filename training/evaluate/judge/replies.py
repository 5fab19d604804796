"""Which of two letters, A or B, a language model's answer decides for.

Models that are asked for one letter dress it, explain it, put it in JSON or in a box, or think aloud first. Knows these
habits, and that an answer which could mean either decides nothing: a guess would be a vote. Knows nothing of judges.
"""

import json
import re
from collections.abc import Iterator

_THOUGHT = re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_END_OF_THOUGHT = re.compile(r"\A.*</(?:think|thinking|reasoning)>", re.DOTALL | re.IGNORECASE)
_ONE = r"(?:(?:commentary|candidate|option|response)\s+)?"
_HEADING = r"(?:(?:(?:my|the)\s+)?(?:final\s+|overall\s+)?(?:answer|verdict|winner|choice|decision)\s*(?:is)?\s*:?\s*)?"
_BARE = re.compile(rf"{_HEADING}{_ONE}\(?([ab])\)?\s*[.!]?", re.IGNORECASE)
"""A letter and nothing else."""
_BEGINS = re.compile(
    rf"(?i:{_HEADING}{_ONE})\(?([AB])(?:\)?[.!]\s+|\)\s+|\s+[-–—]\s+|[,:]?\s+(?=(?i:because|since)\b))(?=\S)"
)
"""A letter, and reasons after it."""
_LEAD = (
    r"(?i:(?:(?:overall|therefore|thus|so|hence|in (?:conclusion|summary|short)|on balance"
    r"|i (?:think|believe|find)(?: that)?|(?:while|although|though|whereas|unlike)\b[^.,;]*),?\s+)*)"
)
_BETTER = (
    r"(?:clearly\s+|slightly\s+|much\s+|overall\s+)?(?:better|best|stronger|superior|preferable|preferred)"
)
_IN_ALL = r"(?!\s+(?:at|in|on|for|with|regarding)\b(?!\s+(?:every|all|both|general)\b))"
"""What is better in one respect alone is not the better one yet."""
_IS_BETTER = (
    rf"(?i:{_ONE})\b([AB])\s+(?i:wins|(?:is|was|sounds)\s+(?:the\s+)?(?:{_BETTER}|winner))\b{_IN_ALL}"
)
_CLAIMS = tuple(
    re.compile(_LEAD + claim)
    for claim in (
        _IS_BETTER,
        rf"(?i:(?:the\s+|my\s+)?(?:{_BETTER}(?:\s+(?:commentary|candidate|option|one|choice|answer))?"
        rf"|(?:final\s+|overall\s+)?(?:winner|verdict|choice|answer|decision))\s*(?:is|:)\s*{_ONE})\(?([AB])\b",
        rf"(?i:i(?:\s+would|\s+will|'d|'ll)?\s+(?:choose|prefer|pick|select|go\s+with|vote\s+for)\s+{_ONE})\(?([AB])\b",
    )
)
"""Sentences that decide: "B is better", "The better commentary is B", "I would go with B"."""
_DOUBT = re.compile(
    r"\b(?:but|however|although|though|whereas|yet|unless|if|except|or|maybe|perhaps)\b|\?", re.IGNORECASE
)
_BOXED = re.compile(r"\\boxed\s*\{\s*(?:\\(?:text|mathrm|mathbf|textbf)\s*\{)?([^{}]*)\}")
_OBJECT = re.compile(r"\{[^{}]*\}")
_KEYS = frozenset(
    {"answer", "verdict", "winner", "choice", "better", "preference", "preferred", "decision", "result"}
)


def without_thoughts(answer: str) -> str:
    """What follows after a model has thought aloud; "" where it never stopped thinking."""
    return _END_OF_THOUGHT.sub("", _THOUGHT.sub("", answer)).strip()


def letter_of(answer: str) -> str | None:
    """The letter "A" or "B"; None if the answer says neither, or could mean both."""
    answer = without_thoughts(answer)
    text = _plain(answer)
    lines = [line for line in map(str.strip, text.splitlines()) if line]
    ends = dict.fromkeys((*lines[:1], *lines[-1:]))
    letters = {letter for line in (" ".join(lines), *ends) for letter in _bare(line)}
    marked = set(_marked(answer))
    if marked:
        letters |= marked
    else:
        letters |= {letter for line in ends for letter in _of_line(line, text)}
        if letters:
            # What is said of the other in passing keeps the answer from being clear.
            letters |= {letter for line in ends for letter in re.findall(_IS_BETTER, line)}
    return letters.pop() if len(letters) == 1 else None


def _plain(text: str) -> str:
    """Without Markdown and quotation marks."""
    return re.sub(r"[*_`#>\"“”‘’]|(?<!\w)'|'(?!\w)", "", text)


def _marked(text: str) -> Iterator[str]:
    """Letters in boxes and in JSON."""
    for content in _BOXED.findall(text):
        yield from _bare(content)
    for part in _OBJECT.findall(text):
        try:
            value = json.loads(part)
        except ValueError:
            continue
        for name, content in value.items():
            if name.lower() in _KEYS and isinstance(content, str):
                yield from _bare(content)


def _bare(text: str) -> Iterator[str]:
    found = _BARE.fullmatch(_plain(text).strip(" ()[]\n"))
    if found:
        yield found.group(1).upper()


def _of_line(line: str, text: str) -> Iterator[str]:
    """The letters that a line decides for."""
    begins = _BEGINS.match(line)
    if begins and not _is_listed(begins.group(1), line[begins.end() :], text):
        yield begins.group(1)
    for sentence in re.split(r"(?<=[.!?;])\s+", line):
        for pattern in _CLAIMS:
            found = pattern.match(sentence)
            if found and not _DOUBT.search(sentence, found.end()):
                yield found.group(1)


def _is_listed(letter: str, rest: str, text: str) -> bool:
    """Whether a letter at the beginning of a line is the first of a list ("A. lively B. dull") and no decision."""
    other = "B" if letter == "A" else "A"
    listed = (
        rf"(?m)^\W*(?i:{_ONE}){other}\s*[.:)=\-–—]"
        rf"|(?<![(\w]){other}\s*(?:[:=]|\s[-–—]\s)"
        rf"|[.!?;,]\s+{other}[.)]\s"
    )
    next_ = rf"\W*(?i:(?:or|and)\s+{other}\b|{other}\s*(?:[.:)=,/]|$))"
    return re.search(listed, text) is not None or re.match(next_, rest) is not None
