"""A tiny checkpoint in the engine and in transformers, with windows so small that they fill in seconds."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine import LoadedModel, load_model
from tests.engine.checkpoints import write_tiny


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint that streams with small windows; not to be changed."""
    folder = write_tiny(tmp_path_factory.mktemp("reproduced") / "tiny")
    settings = {
        "window": {"vision_window_s": 3.0, "text_rounds": 3, "text_sink": 8, "text_window": 8},
        "sampling": {"max_new_tokens": 6, "repetition_penalty": 1.05},
        "resize": {"min_pixels": 784, "max_pixels": 12 * 784},
    }
    (folder / "ringside.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> LoadedModel:
    """The same in the engine, CPU float32."""
    return load_model(tiny_folder, device="cpu")


def noise(second: int) -> NDArray[np.uint8]:
    """Two frames of 3 x 4 tokens, which need no resizing."""
    return np.random.default_rng(second).integers(0, 256, (2, 84, 112, 3), dtype=np.uint8)
