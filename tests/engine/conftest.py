"""Checkpoints and models that many tests share. All are real: files on disk, read by the engine as any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import Qwen2_5_VLForConditionalGeneration

from engine import FrameChunk, LoadedModel, StepResult, StreamingSession, load_model
from tests.engine.checkpoints import write_tiny

FRAME_SIZE = (112, 168)
"""Height and width that need no resizing: 24 tokens a temporal patch, in windows of unequal size."""


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint; not to be changed."""
    return write_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> LoadedModel:
    """The tiny checkpoint in the engine, CPU float32."""
    return load_model(tiny_folder, device="cpu")


@pytest.fixture(scope="session")
def oracle(tiny_folder: Path) -> Any:
    """The tiny checkpoint in transformers."""
    return load_oracle(tiny_folder)


def load_oracle(folder: Path) -> Any:
    """A checkpoint in transformers, float32."""
    return Qwen2_5_VLForConditionalGeneration.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="sdpa"
    ).eval()


def make_chunk(
    step: int, *, num_frames: int = 2, size: tuple[int, int] = FRAME_SIZE, chunk_s: float = 1.0
) -> FrameChunk:
    """A chunk of noise that belongs to a step."""
    frames = np.random.default_rng(step).integers(0, 256, (num_frames, *size, 3), dtype=np.uint8)
    return FrameChunk(frames=frames, start_s=step * chunk_s, end_s=(step + 1) * chunk_s)


def scored(
    session: StreamingSession, chunk: FrameChunk, question: str | None = None
) -> tuple[list[tuple[torch.Tensor, torch.Tensor]], StepResult]:
    """Run a step; raw and penalised logits of every token picked, and the result."""
    scores: list[tuple[torch.Tensor, torch.Tensor]] = []
    step = session.step(
        chunk, question, on_scores=lambda number, raw, penalised: scores.append((raw, penalised))
    )
    return scores, step.result
