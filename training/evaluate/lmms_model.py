r"""Our engine as a model of lmms-eval, so that its tasks and scoring are used as they are.

    python -m lmms_eval --model ringside --model_args pretrained=DIR,mode=offline \
        --tasks videomme,mvbench,longvideobench_val_v

lmms-eval finds it by the entry point in pyproject.toml (group `lmms_eval.models`). This file is imported by lmms-eval
alone: the package is an optional extra. Knows lmms-eval's interface (0.7), and what stands where a video can't be read.
Knows nothing of how an answer is made.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from lmms_eval.api.instance import Instance
from lmms_eval.api.model import lmms
from tqdm import tqdm

from engine import ResizeSettings, load_model
from training.evaluate.lmms_answers import Answers, AnswerSettings, answer_or_none
from training.evaluate.shards import Shard


class Ringside(lmms):  # type: ignore[misc]  # lmms-eval has no types
    """A Qwen2.5-VL checkpoint in Ringside's engine."""

    is_simple = True

    def __init__(
        self,
        pretrained: str,
        device: str = "auto",
        batch_size: int | str = 1,
        mode: str = "offline",
        fps: float = 2.0,
        max_frames: int = 64,
        min_pixels: int | None = None,
        max_pixels: int | None = None,
        silent: bool = True,
        system_prompt: str | None = None,
        positions: str = "transformers",
        seed: int = 0,
    ) -> None:
        """`pretrained`: folder or hub id; the rest as in AnswerSettings. Requests are answered one at a time."""
        super().__init__()
        if int(batch_size) != 1:
            raise ValueError(
                f"batch_size must be 1: the engine answers one request at a time, not {batch_size}."
            )
        shard = Shard.from_environment()
        self._rank, self._world_size = shard.rank, shard.world_size
        self._model = load_model(pretrained, device=shard.device("auto" if device == "cuda" else device))
        base = self._model.settings.resize
        resize = ResizeSettings(
            min_pixels=base.min_pixels if min_pixels is None else int(min_pixels),
            max_pixels=base.max_pixels if max_pixels is None else int(max_pixels),
        )
        changes: dict[str, Any] = {} if system_prompt is None else {"system": system_prompt}
        settings = AnswerSettings(
            mode=mode,  # type: ignore[arg-type]  # checked by the settings
            fps=float(fps),
            max_frames=int(max_frames),
            is_silent=bool(silent),
            positions=positions,  # type: ignore[arg-type]  # checked by the settings
            seed=int(seed),
            **changes,
        )
        self._answers = Answers(self._model, resize, settings)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self._model.device

    def generate_until(self, requests: Sequence[Instance]) -> list[str]:
        """Answers, in the order of the requests; an empty one where the video can't be read, which is logged."""
        said: list[str] = []
        for request in tqdm(requests, disable=self.rank != 0, desc="Ringside"):
            context, generation, doc_to_visual, doc_id, task, split = request.args
            visuals = doc_to_visual(self.task_dict[task][split][doc_id])
            answer = self._generate(context, generation, visuals)
            if answer is not None:  # what is mended must be asked again
                self.cache_hook.add_partial("generate_until", (context, generation), answer)
            said.append(answer or "")
        return said

    def generate_until_multi_round(self, requests: Sequence[Instance]) -> list[list[str]]:
        """Answers of all rounds of each request; a task's doc_to_text says what comes next, and when it is over.

        An answer is empty where the video can't be read, which is logged.
        """
        said: list[list[str]] = []
        for request in tqdm(requests, disable=self.rank != 0, desc="Ringside"):
            context, generation, doc_to_visual, doc_to_text, doc_id, task, split = request.args
            doc = self.task_dict[task][split][doc_id]
            visuals = doc_to_visual(doc)
            rounds: list[str] = []
            earlier: Any = None
            while True:
                rounds.append(self._generate(context, generation, visuals) or "")
                visuals, context, is_over, rounds_now, earlier = doc_to_text(
                    doc, previous_output=rounds, round_idx=len(rounds), previous_round_info=earlier
                )
                if is_over:
                    break
            said.append(list(rounds_now))
        return said

    def _generate(
        self, context: str, generation: Mapping[str, Any], visuals: Sequence[Any] | None
    ) -> str | None:
        return answer_or_none(lambda: self._answers.generate(context, generation, visuals), visuals)

    def loglikelihood(self, requests: Sequence[Instance]) -> list[tuple[float, bool]]:
        """Log-likelihoods of given answers, and whether each is the greedy one.

        Where the video can't be read, which is logged, every answer is impossible (minus infinity).
        """
        found: list[tuple[float, bool]] = []
        for request in tqdm(requests, disable=self.rank != 0, desc="Ringside"):
            context, target, doc_to_visual, doc_id, task, split = request.args
            doc = self.task_dict[task][split][doc_id]
            continuation = target if isinstance(target, str) else target(doc)
            found.append(
                self._likelihood(context, str(continuation), doc_to_visual(doc)) or (-math.inf, False)
            )
        return found

    def _likelihood(
        self, context: str, continuation: str, visuals: Sequence[Any] | None
    ) -> tuple[float, bool] | None:
        return answer_or_none(lambda: self._answers.likelihood(context, continuation, visuals), visuals)
