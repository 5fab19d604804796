"""OVO-Bench's questions: what is asked, at which moment, over which stretch of video, and what is right.

Knows the published annotations (`ovo_bench_new.json`) and the formatted lines that LiveCC and StreamingVLM made of them
(`ovo-bench-formatted.jsonl`), which bring their own wording. The wording for raw annotations is ours; a file of one's
own can replace it. Knows nothing of models or scores.

Tasks: EPM, ASI, HLD (backward tracing); STU, OJR, ATR, ACR, OCR, FPD (real-time visual perception), all with options;
REC (how often), SSR (is this step being done) and CRR (can this be answered yet), forward active responding, asked
again and again at the moments of "test_info".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from training.evaluate.errors import DataFileError, EvaluationError
from training.evaluate.files import read_json, read_rows

Category = Literal["backward", "realtime", "forward"]

CATEGORY_OF: Mapping[str, Category] = {
    **dict.fromkeys(("EPM", "ASI", "HLD"), "backward"),
    **dict.fromkeys(("STU", "OJR", "ATR", "ACR", "OCR", "FPD"), "realtime"),
    **dict.fromkeys(("REC", "SSR", "CRR"), "forward"),
}
"""The category of each task."""

LETTERS = "ABCDE"
WORDINGS: Mapping[str, str] = {
    "options": (
        "Question: {question}\nOptions: {options}\n"
        "Answer with the letter of the right option alone, without any other word."
    ),
    "choose": "Choose the right answer.",
    "REC": (
        'In this video people may do the same thing again and again; whoever does it is called "they". Count how many '
        "times it has been done until now, by anybody; a whole movement counts once.\n"
        "How many times did they {activity}?\nAnswer with a number alone, without any other word."
    ),
    "SSR": (
        "This video teaches something in several steps. One of the steps is:\n{step}\n"
        'Is somebody in the video doing this step right now? Answer "Yes" or "No" alone, without any other word.'
    ),
    "CRR": (
        "The question below is about the newest pictures of the video, those at its end.\n{question}\n"
        'Has the video until now, its newest pictures above all, shown enough to answer it? Answer "Yes" or "No" alone, '
        "without any other word."
    ),
}
"""What is asked, by kind of task, with {question}, {options}, {activity} and {step} in place; "choose" closes a
formatted question that has options."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question at one moment."""

    key: str
    """Different for every question: the annotation's number, and which of its moments."""
    id: int | str
    """The annotation's number."""
    index: int
    """Which of its moments."""
    task: str
    video: str
    start_s: float
    """Where the stretch begins that belongs to the question."""
    end_s: float
    """The moment it is asked."""
    prompt: str
    plain: str
    """The question without instructions, as result files have it."""
    answer: str
    """A letter, a number, "Yes" or "No"."""

    @property
    def category(self) -> Category:
        """The task's category."""
        return CATEGORY_OF[self.task]


def read_questions(path: Path, wordings: Mapping[str, str] = WORDINGS) -> list[Question]:
    """Every question of an annotations file, raw or formatted. Raises DataFileError."""
    questions: list[Question] = []
    for number, row in read_rows(path):
        try:
            task = str(row["task"])
            if task not in CATEGORY_OF:
                raise DataFileError(
                    path, f"there is no task {task!r}; known are {', '.join(CATEGORY_OF)}.", line=number
                )
            if "video_end" in row:
                questions.append(_formatted(row, len(questions), wordings))
            else:
                questions.extend(_raw(row, wordings))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise DataFileError(
                path, f"this question is not in its form ({error!r}).", line=number
            ) from error
    return questions


def read_wordings(path: Path) -> dict[str, str]:
    """Wordings from a JSON file that replace ours, some or all. Raises DataFileError, EvaluationError."""
    found = read_json(path)
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise DataFileError(path, "wordings are a JSON object of texts.")
    unknown = sorted(set(found) - set(WORDINGS))
    if unknown:
        raise EvaluationError(
            f"{path} has a wording for {unknown[0]}; there are wordings for {', '.join(WORDINGS)}."
        )
    return {**WORDINGS, **found}


def with_options(question: str, options: Sequence[str], wording: str) -> str:
    """A question with its options in a wording."""
    listed = "; ".join(f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False)) + ";"
    return _put(wording, question=question, options=listed)


def _raw(row: Mapping[str, Any], wordings: Mapping[str, str]) -> Iterator[Question]:
    task, video = str(row["task"]), str(row["video"])
    if CATEGORY_OF[task] != "forward":
        options = [str(option) for option in row["options"]]
        if not 1 <= len(options) <= len(LETTERS):
            raise ValueError(f"{len(options)} options")
        yield Question(
            key=f"{row['id']}-0",
            id=row["id"],
            index=0,
            task=task,
            video=video,
            start_s=0.0,
            end_s=float(row["realtime"]),
            prompt=with_options(str(row["question"]), options, wordings["options"]),
            plain=str(row["question"]),
            answer=LETTERS[: len(options)][int(row["gt"])],
        )
        return
    for index, moment in enumerate(row["test_info"]):
        if task == "REC":
            plain = f"How many times did they {row['activity']}?"
            prompt = _put(wordings["REC"], activity=str(row["activity"]))
            answer = str(int(moment["count"]))
        elif task == "SSR":
            plain = str(moment["step"])
            prompt = _put(wordings["SSR"], step=plain)
            answer = ("No", "Yes")[int(moment["type"])]
        else:
            plain = str(row["question"])
            prompt = _put(wordings["CRR"], question=plain)
            answer = ("No", "Yes")[int(moment["type"])]
        yield Question(
            key=f"{row['id']}-{index}",
            id=row["id"],
            index=index,
            task=task,
            video=video,
            start_s=0.0,
            end_s=float(moment["realtime"]),
            prompt=prompt,
            plain=plain,
            answer=answer,
        )


def _formatted(row: Mapping[str, Any], number: int, wordings: Mapping[str, str]) -> Question:
    """A formatted line: its question has the instructions in it, its options their letters."""
    task, plain = str(row["task"]), str(row["question"])
    options = [str(option) for option in row.get("options") or ()]
    lines = [plain, *options, wordings["choose"]] if options else [plain]
    return Question(
        key=f"{row['id']}-{number}",
        id=row["id"],
        index=number,
        task=task,
        video=str(row["video"]),
        start_s=float(row["video_start"]),
        end_s=float(row["video_end"]),
        prompt="\n".join(lines),
        plain=plain,
        answer=str(row["answer"]),
    )


def _put(wording: str, **values: str) -> str:
    for name, value in values.items():
        wording = wording.replace("{" + name + "}", value)
    return wording
