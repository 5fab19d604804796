"""python -m training.sft on a video file and a published annotation file."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
import yaml
from av.video.frame import VideoFrame
from transformers import Qwen2_5_VLForConditionalGeneration

from engine import load_model
from tests.training.sft.small_run import TEXTS, small_model
from training.data.published import write_lines
from training.demo_model.architecture import train_tokenizer
from training.sft.__main__ import main
from training.sft.annotation import Chunk, to_line
from training.sft.model import ChunkModel
from training.sft.recipes import RECIPES, recipe

ROOT = Path(__file__).parents[3]
CONFIGS = ROOT / "training" / "sft" / "configs"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    tokenizer = train_tokenizer(TEXTS)
    small_model(tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text('{"min_pixels": 3136}')
    return folder


@pytest.fixture(scope="module")
def annotations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    with av.open(folder / "game.mp4", "w") as container:
        stream = container.add_stream("libx264", rate=2)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for index in range(2 * 26):
            frame = VideoFrame.from_ndarray(np.full((64, 64, 3), 4 * index, np.uint8), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 2)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    words = tuple((at + 0.1, at + 0.4, ("Okafor", "Lind")[at % 2]) for at in range(24))
    chunk = Chunk(video="game.mp4", start_s=0, end_s=24, previous="Lions in red.", words=words)
    missing = replace(chunk, video="gone.mp4")
    write_lines(
        folder / "train_with_seeks.jsonl",
        [to_line(chunk), to_line(missing), "this is no chunk", to_line(replace(chunk, previous="Lions."))],
    )
    return folder / "train_with_seeks.jsonl"


def written_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The weights of a folder that engine and transformers both load."""
    load_model(folder, device="cpu")
    hf = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    return dict(hf.state_dict())


def test_a_recipe_trains_on_video_goes_on_and_leaves_a_model(
    model: Path, annotations: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ["--recipe", "3b-lora", "--model", str(model), "--annotations", str(annotations)]
    arguments += ["--out", str(out), "--batch", "2", "--device-batch", "2", "--workers", "2"]
    assert main([*arguments, "--minutes", "0"]) == 0
    first = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (first["step"], first["finished"], first["num_chunks"]) == (1, False, 4)
    halfway = written_weights(out / "model")
    assert (out / "model" / "preprocessor_config.json").read_text() == '{"min_pixels": 3136}'
    assert main(arguments) == 0
    second = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (second["step"], second["num_steps"], second["finished"]) == (2, 2, True), "each chunk once"
    finished = written_weights(out / "model")
    assert finished.keys() == halfway.keys() == written_weights(model).keys(), "merged, without additions"
    assert any(not torch.equal(finished[name], halfway[name]) for name in finished)
    assert (out / "model" / "preprocessor_config.json").read_text() == '{"min_pixels": 3136}'
    notes = [json.loads(line) for line in (out / "skipped.jsonl").read_text().splitlines()]
    assert {note["chunk"] for note in notes} == {1, 2}
    assert any("not JSON" in note["reason"] for note in notes)
    assert next((out / "runs").rglob("events*")).stat().st_size > 0


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (["--model", str(ROOT / "tests")], "no Qwen2.5-VL"),
        (["--annotations", "nowhere.jsonl"], "can't be read"),
        (["--batch", "3", "--device-batch", "2"], "must be a multiple"),
        (["--steps", "0"], "must all be above 0"),
    ],
)
def test_what_is_wrong_is_said_in_words(
    model: Path,
    annotations: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changed: list[str],
    says: str,
) -> None:
    arguments = ["--recipe", "3b-lora", "--model", str(model), "--annotations", str(annotations)]
    assert main([*arguments, "--out", str(tmp_path / "out"), *changed]) == 1
    assert says in capsys.readouterr().err


def test_recipes_hold_what_the_paper_says() -> None:
    first, second = recipe("7b"), recipe("7b-anneal")
    assert (first.optimizer.batch_chunks, first.optimizer.learning_rate) == (512, 1e-5)
    assert (first.optimizer.schedule, first.optimizer.warmup_share) == ("cosine", 0.03)
    assert first.optimizer.num_steps * 512 == pytest.approx(525_000 + 526_000, rel=0.01), "every chunk once"
    assert second.optimizer.num_steps == -(-14_786 // 512)
    for name in RECIPES:
        settings = recipe(name)
        assert not settings.train_vision
        assert (settings.cut.chunk_s, settings.cut.stride_s) == (24, 12)
        assert (settings.prompt.text_sink, settings.prompt.text_window) == (512, 512)
        # The paper's limit on a chunk: 24,576 tokens of vision.
        assert settings.cut.chunk_s * settings.resize.max_pixels <= 24_576 * 28 * 28


def test_accelerates_files_shard_the_layers_that_there_are() -> None:
    from accelerate.commands.config.config_args import load_config_from_file
    from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl

    for name in ("fsdp2", "zero3", "ddp"):
        load_config_from_file(str(CONFIGS / f"{name}.yaml"))
    config = yaml.safe_load((CONFIGS / "fsdp2.yaml").read_text())["fsdp_config"]
    assert config["fsdp_version"] == 2
    for layer in config["fsdp_transformer_layer_cls_to_wrap"].split(","):
        assert hasattr(modeling_qwen2_5_vl, layer)


def test_a_vision_tower_with_windows_gives_each_second_its_own_features() -> None:
    from engine.preprocess import patchify

    tokenizer = train_tokenizer(TEXTS)
    hf = small_model(tokenizer, full_attention_blocks=[1])
    model = ChunkModel(hf, train_vision=False)
    frames = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, 4, 168, 224, 3), dtype=np.uint8))
    with torch.no_grad():
        together = model.vision_features(frames)
        apart = []
        for pair in (frames[0, :2], frames[0, 2:]):
            patches, grid = patchify(pair)
            apart.append(hf.model.visual(patches, torch.tensor([grid])).pooler_output)
    torch.testing.assert_close(together, torch.cat(apart), atol=1e-5, rtol=1e-5)
