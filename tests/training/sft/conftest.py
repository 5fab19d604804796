"""A tokenizer and a model as small as they can be, of the demo model's kind."""

from typing import Any

import pytest
import torch

from training.demo_model.architecture import new_model, train_tokenizer

TEXTS = [
    "system\nYou are a helpful assistant.\nprevious text\nDemo league. Lions in red: 1 Okafor, 2 Lind. ...\n"
    "user\nassistant\n",
    "Time=0.0-1.0s Commentate on this match Okafor shoots! Saved by Lind. Goal! The Lions kick off. ...",
] * 3


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    return train_tokenizer(TEXTS)


@pytest.fixture(scope="session")
def hf_model(tokenizer: Any) -> Any:
    torch.manual_seed(0)
    return new_model(tokenizer).eval()
