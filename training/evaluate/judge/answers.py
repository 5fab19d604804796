"""Answers of an API on disk, found by what was asked: an answer that is there is never paid again.

Knows how a question becomes a key, and how to write so that a killed process leaves no half answer. Knows nothing of
HTTP.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.evaluate.files import read_json, write_json


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an API answered to one question."""

    content: str | None
    """The text; None where the reply held none."""
    num_tokens_in: int
    num_tokens_out: int
    changes: tuple[str, ...] = ()
    """What was asked otherwise because the API does not take it as it stands, such as "temperature 0.0 left out"."""


def key_of(body: Mapping[str, Any], attempt: int) -> str:
    """The content hash of a question: the whole body, the model's name among it, and which attempt it is.

    The address is not part of it: moving a gateway does not pay anything again.
    """
    text = json.dumps([body, attempt], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class AnswerStore:
    """A folder of answers, a file each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: str) -> Answer | None:
        """The answer to a question, if it was ever answered."""
        path = self._path(key)
        if not path.exists():
            return None
        value = read_json(path)
        return Answer(**{**value, "changes": tuple(value.get("changes", ()))})

    def put(self, key: str, answer: Answer) -> None:
        """Keep an answer. It is on disk when this returns."""
        write_json(self._path(key), dataclasses.asdict(answer))

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"
