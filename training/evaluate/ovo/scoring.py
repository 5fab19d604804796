"""OVO-Bench's scores: the official text match, the option with the highest logit, and means over tasks and categories.

Knows both published ways to count, and how sure the means are. Knows nothing of how answers came about.

- Official text match: the letter, "Yes" or "No" stands somewhere in the answer (a bare "Y" or "N" counts too); for REC
  the digits of the answer, put together, are the number. No answer is wrong.
- Option logits: of 17 options (No, Yes, 0-9, A-E) the one with the highest logit is the answer; it has to begin with
  what is right.
- A task's accuracy is over its questions, a category's mean over its tasks, the total's over all tasks.
- Intervals are ours: questions on one video are alike, so that whole videos are drawn again.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from training.evaluate.judge.shares import bootstrap_mean
from training.evaluate.ovo.questions import CATEGORY_OF, Question

OPTIONS: tuple[str, ...] = ("No", "Yes", *(str(digit) for digit in range(10)), *"ABCDE")
"""What the published logit scoring lets the model choose from, whatever the task."""
CATEGORIES = ("backward", "realtime", "forward")


def text_match(task: str, response: str | None, answer: str) -> bool:
    """The official score of one answer."""
    if response is None:
        return False
    if task == "REC":
        return "".join(re.findall(r"\d+", response)) == answer
    if CATEGORY_OF[task] == "forward" and response in ("Y", "N"):
        return answer[0] == response
    return answer in response


def option_match(response: str | None, answer: str) -> bool:
    """The score of a chosen option."""
    return response is not None and response[: len(answer)] == answer


def is_right(question: Question, response: str | None, scoring: str) -> bool:
    """Whether an answer is right, by "text" or "logits"."""
    if scoring == "text":
        return text_match(question.task, response, question.answer)
    return option_match(response, question.answer)


def means(questions: Sequence[Question], responses: Mapping[str, str | None], scoring: str) -> dict[str, Any]:
    """Accuracy of tasks, means of categories and the total, in percent.

    Args:
        questions: those to be counted.
        responses: answers by the question's key; a question without one is wrong.
        scoring: "text" or "logits".
    """
    rights: dict[str, list[bool]] = defaultdict(list)
    for question in questions:
        rights[question.task].append(is_right(question, responses.get(question.key), scoring))
    tasks = {task: 100 * fmean(rights[task]) for task in CATEGORY_OF if task in rights}
    categories = {
        category: fmean(of_category)
        for category in CATEGORIES
        if (of_category := [tasks[task] for task in tasks if CATEGORY_OF[task] == category])
    }
    return {
        "tasks": {
            task: {
                "accuracy": round(tasks[task], 4),
                "num_questions": len(rights[task]),
                "num_right": sum(rights[task]),
            }
            for task in tasks
        },
        "categories": {category: round(value, 4) for category, value in categories.items()},
        "total": round(fmean(tasks.values()), 4) if tasks else None,
    }


def intervals(
    questions: Sequence[Question], responses: Mapping[str, str | None], scoring: str
) -> dict[str, Any]:
    """95% intervals of what `means` gives, in percent: a bootstrap over videos; None where there is one video only."""
    tasks = [task for task in CATEGORY_OF if any(question.task == task for question in questions)]

    def interval(of: Sequence[str]) -> list[float] | None:
        rights: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(of, 0))
        asked: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(of, 0))
        for question in questions:
            if question.task in of:
                asked[question.video][question.task] += 1
                right = is_right(question, responses.get(question.key), scoring)
                rights[question.video][question.task] += right
        found = bootstrap_mean(
            [[rights[video][task] for video in asked] for task in of],
            [[asked[video][task] for video in asked] for task in of],
        )
        return None if found is None else [round(100 * end, 4) for end in found]

    return {
        "tasks": {task: interval([task]) for task in tasks},
        "categories": {
            category: interval(mine)
            for category in CATEGORIES
            if (mine := [task for task in tasks if CATEGORY_OF[task] == category])
        },
        "total": interval(tasks) if tasks else None,
    }


def published_results(
    questions: Sequence[Question], responses: Mapping[str, str | None]
) -> dict[str, list[dict[str, Any]]]:
    """Answers in the form that the official scorer reads, by category."""
    found: dict[str, list[dict[str, Any]]] = {category: [] for category in CATEGORIES}
    forward: dict[Any, dict[str, Any]] = {}
    for question in questions:
        response = responses.get(question.key)
        if question.category != "forward":
            found[question.category].append(
                {
                    "id": question.id,
                    "video": question.video,
                    "task": question.task,
                    "question": question.plain,
                    "response": response,
                    "ground_truth": question.answer,
                }
            )
            continue
        if question.id not in forward:
            entry: dict[str, Any] = {
                "id": question.id,
                "video": question.video,
                "task": question.task,
                "test_info": [],
            }
            forward[question.id] = entry
            found["forward"].append(entry)
        right = (
            {"count": int(question.answer)}
            if question.task == "REC"
            else {"type": ("No", "Yes").index(question.answer)}
        )
        forward[question.id]["test_info"].append({"realtime": question.end_s, **right, "response": response})
    return found


def published_choices(
    questions: Sequence[Question], responses: Mapping[str, str | None]
) -> list[dict[str, Any]]:
    """Chosen options in the form in which LiveCC's and StreamingVLM's scripts write them."""
    return [
        {
            "id": question.id,
            "task": question.task,
            "question": question.plain,
            "answer": question.answer,
            "response": responses.get(question.key),
        }
        for question in questions
    ]
