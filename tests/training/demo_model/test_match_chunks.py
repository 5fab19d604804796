"""The demo model's training stream: real matches, real pictures, the settings that ship."""

from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch

from engine.preprocess import resize_frames, smart_resize
from training.demo_league.draw import draw_frame
from training.demo_league.listen import Caption, listen
from training.demo_league.simulate import simulate
from training.demo_model.architecture import STREAMING, train_tokenizer
from training.demo_model.drills import Telling, read_words, say_words, with_changing_score
from training.demo_model.match_chunks import MatchChunks, MatchSettings, sample_texts
from training.demo_model.recipe import demo
from training.demo_model.train import fingerprint
from training.errors import RecipeError
from training.sft.collate import ChunkCollator
from training.sft.conversation import IGNORED_LABEL


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return train_tokenizer(sample_texts(12, seed=1))


@pytest.fixture(scope="module")
def examples(tokenizer: Any) -> list[Any]:
    return list(
        MatchChunks(tokenizer, demo(), MatchSettings()).examples(np.random.default_rng(4), ["commentary"] * 2)
    )


def test_names_stand_in_the_title_and_nowhere_in_the_prompt_but_there(
    tokenizer: Any, examples: list[Any]
) -> None:
    text = tokenizer.decode(examples[0]["encoded"].input_ids)
    title = text.split("previous text\n")[1].split("<|im_end|>")[0]
    assert title.startswith("Demo league. ")
    assert all(f" {number} " in title for number in range(1, 11))
    assert text.startswith(
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>previous text\n"
    )


def test_the_title_fits_into_the_sink(tokenizer: Any) -> None:
    for seed in range(30):
        assert (
            len(tokenizer.encode(simulate(seed, 1.0).title, add_special_tokens=False))
            <= STREAMING["window"]["text_sink"]
        )


def test_every_chunk_fits_and_makes_a_batch(tokenizer: Any, examples: list[Any]) -> None:
    settings = demo()
    batch = ChunkCollator(num_tokens=settings.max_tokens, pad_id=tokenizer.pad_token_id)(examples[:3])
    assert batch["frames"].shape == (3, 48, 168, 308, 3)
    pads = (batch["input_ids"] == tokenizer.convert_tokens_to_ids("<|video_pad|>")).sum(dim=1)
    assert pads.tolist() == [24 * 66] * 3
    assert (batch["labels"] != IGNORED_LABEL).sum() > 3 * 48
    assert batch["position_ids"].max() < settings.max_tokens


def test_a_chunks_pictures_are_near_what_the_engine_shows() -> None:
    match = simulate(8, 1.0)
    chunks = MatchChunks(
        train_tokenizer(["system user assistant previous text\n You are a helpful ..."] * 2),
        demo(),
        MatchSettings(),
    )
    ours = chunks._pictures(match, until_s=12.0)
    size = smart_resize(360, 640, demo().resize)
    shown = torch.from_numpy(np.stack([draw_frame(match, k / 2, size=(640, 360)) for k in range(24)]))
    theirs = resize_frames(shown, *size).numpy()
    assert np.abs(ours.astype(int) - theirs.astype(int)).mean() < 3


def test_the_same_seed_plays_the_same_matches(tokenizer: Any) -> None:
    stream = MatchChunks(tokenizer, demo(), MatchSettings())
    first, again, other = (
        next(stream.examples(np.random.default_rng(seed), ["say"]))["encoded"].input_ids for seed in (7, 7, 8)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_first_drill_reads_name_score_and_what_has_just_happened() -> None:
    match = simulate(3, 2.0)
    words = read_words(match)
    num_events = 0
    for second in range(5, 110):
        said = [word for _, end, word in words if second <= end < second + 1]
        tick = int((second + 0.5) * match.tick_hz)
        player = match.player(int(match.last_touch_T[tick]))
        panel = [player.name, *(str(int(goals)) for goals in match.score_T2[tick])]
        happened = [
            event.kind
            for event in match.events
            if second - 0.5 < event.time_s <= second + 0.5 and event.kind != "pass"
        ]
        assert said == panel + happened
        num_events += len(happened)
    assert num_events > 10


def test_a_drills_score_changes_often_and_cannot_be_copied_from_the_second_before() -> None:
    match = simulate(3, 2.0)
    drilled = with_changing_score(match, np.random.default_rng(2))
    assert drilled.events == match.events
    scores = [tuple(drilled.score_T2[int((second + 0.5) * match.tick_hz)].tolist()) for second in range(110)]
    num_changes = sum(score != following for score, following in pairwise(scores))
    assert 25 < num_changes < 80
    assert {goals for score in scores for goals in score} >= set(range(10))


def test_the_second_drill_says_whom_the_panel_shows_and_the_score_in_the_commentators_words() -> None:
    match = simulate(3, 2.0)
    assert match.score_T2[-1].sum() > 0
    words = say_words(match, np.random.default_rng(1))
    captions = [Caption(start_s, end_s, word) for start_s, end_s, word in words]
    team_of_player = {player.name: team.name for team in (match.home, match.away) for player in team.players}
    heard = listen(captions, teams=(match.home.name, match.away.name), team_of_player=team_of_player)
    assert len(heard.scores) > 30
    for said in heard.scores:
        home, away = (int(goals) for goals in match.score_T2[int((int(said.time_s) + 0.5) * match.tick_hz)])
        allowed = [(home, away)] if said.is_ordered else [(home, away), (away, home)]
        assert said.goals in allowed
    named = [word for word in heard.words if word.player is not None]
    assert len(named) > 30
    for word in named:
        tick = int((int(word.start_s) + 0.5) * match.tick_hz)
        assert word.player == match.player(int(match.last_touch_T[tick])).name


def test_tellings_are_spread_evenly_and_in_their_shares() -> None:
    settings = MatchSettings(read_share=0.1, say_share=0.3)
    for first in (0, 40, 1000):
        tellings = [settings.telling(index) for index in range(first, first + 20)]
        assert [tellings.count(telling) for telling in get_args(Telling)] == [12, 2, 6]
    assert {MatchSettings(read_share=0.0, say_share=0.0).telling(index) for index in range(30)} == {
        "commentary"
    }


def test_other_weights_bring_other_matches(tmp_path: Path) -> None:
    for name, weights in (("one", b"weights"), ("same", b"weights"), ("trained", b"Weights")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(weights)
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "same")
    assert fingerprint(tmp_path / "one") != fingerprint(tmp_path / "trained")
    with pytest.raises(RecipeError, match="no weights"):
        fingerprint(tmp_path)
