"""Questions on whole videos through our engine, against transformers' own generate on the same checkpoint."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from engine import LoadedModel, load_model
from engine.preprocess import patchify, resize_frames, smart_resize
from engine.prompt import SYSTEM_TEXT
from tests.engine.conftest import load_oracle
from training.evaluate.errors import EvaluationError
from training.evaluate.lmms_answers import Answers, AnswerSettings, answer_or_none
from training.evaluate.offline import OfflineAnswerer, chat_positions, generation_penalty
from training.evaluate.video import length_s, spread_frames

DEMO = Path(__file__).parents[3] / "assets" / "demo_model"
QUESTIONS = (
    "Which team has the ball?\nA. red\nB. white\nAnswer with a letter.",
    "Commentate on this match",
    "Who?",
)


def generated(
    oracle: Any, model: LoadedModel, frames: NDArray[np.uint8], fps: float, question: str, num_tokens: int
) -> str:
    """The greedy answer of transformers' generate."""
    height, width = smart_resize(*frames.shape[1:3], model.settings.resize)
    patches, grid = patchify(resize_frames(torch.from_numpy(frames), height, width), model.patches)
    num_video = grid[0] * grid[1] * grid[2] // 4
    text = (
        f"<|im_start|>system\n{SYSTEM_TEXT}<|im_end|>\n<|im_start|>user\n<|vision_start|>"
        f"{'<|video_pad|>' * num_video}<|vision_end|>{question}<|im_end|>\n<|im_start|>assistant\n"
    )
    ids = torch.tensor([model.tokenizer.encode(text, add_special_tokens=False)])
    output = oracle.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        mm_token_type_ids=torch.where(ids == model.prompt.special.video_pad, 2, 0),
        pixel_values_videos=patches,
        video_grid_thw=torch.tensor([grid]),
        second_per_grid_ts=torch.tensor([2 / fps]),
        do_sample=False,
        max_new_tokens=num_tokens,
        eos_token_id=sorted(model.stop_ids),
        pad_token_id=model.prompt.special.end_of_text,
    )
    return model.prompt.decode(output[0, ids.shape[1] :].tolist())


@pytest.fixture(scope="module")
def demo() -> LoadedModel:
    return load_model(DEMO, device="cpu")


@pytest.fixture(scope="module")
def demo_oracle() -> Any:
    return load_oracle(DEMO)


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(("num_frames", "fps"), [(8, 2.0), (6, 0.75), (24, 2.0)])
def test_greedy_answers_of_the_demo_model_equal_transformers_generate(
    demo: LoadedModel, demo_oracle: Any, question: str, num_frames: int, fps: float
) -> None:
    video = DEMO.parent / "demo" / "match.mp4"
    frames, real_fps = spread_frames(
        video, start_s=20.0, end_s=20.0 + num_frames / fps, fps=fps, max_frames=64
    )
    assert (len(frames), real_fps) == (num_frames, fps)
    answerer = OfflineAnswerer(demo, demo.settings.resize, positions="transformers")
    ours = answerer.answer(frames, fps, question, max_new_tokens=24)
    assert ours == generated(demo_oracle, demo, frames, fps, question, 24)


@pytest.mark.parametrize("penalty", [1.0, 1.3])
def test_greedy_answers_of_another_checkpoint_equal_transformers_generate(
    tiny: LoadedModel, tiny_folder: Path, videos: Path, penalty: float
) -> None:
    oracle = load_oracle(tiny_folder)
    oracle.generation_config.repetition_penalty = penalty
    frames, fps = spread_frames(videos / "game0.mp4", start_s=0.0, end_s=9.0, fps=2.0, max_frames=10)
    assert (len(frames), round(fps, 4)) == (10, round(10 / 9, 4))
    answerer = OfflineAnswerer(
        tiny, tiny.settings.resize, positions="transformers", repetition_penalty=penalty
    )
    for question in QUESTIONS:
        ours = answerer.answer(frames, fps, question, max_new_tokens=12)
        assert ours == generated(oracle, tiny, frames, fps, question, 12)


def test_long_prompts_are_read_in_parts(
    tiny: LoadedModel, videos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames, fps = spread_frames(videos / "game0.mp4", start_s=0.0, end_s=9.0, fps=2.0, max_frames=18)
    answerer = OfflineAnswerer(tiny, tiny.settings.resize)
    whole = answerer.scores(frames, fps, "Who?", list(range(200)))
    monkeypatch.setattr("training.evaluate.offline._PREFILL_TOKENS", 33)
    monkeypatch.setattr("training.evaluate.offline._VISION_PATCHES", 100)
    parts = answerer.scores(frames, fps, "Who?", list(range(200)))
    assert parts == pytest.approx(whole, abs=1e-4)


def test_positions_are_whole_numbers_as_in_transformers() -> None:
    positions = chat_positions(2, (3, 1, 2), 2, 1.5)
    assert positions.tolist() == [
        [0, 1, 2, 2, 3, 3, 5, 5, 6, 7],
        [0, 1, 2, 2, 2, 2, 2, 2, 6, 7],
        [0, 1, 2, 3, 2, 3, 2, 3, 6, 7],
    ]
    assert chat_positions(2, (3, 1, 2), 2, 1.5, "transformers")[:, -2:].tolist() == [[4, 5]] * 3
    assert chat_positions(2, None, 2, 0.0).tolist() == [[0, 1, 2, 3]] * 3


def test_likelihoods_and_scores_are_those_of_the_same_model(demo: LoadedModel, videos: Path) -> None:
    frames, fps = spread_frames(videos / "game1.mp4", start_s=0.0, end_s=4.0, fps=2.0, max_frames=8)
    answerer = OfflineAnswerer(demo, demo.settings.resize, repetition_penalty=1.0)
    answer = " Sato shoots. Goal"
    ids = demo.prompt.encode(answer)
    value, is_greedy = answerer.likelihood(frames, fps, "Who?", answer)
    step_by_step, greedy = 0.0, []
    vocabulary = list(range(demo.config.text.vocab_size))
    for place, token_id in enumerate(ids):
        prefix = demo.prompt.decode(ids[:place])
        scores = torch.tensor(answerer.scores(frames, fps, "Who?", vocabulary, answer_prefix=prefix))
        step_by_step += float(scores.log_softmax(0)[token_id])
        greedy.append(int(scores.argmax()))
    assert value == pytest.approx(step_by_step, abs=1e-3)
    assert not is_greedy
    assert answerer.likelihood(frames, fps, "Who?", demo.prompt.decode(greedy[:1]))[1]
    assert answerer.likelihood(frames, fps, "Who?", "") == (0.0, True)


def test_a_seed_makes_a_sampled_answer(tiny: LoadedModel, videos: Path) -> None:
    frames, fps = spread_frames(videos / "game1.mp4", start_s=0.0, end_s=4.0, fps=2.0, max_frames=8)
    answerer = OfflineAnswerer(tiny, tiny.settings.resize)
    said = [
        answerer.answer(frames, fps, "Who?", max_new_tokens=10, temperature=1.0, top_p=0.9, seed=seed)
        for seed in (1, 1, 2)
    ]
    assert said[0] == said[1] != said[2]


def test_the_checkpoints_own_repetition_penalty_is_read(tmp_path: Path) -> None:
    (tmp_path / "generation_config.json").write_text('{"repetition_penalty": 1.05}')
    assert generation_penalty(str(tmp_path)) == 1.05
    assert generation_penalty(str(DEMO)) == 1.0


# The adapter's answers


def test_offline_requests_are_answered_as_lmms_eval_asks(
    demo: LoadedModel, demo_oracle: Any, videos: Path
) -> None:
    path = videos / "game0.mp4"
    answers = Answers(demo, demo.settings.resize, AnswerSettings(max_frames=8))
    generation = {"max_new_tokens": 16, "temperature": 0, "top_p": 1.0, "num_beams": 1, "do_sample": False}
    frames, fps = spread_frames(path, start_s=0.0, end_s=length_s(path), fps=2.0, max_frames=8)
    said = answers.generate("<image>\nWho has the ball?", generation, [str(path)])
    expected = generated(demo_oracle, demo, frames, fps, "\nWho has the ball?", 16)
    assert said == expected
    stop = expected[3:5]
    cut = answers.generate("<image>\nWho has the ball?", {**generation, "until": [stop, "\n\n"]}, [str(path)])
    assert cut == expected.split(stop)[0]
    pictures = [Image.fromarray(frame) for frame in frames]
    assert answers.generate("Who?", generation, pictures) == generated(
        demo_oracle, demo, frames, 2.0, "Who?", 16
    )
    assert answers.generate("Who?", generation, None) == answers.generate("Who?", generation, [])
    assert answers.likelihood("Who?", " Sato", [str(path)])[0] < 0


def test_streamed_requests_ask_in_the_last_second(tiny: LoadedModel, videos: Path) -> None:
    generation = {"max_new_tokens": 8, "temperature": 0}
    streamed = Answers(tiny, tiny.settings.resize, AnswerSettings(mode="streamed"))
    said = [
        streamed.generate(question, generation, [str(videos / "game3.mp4")]) for question in ("Who?", "What?")
    ]
    talking = Answers(tiny, tiny.settings.resize, AnswerSettings(mode="streamed", is_silent=False))
    assert said[0] != said[1]
    assert said[0] != talking.generate("Who?", generation, [str(videos / "game3.mp4")])
    frames, _ = spread_frames(videos / "game3.mp4", start_s=0.0, end_s=7.0, fps=2.0, max_frames=14)
    assert said[0] == streamed.generate("Who?", generation, [Image.fromarray(frame) for frame in frames])


def test_what_cannot_be_shown_is_said(tiny: LoadedModel, videos: Path) -> None:
    answers = Answers(tiny, tiny.settings.resize, AnswerSettings(mode="streamed"))
    with pytest.raises(EvaluationError, match="needs a video"):
        answers.generate("Who?", {}, None)
    with pytest.raises(EvaluationError, match="not dict"):
        answers.generate("Who?", {}, [{}])
    with pytest.raises(EvaluationError, match="one video"):
        answers.generate("Who?", {}, [str(videos / "game0.mp4")] * 2)
    with pytest.raises(EvaluationError, match="mode"):
        AnswerSettings(mode="both")  # type: ignore[arg-type]  # what a user may type


@pytest.mark.parametrize("mode", ["offline", "streamed"])
def test_a_bad_video_is_named_and_costs_its_own_request_only(
    mode: Any, tiny: LoadedModel, videos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    answers = Answers(tiny, tiny.settings.resize, AnswerSettings(mode=mode, max_frames=8))
    bad = tmp_path / "broken.mp4"
    bad.write_bytes(b"no video")
    good = videos / "game3.mp4"
    generation = {"max_new_tokens": 4, "temperature": 0}

    def ask(path: Path) -> str | None:
        return answer_or_none(lambda: answers.generate("Who?", generation, [str(path)]), [str(path)])

    assert ask(bad) is None
    assert ask(tmp_path / "gone.mp4") is None
    for path, record in zip((bad, tmp_path / "gone.mp4"), caplog.records, strict=True):
        assert str(path) in record.message
    assert ask(good) == answers.generate("Who?", generation, [str(good)])
    with pytest.raises(EvaluationError, match="one video"):  # the task's fault, not the video's
        answer_or_none(lambda: answers.generate("Who?", {}, ["a", "b"]), ["a", "b"])
