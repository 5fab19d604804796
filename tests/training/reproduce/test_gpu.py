"""The variants on CUDA say what they say on the CPU, as far as half precision allows. Run with -m gpu."""

import dataclasses

import pytest
import torch

from engine import FrameChunk, StreamingSession, load_model
from tests.training.reproduce.conftest import noise
from training.reproduce.catalogue import Variant
from training.reproduce.contexts import RecomputedContext
from training.reproduce.streaming import make_context

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize(
    "variant",
    [Variant(), Variant(rope="native"), Variant(recomputes=True)],
    ids=["contiguous", "native", "recomputed"],
)
def test_float32_on_cuda_equals_the_cpu(tiny_folder: object, variant: Variant) -> None:
    logits = []
    for device in ("cpu", "cuda"):
        model = load_model(str(tiny_folder), device=device, dtype="float32")
        settings = dataclasses.replace(model.settings, title="Lions in red: 1 Okafor")
        context = make_context(model, settings, variant)
        session = StreamingSession(model, settings, context=context)
        found: list[torch.Tensor] = []
        for second in range(8):
            if isinstance(context, RecomputedContext):
                context.show(noise(second))
            chunk = FrameChunk(frames=noise(second), start_s=float(second), end_s=second + 1.0)
            said = model.prompt.assistant_content(f" goal {second % 7}")
            _ = session.step(
                chunk,
                forced_ids=said,
                on_scores=lambda number, raw, penalised, into=found: into.append(raw.float().cpu()),
            ).result
        logits.append(torch.stack(found))
    assert float((logits[0] - logits[1]).abs().max()) < 5e-2
