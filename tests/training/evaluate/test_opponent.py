"""An API model as an opponent: what it is shown and told, against a loopback API."""

import base64
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from engine import ResizeSettings, StreamSettings
from tests.training.evaluate.judge_server import Body, JudgeServer
from training.evaluate.errors import EvaluationError
from training.evaluate.judge.courier import ApiSettings, Courier
from training.evaluate.metadata import Clip, Game, Repairs
from training.evaluate.opponent import comment_on_clips, opponent_settings, request_body
from training.evaluate.streaming import previous_text
from training.evaluate.video import spread_frames


def clip(video: str, start_s: float, end_s: float) -> Clip:
    return Clip(
        video=video,
        title="Lions v Hawks",
        previous="what a start",
        words=((start_s, start_s + 0.5, "a"), (end_s - 0.5, end_s, "b")),
    )


def pictures(body: dict[str, Any]) -> list[np.ndarray[Any, Any]]:
    parts = [part for part in body["messages"][1]["content"] if part["type"] == "image_url"]
    raw = [
        base64.b64decode(part["image_url"]["url"].removeprefix("data:image/jpeg;base64,")) for part in parts
    ]
    return [cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), 1), cv2.COLOR_BGR2RGB) for data in raw]


STREAM = StreamSettings(resize=ResizeSettings(min_pixels=784, max_pixels=6 * 8 * 196))


def test_it_gets_what_our_model_gets(videos: Path) -> None:
    game = Game(
        video="game0.mp4",
        title="Lions v Hawks",
        words=tuple((at / 1000, at / 1000, f"w{at}") for at in range(3000)),
        repairs=Repairs(),
    )
    settings = opponent_settings("same", STREAM)
    ours = previous_text(game, 2.0, STREAM)
    body = request_body(
        clip("game0.mp4", 2.0, 7.0), videos, "gpt", settings, ours, {"top_p": 1, "model": None}
    )
    told = body["messages"][1]["content"][0]["text"]
    assert (body["top_p"], "model" in body) == (1, False)
    assert STREAM.query in told
    assert len(ours.split()) == 1024
    assert ours.startswith("Lions v Hawks w0 ")
    assert ours.endswith(" w2000")
    assert f"The title, and what was said before: {ours}\n" in told
    assert (settings.text_sink, settings.text_window) == (512, 512)
    shown = pictures(body)
    assert len(shown) == 10  # two a second
    frames, _ = spread_frames(videos / "game0.mp4", start_s=2.0, end_s=7.0, fps=2.0, max_frames=100)
    for ours, theirs in zip(frames, shown, strict=True):
        assert theirs.shape == (84, 112, 3)
        assert np.abs(ours.astype(int) - theirs).mean() < 6  # JPEG


def test_the_published_settings_are_poorer_and_named_so(videos: Path) -> None:
    settings = opponent_settings("published", STREAM)
    assert (settings.name, settings.max_frames, settings.max_height, settings.quality) == (
        "published",
        60,
        360,
        85,
    )
    body = request_body(clip("game0.mp4", 2.0, 7.0), videos, "gpt", settings, "Lions v Hawks what a start")
    told = body["messages"][1]["content"][0]["text"]
    assert "Lions" not in told
    assert "what a start" not in told
    with pytest.raises(EvaluationError, match="same"):
        opponent_settings("rich", STREAM)


async def test_it_comments_on_every_clip_once(tmp_path: Path, videos: Path) -> None:
    def answer(body: Body, seen: int) -> str:
        text = body["messages"][1]["content"][0]["text"]
        return "" if "3 to 5" in text else f"I see {len(body['messages'][1]['content']) - 1} pictures"

    clips = [
        clip("game0.mp4", 2.0, 7.0),
        clip("game0.mp4", 8.0, 10.0),
        clip("game1.mp4", 3.0, 5.0),
        clip("gone.mp4", 1.0, 3.0),
    ]
    with JudgeServer(answer) as server:
        for _ in range(2):
            async with Courier(ApiSettings(url=server.url, cache=str(tmp_path))) as courier:
                results, failures = await comment_on_clips(
                    clips, videos, courier, "gpt", opponent_settings("same", STREAM), lambda clip: clip.title
                )
        assert server.num_paid == 5  # an empty answer is asked for three times in all
        assert courier.bill.num_cached == 5
    assert list(results) == ["game0.mp4"]
    assert [(p.end_s, p.text) for p in results["game0.mp4"].phrases] == [
        (7, "I see 10 pictures"),
        (10, "I see 4 pictures"),
    ]
    assert results["game0.mp4"].text_in(clips[0]) == "I see 10 pictures"
    assert [failure.video for failure in failures] == ["game1.mp4 [3, 5]", "gone.mp4 [1, 3]"]
    assert failures[0].reason == "the answer is empty (it is kept; --ask-again asks once more)"
    assert json.dumps(failures[1].reason)
