"""Commentary on whole videos: segments, journals, shards and bad videos, with a real checkpoint and real files."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine import FrameChunk, LoadedModel, StepStream, StreamingSession, StreamSettings
from tests.training.evaluate.conftest import game_row, write_lines, write_video
from training.evaluate import bookmark, streaming
from training.evaluate.bookmark import Bookmark
from training.evaluate.errors import EvaluationError, OtherRunError, UnfinishedError
from training.evaluate.journal import Journal, read_journal
from training.evaluate.metadata import Game, Repairs, read_games
from training.evaluate.results import VideoResult
from training.evaluate.shards import Shard
from training.evaluate.streaming import RunSettings, previous_text, result_of, segments
from training.evaluate.work import collect, file_name, run


def settings_of(folder: Path, **changes: Any) -> RunSettings:
    return RunSettings(**{"stream": StreamSettings.from_checkpoint(folder), "start_s": 1.0, **changes})


def commented(
    games: list[Game],
    videos: Path,
    tiny: LoadedModel,
    settings: RunSettings,
    folder: Path,
    shards: list[Shard],
) -> dict[str, VideoResult]:
    record = settings.record("tiny")
    works = streaming.works(games, videos, lambda: tiny, settings, folder=folder, record=record)
    for shard in shards:
        run(works, folder, record, shard)
    rows, _ = collect(works, folder)
    return {game.name: result_of(game, rows[game.name]) for game in games if game.name in rows}


def test_segments_of_both_modes(tiny_folder: Path) -> None:
    endless = settings_of(tiny_folder)
    assert segments(endless, 12.0) == [(1.0, 12.0)]
    assert segments(endless, 1.5) == []
    pieces = settings_of(tiny_folder, mode="chunks", segment_s=5.0)
    assert segments(pieces, 12.0) == [(1.0, 6.0), (6.0, 11.0), (11.0, 12.0)]
    assert segments(pieces, 11.5) == [(1.0, 6.0), (6.0, 11.0)]


def test_previous_text_is_the_title_and_what_was_said_cut_to_sink_and_window(tiny_folder: Path) -> None:
    words = tuple((float(at), at + 0.5, f"w{at}") for at in range(40))
    game = Game(video="x.mp4", title="Lions v Hawks", words=words, repairs=Repairs())
    stream = StreamSettings.from_checkpoint(tiny_folder)
    assert previous_text(game, 2.5, stream) == "Lions v Hawks w0 w1 w2"
    assert previous_text(game, 30.0, stream) == (
        "Lions v Hawks w0 w1 w2 w3 w4 w22 w23 w24 w25 w26 w27 w28 w29"
    )


@pytest.mark.parametrize("mode", ["endless", "chunks"])
def test_shards_change_nothing(
    tmp_path: Path, tiny: LoadedModel, tiny_folder: Path, videos: Path, metadata: Path, mode: str
) -> None:
    games = read_games(metadata)
    settings = settings_of(tiny_folder, mode=mode, segment_s=4.0)
    results = [
        commented(
            games,
            videos,
            tiny,
            settings,
            tmp_path / str(world),
            [Shard(rank=rank, world_size=world) for rank in reversed(range(world))],
        )
        for world in (1, 2, 4)
    ]
    assert results[0] == results[1] == results[2]
    assert {name: (r.start_s, r.end_s) for name, r in results[0].items()} == {
        "game0.mp4": (1.0, 13.0),
        "game1.mp4": (1.0, 8.0),
        "game2.mp4": (1.0, 11.0),
        "game3.mp4": (1.0, 6.0),
    }
    assert [p.start_s for p in results[0]["game3.mp4"].phrases] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert any(phrase.text for phrase in results[0]["game0.mp4"].phrases)


def test_the_two_modes_and_other_seeds_are_other_streams(
    tmp_path: Path, tiny: LoadedModel, tiny_folder: Path, videos: Path, metadata: Path
) -> None:
    games = read_games(metadata)[1:2]
    said = [
        commented(games, videos, tiny, settings_of(tiny_folder, **changes), tmp_path / str(index), [Shard()])
        for index, changes in enumerate(
            ({}, {"mode": "chunks", "segment_s": 3.0}, {"seed": 1}, {"mode": "chunks", "segment_s": 100.0})
        )
    ]
    texts = [[p.text for p in result["game1.mp4"].phrases] for result in said]
    assert texts[0] == texts[3]  # a single piece is one endless stream
    assert texts[0] != texts[1]
    assert texts[0] != texts[2]
    assert texts[0][0] == texts[1][0]


def test_shares_are_even_and_complete() -> None:
    costs = {f"v{at}": float(cost) for at, cost in enumerate((9, 1, 5, 5, 2, 8))}
    shares = [Shard(rank=rank, world_size=3).share_of(costs) for rank in range(3)]
    assert sorted(video for share in shares for video in share) == sorted(costs)
    loads = [sum(costs[video] for video in share) for share in shares]
    assert max(loads) - min(loads) <= 2
    assert Shard(rank=0, world_size=8).share_of({"only": 1.0}) == ["only"]
    assert Shard(rank=7, world_size=8).share_of({"only": 1.0}) == []


def test_the_shard_is_what_torchrun_says() -> None:
    environment = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1"}
    assert Shard.from_environment(environment) == Shard(rank=5, world_size=8, local_rank=1)
    assert Shard.from_environment({}) == Shard()
    with pytest.raises(EvaluationError, match="whole numbers"):
        Shard.from_environment({"RANK": "one"})
    with pytest.raises(EvaluationError, match="RANK"):
        Shard.from_environment({"RANK": "2", "WORLD_SIZE": "2"})


def test_a_bad_video_costs_that_video_only(
    tmp_path: Path, tiny: LoadedModel, tiny_folder: Path, videos: Path, metadata: Path
) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    (folder / "game0.mp4").write_bytes(b"this is no video")
    (folder / "game1.mp4").write_bytes((videos / "game1.mp4").read_bytes())
    damaged = bytearray((videos / "game2.mp4").read_bytes())
    (folder / "game2.mp4").write_bytes(damaged[: len(damaged) // 2])
    rows = [json.loads(line) for line in metadata.read_text().splitlines()]
    rows.append({"video": "early.mp4", "content": [[0.0, 0.5, "off"]]})
    write_video(folder / "early.mp4", 3)
    games = read_games(write_lines(tmp_path / "games.jsonl", rows))
    settings = settings_of(tiny_folder, mode="chunks", segment_s=5.0)
    works = streaming.works(games, folder, lambda: tiny, settings)
    run(works, tmp_path / "out", settings.record("tiny"), Shard())
    done, failures = collect(works, tmp_path / "out")
    assert list(done) == ["game1.mp4"]
    assert [failure.video for failure in failures] == ["game0.mp4", "game2.mp4", "game3.mp4", "early.mp4"]
    assert "game0.mp4 can't be used" in failures[0].reason
    assert "its words end at 0 s" in failures[3].reason
    for name in ("game0.mp4", "game2.mp4", "game3.mp4"):  # put right, they are tried again
        (folder / name).write_bytes((videos / name).read_bytes())
    run(works, tmp_path / "out", settings.record("tiny"), Shard())
    done, failures = collect(works, tmp_path / "out")
    assert list(done) == ["game0.mp4", "game1.mp4", "game2.mp4", "game3.mp4"]
    assert [failure.video for failure in failures] == ["early.mp4"]


def test_what_is_done_is_not_done_again(
    tmp_path: Path, tiny: LoadedModel, tiny_folder: Path, videos: Path, metadata: Path
) -> None:
    games = read_games(metadata)[:1]
    settings = settings_of(tiny_folder, mode="chunks", segment_s=4.0)
    whole = commented(games, videos, tiny, settings, tmp_path / "whole", [Shard()])
    journal = tmp_path / "whole" / "videos" / "game0.mp4.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    assert len(lines) == 4
    cut = tmp_path / "cut" / "videos" / "game0.mp4.jsonl"
    cut.parent.mkdir(parents=True)
    # Killed in the middle of writing its second piece.
    cut.write_bytes(b"".join(lines[:2]) + lines[2][:200])
    with pytest.raises(UnfinishedError, match=r"game0\.mp4\. Run the same command again"):
        commented(games, videos, tiny, settings, tmp_path / "cut", [])
    assert commented(games, videos, tiny, settings, tmp_path / "cut", [Shard()]) == whole
    assert cut.read_bytes().splitlines(keepends=True)[:2] == lines[:2]
    assert len(cut.read_bytes().splitlines()) == 4

    def never() -> LoadedModel:
        raise AssertionError("a complete run needs no model")

    run(streaming.works(games, videos, never, settings), tmp_path / "cut", settings.record("tiny"), Shard())


class Kill(BaseException):
    """Ends a run where it stands, as a kill does."""


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Where every step began; the run ends before one that begins at `steps[0]`."""
    monkeypatch.setattr(bookmark, "MOST_SHARE", 1e9)  # after every step
    begun: list[float] = [-1.0]
    step = StreamingSession.step

    def counted(self: StreamingSession, chunk: FrameChunk, **options: Any) -> StepStream:
        if chunk.start_s == begun[0]:
            raise Kill
        begun.append(chunk.start_s)
        return step(self, chunk, **options)

    monkeypatch.setattr(StreamingSession, "step", counted)
    return begun


@pytest.mark.parametrize("mode", ["endless", "chunks"])
def test_a_stream_that_was_killed_goes_on_in_its_middle(
    tmp_path: Path,
    tiny: LoadedModel,
    tiny_folder: Path,
    videos: Path,
    metadata: Path,
    steps: list[float],
    mode: str,
) -> None:
    games = read_games(metadata)[:1]
    settings = settings_of(tiny_folder, mode=mode, segment_s=7.0)
    whole = commented(games, videos, tiny, settings, tmp_path / "whole", [Shard()])
    del steps[1:]
    for at_s in (1.0, 2.0, 6.0, 9.0, 12.0):
        steps[0] = at_s
        with pytest.raises(Kill):
            commented(games, videos, tiny, settings, tmp_path / "killed", [Shard()])
    steps[0] = -1.0
    assert commented(games, videos, tiny, settings, tmp_path / "killed", [Shard()]) == whole
    assert steps[1:] == [float(at_s) for at_s in range(1, 13)]  # none twice
    assert [path.name for path in (tmp_path / "killed" / "videos").iterdir()] == ["game0.mp4.jsonl"]


def test_a_stream_begins_anew_where_it_cannot_go_on_the_same(
    tmp_path: Path,
    tiny: LoadedModel,
    tiny_folder: Path,
    videos: Path,
    metadata: Path,
    steps: list[float],
) -> None:
    games = read_games(metadata)[:1]
    settings = settings_of(tiny_folder)

    def killed_at(at_s: float, name: str) -> Path:
        folder = tmp_path / name / "videos"
        folder.mkdir(parents=True)
        (folder / "game0.mp4").write_bytes((videos / "game0.mp4").read_bytes())
        steps[0] = at_s
        with pytest.raises(Kill):
            commented(games, folder, tiny, settings, tmp_path / name, [Shard()])
        steps[:] = [-1.0]
        return folder

    folder = killed_at(8.0, "other pictures")
    write_video(folder / "game0.mp4", 14, seed=99)
    anew = commented(games, folder, tiny, settings, tmp_path / "whole", [Shard()])
    del steps[1:]
    assert commented(games, folder, tiny, settings, tmp_path / "other pictures", [Shard()]) == anew
    assert steps[1] == 1.0

    folder = killed_at(8.0, "other title")
    told = [dataclasses.replace(games[0], title="Sharks v Bears")]
    assert commented(told, folder, tiny, settings, tmp_path / "other title", [Shard()])
    assert steps[1] == 1.0

    folder = killed_at(8.0, "damaged")
    kept = tmp_path / "damaged" / "videos" / "game0.mp4.bookmark.pt"
    kept.write_bytes(kept.read_bytes()[:900])
    assert commented(games, folder, tiny, settings, tmp_path / "damaged", [Shard()])
    assert steps[1] == 1.0


def test_bookmarks_take_a_small_share_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [0.0]
    monkeypatch.setattr(bookmark, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    written: list[float] = []

    def state() -> dict[str, float]:
        written.append(now_s[0])
        now_s[0] += 0.5  # to copy it from a GPU, say
        return {"at": now_s[0]}

    kept = Bookmark(tmp_path / "x.pt", {"title": "a"})
    for _ in range(1000):
        kept.offer(state)
        now_s[0] += 0.1
    assert written == pytest.approx([0.0, 25.5, 51.0, 76.5], abs=0.2)
    assert Bookmark(tmp_path / "x.pt", {"title": "a"}).read() == {"at": pytest.approx(77.0, abs=0.7)}
    assert Bookmark(tmp_path / "x.pt", {"title": "b"}).read() is None


def test_other_settings_are_not_mixed_in(
    tmp_path: Path, tiny: LoadedModel, tiny_folder: Path, videos: Path, metadata: Path
) -> None:
    games = read_games(metadata)[3:]
    settings = settings_of(tiny_folder)
    commented(games, videos, tiny, settings, tmp_path, [Shard()])
    hotter = dataclasses.replace(
        settings,
        stream=dataclasses.replace(
            settings.stream, sampling=dataclasses.replace(settings.stream.sampling, temperature=1.5)
        ),
    )
    with pytest.raises(OtherRunError, match=r"stream\.sampling\.temperature was 0\.9, now 1\.5"):
        commented(games, videos, tiny, hotter, tmp_path, [Shard()])


def test_a_journal_keeps_whole_lines_only(tmp_path: Path) -> None:
    path = tmp_path / "videos" / "x.jsonl"
    journal = Journal(path, {"fps": 2})
    journal.append({"key": "a", "said": "Tor für München"})
    with path.open("ab") as file:
        file.write(b'{"key": "b", "sa')
    again = Journal(path, {"fps": 2})
    assert list(again.rows) == ["a"]
    again.append({"key": "c"})
    assert [row["key"] for row in read_journal(path)] == ["a", "c"]
    path.write_bytes(b'{"sett')  # killed while beginning
    assert Journal(path, {"fps": 2}).rows == {}


def test_names_of_videos_make_safe_and_different_file_names() -> None:
    assert file_name("game.mp4") == "game.mp4"
    odd = [file_name(name) for name in ("a/b.mp4", "a_b.mp4", "a b.mp4", "é.mp4", "../../x")]
    assert len(set(odd)) == 5
    assert all("/" not in name for name in odd)


def test_settings_that_cannot_work_are_refused(tiny_folder: Path) -> None:
    with pytest.raises(EvaluationError, match="endless"):
        settings_of(tiny_folder, mode="both")
    with pytest.raises(EvaluationError, match="segment_s"):
        settings_of(tiny_folder, segment_s=0.5)


def test_measures_stand_beside_what_was_said(
    tmp_path: Path, tiny: LoadedModel, tiny_folder: Path, videos: Path
) -> None:
    games = read_games(write_lines(tmp_path / "g.jsonl", [game_row("game1.mp4", 9)]))
    settings = settings_of(tiny_folder)
    works = streaming.works(games, videos, lambda: tiny, settings)
    run(works, tmp_path, settings.record("tiny"), Shard())
    (row,) = collect(works, tmp_path)[0]["game1.mp4"]
    assert len(row["said"]) == len(row["step_ms"]) == len(row["wait_ms"]) == len(row["num_tokens"]) == 7
    assert all(1 <= tokens <= 7 for tokens in row["num_tokens"])
    assert row["memory_mb"][0][1] > 50
    assert [(at_s, gpu_mb) for at_s, _, gpu_mb in row["memory_mb"]] == [(1.0, 0.0), (7.0, 0.0)], (
        "with the first step and the last; a processor has no GPU memory"
    )
