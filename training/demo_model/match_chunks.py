"""An endless stream of training chunks, simulated and drawn on the fly by every data worker.

Knows how matches become chunks. Knows nothing of models or optimizers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from torch.utils.data import IterableDataset, get_worker_info

from engine.preprocess import smart_resize
from engine.prompt import PromptBuilder
from training.demo_league.commentate import narrate
from training.demo_league.draw import draw_frame
from training.demo_league.names import make_teams
from training.demo_league.records import Match
from training.demo_league.simulate import simulate
from training.demo_model.drills import DRILL_QUERIES, Telling, read_words, tell, with_changing_score
from training.errors import RecipeError
from training.sft.annotation import cut
from training.sft.collate import Example
from training.sft.conversation import encode
from training.sft.settings import SftSettings

PICTURE_SIZE = (640, 360)
NUM_WAITING = 96
_NIL_NIL_SHARE, _ANY_SCORE_SHARE = 0.3, 0.35
"""Shares of matches that begin at nil all, and at any score alike. The others begin at low scores mostly. An hour's match
comes to scores that a short one never has: with one match in ten at ten goals or more, a model that told 99 of 100 scores
of short matches right told every tenth wrong in an hour."""
_MAX_INITIAL_GOALS = 14
NUM_CUTS = 6
"""How often a match is told and cut into chunks, each time from another second: drawing costs more than telling."""


@dataclass(frozen=True, kw_only=True)
class MatchSettings:
    """Which matches are played and how they are shown."""

    minutes: tuple[float, float] = (1.2, 3.0)
    """Shortest and longest match. Short ones bring many kick-offs, half-times and goals."""
    max_clock_offset_s: int = 4 * 3600
    """A chunk's times start anywhere up to here, as they do hours into a stream."""
    read_share: float = 0.2
    """Share of chunks in which the picture is read aloud (see `drills`)."""
    say_share: float = 0.2
    """Share of chunks in which the commentator's sentences say what the picture shows, every second."""

    def __post_init__(self) -> None:
        if not 0 < self.minutes[0] <= self.minutes[1]:
            raise RecipeError(f"minutes must be a rising pair above 0, not {self.minutes}.")
        if min(self.read_share, self.say_share) < 0 or self.read_share + self.say_share > 1:
            raise RecipeError(
                f"read_share ({self.read_share}) and say_share ({self.say_share}) must be 0 or more, together at most 1."
            )

    def telling(self, index: int) -> Telling:
        """How the index-th telling is told. Evenly spread, not drawn: chance would swing the loss from line to line."""

        def num_until(share: float, number: int) -> int:
            # A millionth, so that 0.1 + 0.3 of ten is four.
            return int(number * share + 1e-6)

        drills = self.read_share + self.say_share
        if num_until(drills, index + 1) == num_until(drills, index):
            return "commentary"
        drill = num_until(drills, index)
        read = self.read_share / drills
        return "read" if num_until(read, drill + 1) > num_until(read, drill) else "say"


class MatchChunks(IterableDataset[Example]):
    """Endless: every worker plays its own matches, seeded by (seed, round, worker, match), and never the same twice."""

    def __init__(
        self, tokenizer: Any, settings: SftSettings, matches: MatchSettings, *, round_index: int = 0
    ) -> None:
        self.prompt = PromptBuilder(tokenizer)
        self.settings = settings
        self.matches = matches
        self.round_index = round_index
        """Which part of the run this is: a resumed run goes on with new matches."""

    def __iter__(self) -> Iterator[Example]:
        cv2.setNumThreads(0)
        worker = get_worker_info()
        worker_index = 0 if worker is None else worker.id
        match_index = 0
        waiting: list[Example] = []
        while True:
            rng = np.random.default_rng([self.settings.seed, self.round_index, worker_index, match_index])
            tellings = [
                self.matches.telling(match_index * NUM_CUTS + cut_index) for cut_index in range(NUM_CUTS)
            ]
            match_index += 1
            waiting.extend(self.examples(rng, tellings))
            # A batch is filled by one worker: without the wait its chunks would all be of one match.
            while len(waiting) > NUM_WAITING:
                yield waiting.pop(int(rng.integers(len(waiting))))

    def examples(self, rng: np.random.Generator, tellings: Sequence[Telling]) -> Iterator[Example]:
        """All chunks of one random match, told in each of these ways and each time cut from another second."""
        clock_offset_s = int(rng.integers(0, self.matches.max_clock_offset_s)) if rng.random() < 0.8 else 0
        match = random_match(rng, self.matches, clock_offset_s=clock_offset_s)
        drilled = with_changing_score(match, rng)
        # Drawn only where it is told.
        shown = {telling: match if telling == "commentary" else drilled for telling in tellings}
        # A match's opening is rare in a stream but must be right: a third of the matches are cut from their first second.
        first_starts_s = [
            int(start) for start in rng.choice(int(self.settings.cut.stride_s), len(tellings), replace=False)
        ]
        if rng.random() < 1 / 3:
            first_starts_s[0] = 0
        chunks = [
            (telling, chunk)
            for telling, first_start_s in zip(tellings, first_starts_s, strict=True)
            for chunk in cut(
                tell(shown[telling], telling, rng),
                title=match.title,
                duration_s=match.duration_s,
                settings=self.settings.cut,
                first_start_s=first_start_s,
            )
        ]
        if not chunks:
            return
        until_s = max(chunk.end_s for _, chunk in chunks)
        drawn = {
            is_drill: self._pictures(drilled if is_drill else match, until_s=until_s)
            for is_drill in {telling in DRILL_QUERIES for telling, _ in chunks}
        }
        for telling, chunk in chunks:
            query = self.settings.prompt.query if rng.random() < self.settings.prompt.query_share else ""
            query = DRILL_QUERIES.get(telling, query)
            first_frame = round(chunk.start_s * self.settings.prompt.fps)
            pictures = drawn[telling in DRILL_QUERIES]
            frames = pictures[first_frame : first_frame + round(chunk.duration_s * self.settings.prompt.fps)]
            encoded = encode(
                chunk,
                self.prompt,
                self.settings.prompt,
                frame_size=(frames.shape[1], frames.shape[2]),
                query=query,
                clock_offset_s=clock_offset_s,
            )
            # A drill of long names can be a few tokens longer than a row of the batch.
            if len(encoded.input_ids) <= self.settings.max_tokens:
                yield {"encoded": encoded, "frames": frames}

    def _pictures(self, match: Match, *, until_s: float) -> NDArray[np.uint8]:
        """(T, height, width, 3): all frames up to `until_s` at the size the model sees."""
        width, height = PICTURE_SIZE
        model_height, model_width = smart_resize(height, width, self.settings.resize)
        fps = self.settings.prompt.fps
        pictures = np.empty((round(until_s * fps), model_height, model_width, 3), np.uint8)
        for index in range(len(pictures)):
            picture = draw_frame(match, index / fps, size=PICTURE_SIZE)
            # Halving by area has a fast path in OpenCV; the rest is a few per cent. Five times faster than one step by
            # area, and about as near to the engine's antialiased bicubic (1.5 grey levels on average).
            half = cv2.resize(picture, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
            pictures[index] = cv2.resize(half, (model_width, model_height), interpolation=cv2.INTER_CUBIC)
        return pictures


def random_match(rng: np.random.Generator, settings: MatchSettings, *, clock_offset_s: int = 0) -> Match:
    """A match between random teams that starts at a random score, so that every number is seen."""
    home, away = make_teams(rng)
    kind = rng.random()
    if kind < _NIL_NIL_SHARE:
        goals = np.zeros(2, np.int64)
    elif kind < _NIL_NIL_SHARE + _ANY_SCORE_SHARE:
        goals = rng.integers(0, _MAX_INITIAL_GOALS + 1, 2)
    else:
        goals = np.minimum(rng.geometric(0.22, 2) - 1, _MAX_INITIAL_GOALS)
    minutes = float(rng.uniform(*settings.minutes))
    return simulate(
        int(rng.integers(2**31)),
        minutes,
        home=home,
        away=away,
        initial_score=(int(goals[0]), int(goals[1])),
        clock_offset_s=clock_offset_s,
    )


def sample_texts(num_matches: int, seed: int) -> Iterator[str]:
    """Titles, commentary and turn headers, for training the tokenizer."""
    for index in range(num_matches):
        rng = np.random.default_rng([seed, index])
        match = random_match(rng, MatchSettings())
        second = int(rng.integers(0, 20000))
        yield f"system\nYou are a helpful assistant.\nprevious text\n{match.title} ...\nuser\n"
        yield f"Time={second}.0-{second + 1}.0sCommentate on this match"
        yield " ".join(DRILL_QUERIES.values())
        yield " ".join(["", *(word for _, _, word in narrate(match))]) + " ..."
        yield " ".join(word for _, _, word in read_words(match))
