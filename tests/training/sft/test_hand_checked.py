"""A line of the published form, worked by hand: every token, whether it is learnt, and where chunks and texts are cut.

Digits are tokens of their own, so that a text of digits shows where it was cut.
"""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from av.video.frame import VideoFrame

from engine import FrameChunk, LoadedModel, StreamingSession, StreamSettings, WindowSettings, load_model
from engine.prompt import PromptBuilder
from engine.rope import positions_3d
from engine.settings import ResizeSettings
from tests.training.sft.small_run import TEXTS, small_model
from training.demo_model.architecture import train_tokenizer
from training.sft.annotation import Chunk
from training.sft.conversation import IGNORED_LABEL, encode
from training.sft.settings import PromptSettings, SftSettings
from training.sft.video import VideoChunks

# As Inf-Streams-Train has it: the first word ends where the chunk begins, one begins before the chunk, one ends at a
# second's border, and the last ends where the chunk ends and so belongs to the next.
LINE = """[{"role": "user", "content": [{"video": "game.mp4", "video_start": 12, "video_end": 15,
 "previous": "0123456789"}]}, {"role": "assistant", "content": [{"text_stream": [[11.4, 12.0, "7"], [11.9, 12.2, "8"],
 [12.5, 13.0, "9"], [13.1, 13.99, "1"], [14.8, 15.0, "2"]]}]}]"""
LEARNT = True


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    with av.open(folder / "game.mp4", "w") as container:
        stream: Any = container.add_stream("libx264", rate=2, options={"crf": "1", "g": "4"})
        stream.width, stream.height, stream.pix_fmt = 56, 56, "yuv420p"
        for index in range(2 * 16):
            frame = VideoFrame.from_ndarray(np.full((56, 56, 3), 8 * index, np.uint8), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 2)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    (folder / "train_with_seeks.jsonl").write_text(LINE.replace("\n", "") + "\n[0]\n", encoding="utf-8")
    return folder


def test_every_token_of_a_published_line_and_whether_it_is_learnt(folder: Path) -> None:
    tokenizer = train_tokenizer(TEXTS)
    settings = SftSettings(
        prompt=PromptSettings(text_sink=4, text_window=4, query="Go"),
        resize=ResizeSettings(min_pixels=28 * 28, max_pixels=56 * 56),
    )
    example = VideoChunks(folder / "train_with_seeks.jsonl", tokenizer, settings)[0]
    encoded = example["encoded"]
    frames = example["frames"]
    assert frames is not None
    assert [round(float(frame.mean()) / 8) for frame in frames] == [24, 25, 26, 27, 28, 29]

    pads = "<|video_pad|>" * 4
    by_hand: list[tuple[str, bool]] = [
        ("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n", not LEARNT),
        # Of ten tokens the first four and the last three.
        ("<|im_start|>previous text\n0123789<|im_end|>\n", not LEARNT),
        (f"<|im_start|>user\nTime=12.0-13.0s<|vision_start|>{pads}<|vision_end|>Go<|im_end|>\n", not LEARNT),
        ("<|im_start|>assistant\n", not LEARNT),
        (" 7 8 ...<|im_end|>", LEARNT),
        ("\n", not LEARNT),
        (f"<|im_start|>user\nTime=13.0-14.0s<|vision_start|>{pads}<|vision_end|><|im_end|>\n", not LEARNT),
        ("<|im_start|>assistant\n", not LEARNT),
        (" 9 1 ...<|im_end|>", LEARNT),
        ("\n", not LEARNT),
        (f"<|im_start|>user\nTime=14.0-15.0s<|vision_start|>{pads}<|vision_end|><|im_end|>\n", not LEARNT),
        ("<|im_start|>assistant\n", not LEARNT),
        (" ...<|im_end|>", LEARNT),
        ("\n", not LEARNT),
    ]
    ids: list[int] = []
    labels: list[int] = []
    for text, is_learnt in by_hand:
        piece = tokenizer.encode(text, add_special_tokens=False)
        ids += piece
        labels += piece if is_learnt else [IGNORED_LABEL] * len(piece)
    assert tokenizer.decode(encoded.input_ids) == "".join(text for text, _ in by_hand)
    assert encoded.input_ids.tolist() == ids
    assert encoded.labels.tolist() == labels


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    folder = tmp_path_factory.mktemp("model")
    tokenizer = train_tokenizer(TEXTS)
    small_model(tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return load_model(folder, device="cpu", dtype=torch.float32)


@pytest.mark.parametrize(
    ("title", "sink", "window"), [("Lions in red.", 6, 5), ("Lions.", 40, 9), ("", 0, 4)]
)
def test_deep_in_a_stream_the_engine_holds_what_a_chunk_cut_there_shows(
    loaded: LoadedModel, title: str, sink: int, window: int
) -> None:
    num_seconds, num_rounds = 14, 4
    words = [
        (at + 0.1, at + 0.6, f"{at % 10}{'...' if at == 3 else ''}") for at in range(num_seconds) if at % 3
    ]
    session = StreamingSession(
        loaded,
        StreamSettings(
            window=WindowSettings(
                vision_window_s=num_rounds, text_rounds=num_rounds, text_sink=sink, text_window=window
            ),
            resize=ResizeSettings(min_pixels=28 * 28, max_pixels=56 * 56),
            title=title,
            query="",
        ),
    )
    for second in range(num_seconds):
        said = "".join(f" {word}" for start, _, word in words if int(start) == second)
        frames = np.full((2, 56, 56, 3), 9 * second, np.uint8)
        chunk = FrameChunk(frames=frames, start_s=float(second), end_s=second + 1.0)
        ids = loaded.prompt.assistant_content(said)
        assert session.step(chunk, forced_ids=ids).result.token_ids == tuple(ids)

    start_s = num_seconds - num_rounds
    earlier = [title, *(word for start, _, word in words if start < start_s)]
    tokenizer: Any = loaded.tokenizer
    encoded = encode(
        Chunk(
            video="",
            start_s=start_s,
            end_s=num_seconds,
            previous=" ".join(part for part in earlier if part)
            if title
            else "".join(f" {w}" for w in earlier[1:]),
            words=tuple(entry for entry in words if entry[0] >= start_s),
        ),
        PromptBuilder(tokenizer),
        PromptSettings(text_sink=sink, text_window=window),
        frame_size=(56, 56),
        query="",
    )
    assert tokenizer.decode(session.context.ids) == tokenizer.decode(encoded.input_ids[:-1])
    assert session.context.ids == encoded.input_ids[:-1].tolist()
    np.testing.assert_array_equal(positions_3d(session.context.spans), encoded.positions[:, :-1])
