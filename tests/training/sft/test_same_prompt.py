"""What a model is trained on is what the engine shows it: the same seconds give the same ids and the same positions."""

from typing import Any

import numpy as np
import pytest
import torch

from engine import FrameChunk, LoadedModel, ResizeSettings, StreamingSession, StreamSettings, load_model
from engine.preprocess import smart_resize
from engine.prompt import PromptBuilder
from engine.rope import positions_3d
from tests.training.sft.small_run import TEXTS, small_model
from training.demo_model.architecture import train_tokenizer
from training.sft.annotation import Chunk
from training.sft.conversation import encode
from training.sft.settings import PromptSettings

QUERY = "Commentate on this match"
TITLE = "Demo league. Lions in red: 1 Okafor. They kicked off at three."
RESIZE = ResizeSettings(min_pixels=56 * 56, max_pixels=140 * 140)
CHUNK = Chunk(
    video="",
    start_s=12.0,
    end_s=17.0,
    previous=TITLE,
    words=((12.1, 12.5, "Okafor"), (12.6, 12.9, "shoots!"), (14.0, 14.9, "Lind"), (16.2, 16.8, "Goal!")),
    questions=((14.2, 14.6, "Who has the ball?", "Lind."),),
)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    folder = tmp_path_factory.mktemp("model")
    tokenizer = train_tokenizer(TEXTS)
    small_model(tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return load_model(folder, device="cpu", dtype=torch.float32)


@pytest.mark.parametrize("size", [(120, 200), (360, 640)])
def test_ids_and_positions_of_a_training_chunk_are_those_of_the_stream(
    loaded: LoadedModel, size: tuple[int, int]
) -> None:
    session = StreamingSession(loaded, StreamSettings(resize=RESIZE, title=TITLE, query=QUERY))
    rng = np.random.default_rng(0)
    spoken = [[" Okafor", " shoots!"], [], ["Lind.\n", " Lind"], [], [" Goal!"]]
    for second, words in enumerate(spoken):
        frames = rng.integers(0, 256, (2, *size, 3), dtype=np.uint8)
        ids = loaded.prompt.assistant_content("".join(words))
        chunk = FrameChunk(frames=frames, start_s=12.0 + second, end_s=13.0 + second)
        question = CHUNK.questions[0][2] if second == 2 else None
        assert session.step(chunk, question=question, forced_ids=ids).result.token_ids == tuple(ids)

    tokenizer: Any = loaded.tokenizer
    encoded = encode(
        CHUNK, PromptBuilder(tokenizer), PromptSettings(), frame_size=smart_resize(*size, RESIZE), query=QUERY
    )
    # What separates this chunk from a next second comes with that second.
    assert session.context.ids == encoded.input_ids[:-1].tolist()
    np.testing.assert_array_equal(positions_3d(session.context.spans), encoded.positions[:, :-1])
