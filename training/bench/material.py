"""What is trained on and what is trained: a made-up video with commentary, a tokenizer, random weights in memory.

Never zeros: a GPU multiplies zeros faster.

Knows how to make them. Knows nothing of clocks.

Shape suffixes: T frames.
"""

import math
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from engine.config import ModelConfig
from engine.prompt import PromptBuilder
from engine.settings import ResizeSettings
from training.data.published import ChunkFile, write_lines
from training.demo_model.architecture import train_tokenizer
from training.sft.annotation import Chunk, to_line
from training.sft.collate import Example
from training.sft.conversation import TOKEN_PIXELS, EncodedChunk, encode
from training.sft.settings import PromptSettings

VIDEO_NAME, ANNOTATIONS_NAME = "match.mp4", "train_with_seeks.jsonl"
VIDEO_FPS = 25
SOURCE_PIXELS = 36
"""On a side of the video for every vision token, so that frames are brought to size as a 720p video's are."""
WORDS_PER_S = 2.5
PREVIOUS_WORDS = 1500
"""Enough that the sink and the window of "previous text" are full."""
_COMMENTARY = (
    "and the ball goes out wide to Okafor who turns inside his man plays it back for Lindqvist on the edge of the "
    "area what a chance that is he has to score from there but the keeper comes again gathers it well under pressure "
    "from Marsh so a corner on this near side taken short by Sato into a crowd of players headed clear at last"
)
_WORDS = _COMMENTARY.split()


def frame_grid(tokens: int) -> tuple[int, int]:
    """(rows, columns) of merged tokens of a picture about as wide as a television's with that many, or nearly."""
    shapes = [
        (rows, columns) for rows in range(1, tokens + 1) for columns in {tokens // rows, -(-tokens // rows)}
    ]
    return min(
        shapes,
        key=lambda shape: (
            abs(math.log(shape[1] / shape[0] / (16 / 9))) + 20 * abs(math.log(shape[0] * shape[1] / tokens))
        ),
    )


def resize_for(tokens: int) -> ResizeSettings:
    """Brings the made-up video's frames to `frame_grid` of so many tokens."""
    rows, columns = frame_grid(tokens)
    # A hundredth more, so that rounding down finds the whole number of tokens.
    pixels = int(1.01 * rows * columns * TOKEN_PIXELS**2)
    return ResizeSettings(min_pixels=TOKEN_PIXELS**2, max_pixels=pixels)


def write_video(path: Path, *, tokens: int, seconds: int) -> None:
    """A video of moving noise and light in which every frame differs, at 25 frames a second."""
    import av  # where it is missing, frames are made in memory (`MadeUpChunks`)

    rows, columns = frame_grid(tokens)
    height, width = (side * SOURCE_PIXELS for side in (rows, columns))
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (height // 12 + 2, width // 12 + 2, 3), dtype=np.uint8)
    picture = coarse.repeat(12, 0).repeat(12, 1)[:height, :width]
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(
            "libx264", rate=VIDEO_FPS, options={"preset": "ultrafast", "g": "50"}
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(seconds * VIDEO_FPS):
            moved = np.roll(picture, (index, 3 * index), (0, 1))
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(moved), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, VIDEO_FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_annotations(path: Path, *, num_chunks: int, chunk_s: int, video_s: int) -> None:
    """Chunks of the video in the published form, each with other words."""
    rng = random.Random(0)
    chunks = []
    for _ in range(num_chunks):
        start_s = rng.randrange(0, video_s - chunk_s + 1)
        times = [start_s + k / WORDS_PER_S for k in range(int(chunk_s * WORDS_PER_S))]
        chunks.append(
            Chunk(
                video=VIDEO_NAME,
                start_s=start_s,
                end_s=start_s + chunk_s,
                previous=" ".join(rng.choice(_WORDS) for _ in range(PREVIOUS_WORDS)),
                words=tuple((at, at + 0.3, rng.choice(_WORDS)) for at in times),
            )
        )
    write_lines(path, [to_line(chunk) for chunk in chunks])


class MadeUpChunks(Dataset[Example]):
    """The chunks of an annotation file with frames of noise instead of a video's."""

    def __init__(self, annotations: Path, tokenizer: Any, prompt: PromptSettings, *, tokens: int) -> None:
        self.file = ChunkFile(annotations)
        self.builder = PromptBuilder(tokenizer)
        self.prompt = prompt
        rows, columns = frame_grid(tokens)
        self.frame_size = rows * TOKEN_PIXELS, columns * TOKEN_PIXELS

    def __len__(self) -> int:
        return len(self.file)

    def encoded(self, index: int) -> EncodedChunk:
        """Ids, labels and positions, without frames."""
        return encode(
            self.file.chunk(index),
            self.builder,
            self.prompt,
            frame_size=self.frame_size,
            query=self.prompt.query,
        )

    def __getitem__(self, index: int) -> Example:
        num_frames = round(self.file.chunk(index).duration_s * self.prompt.fps)
        frames_T: NDArray[np.uint8] = np.random.default_rng(index).integers(
            0, 256, (num_frames, *self.frame_size, 3), dtype=np.uint8
        )
        return {"encoded": self.encoded(index), "frames": frames_T}


def made_up_tokenizer() -> Any:
    """A tokenizer that needs about as many tokens a word as Qwen's own does for commentary."""
    lines = [
        _COMMENTARY,
        "system\nYou are a helpful assistant.",
        "previous text\n",
        "user\nassistant\n",
        " ...",
    ]
    return train_tokenizer([*lines, "Time=0.0-1.0s Commentate on this match"] * 4)


@torch.no_grad()
def random_model(config: ModelConfig, tokenizer: Any, *, device: str, dtype: torch.dtype) -> Any:
    """A transformers Qwen2.5-VL of a size, every weight random, made where it will be used; the same in every process."""
    from transformers import Qwen2_5_VLForConditionalGeneration  # imported late: slow

    make: Any = Qwen2_5_VLForConditionalGeneration
    torch.manual_seed(0)
    with torch.device(device):
        model = make._from_config(_hf_config(config, tokenizer), dtype=dtype)
    for name, value in model.named_parameters():
        if value.dim() > 1:
            value.normal_(std=1 / math.sqrt(value[0].numel()))
        elif name.endswith("bias"):
            value.normal_(std=0.02)
        else:
            value.uniform_(0.9, 1.1)
    return model


def _hf_config(config: ModelConfig, tokenizer: Any) -> Any:
    from transformers import Qwen2_5_VLConfig  # imported late: slow

    text, vision = config.text, config.vision
    return Qwen2_5_VLConfig(
        text_config={
            "vocab_size": text.vocab_size,
            "hidden_size": text.hidden_size,
            "intermediate_size": text.intermediate_size,
            "num_hidden_layers": text.num_layers,
            "num_attention_heads": text.num_heads,
            "num_key_value_heads": text.num_kv_heads,
            "max_position_embeddings": text.max_positions,
            "rms_norm_eps": text.norm_eps,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": text.rope_theta,
                "mrope_section": list(text.mrope_section),
            },
            "use_sliding_window": False,
            "tie_word_embeddings": text.tied_embeddings,
        },
        vision_config={
            "depth": vision.num_layers,
            "hidden_size": vision.hidden_size,
            "intermediate_size": vision.intermediate_size,
            "num_heads": vision.num_heads,
            "out_hidden_size": vision.output_size,
            "patch_size": vision.patch_size,
            "spatial_merge_size": vision.merge_size,
            "temporal_patch_size": vision.temporal_patch_size,
            "window_size": vision.window_size,
            "fullatt_block_indexes": sorted(vision.full_attention_layers),
            "tokens_per_second": round(vision.tokens_per_second),
            "in_channels": vision.in_channels,
            "hidden_act": "silu",
        },
        tie_word_embeddings=text.tied_embeddings,
        video_token_id=tokenizer.convert_tokens_to_ids("<|video_pad|>"),
        image_token_id=tokenizer.convert_tokens_to_ids("<|image_pad|>"),
    )
