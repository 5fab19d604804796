"""The demo league as a benchmark: its judge, its means, and the whole command with a real checkpoint and a real match."""

import asyncio
import json
from pathlib import Path

import pytest

from training.demo_league.score import as_phrases
from training.evaluate import league
from training.evaluate.__main__ import main
from training.evaluate.commands.demo_league import fifths_table
from training.evaluate.contest import pair_up
from training.evaluate.judge.panel import hear
from training.evaluate.judge.shares import count
from training.evaluate.metadata import cut_clips
from training.evaluate.results import Phrase, VideoResult


def told(match: league.LeagueMatch, *, delay_s: float = 0.0) -> VideoResult:
    """The truth's own words, or the same too late."""
    phrases = tuple(
        Phrase(start_s=c.start_s + delay_s, end_s=c.end_s + delay_s, text=c.text)
        for c in as_phrases(match.truth.words)
    )
    return VideoResult(video=match.game.name, start_s=0.0, end_s=match.game.end_s, phrases=phrases)


def test_matches_become_games_with_their_truth(tmp_path: Path) -> None:
    (match,) = league.matches([77001], 2.0, tmp_path)
    assert match.game.name == "match-77001-2min.mp4"
    assert match.game.title == match.truth.title
    assert match.game.end_s == int(match.truth.duration_s)
    assert len(match.game.words) == len(match.truth.words)
    assert not match.video.exists()
    again = league.matches([77001], 2.0, tmp_path)
    assert again[0].truth == match.truth


def test_the_programmatic_judge_prefers_who_is_right(tmp_path: Path) -> None:
    of = league.matches([77001, 77002], 2.0, tmp_path)
    right = {match.game.name: told(match) for match in of}
    late = {match.game.name: told(match, delay_s=9.0) for match in of}
    clips = [
        clip
        for match in of
        for clip in cut_clips(match.game, start_s=0, clip_s=30, min_words_per_s=0)
        if clip.words
    ]
    pairing = pair_up(clips, right, late)
    votes = count(asyncio.run(hear(pairing.pairs, league.LeagueJudge(of, right, late))))
    assert votes["share"] > 0.9
    assert votes["agreement"] == 1.0
    assert not votes["place"]["is_flagged"]
    same = count(asyncio.run(hear(pairing.pairs, league.LeagueJudge(of, right, right))))
    assert same["share"] == 0.5
    assert same["clips"]["equal"] == same["num_clips"]
    assert not same["place"]["is_flagged"]
    scores = league.match_scores(of, right)
    found = league.summary(scores)
    assert found["mean"]["event_f1"]["mean"] > 0.9
    assert len(found["by_fifth"]["event_f1"]) == 5
    assert league.summary(league.match_scores(of, late))["mean"]["event_f1"]["mean"] < 0.6


def test_the_table_by_fifth_has_intervals_over_matches(tmp_path: Path) -> None:
    of = league.matches([77001, 77002], 2.0, tmp_path)
    late = told(of[1], delay_s=9.0)
    summary = league.summary(league.match_scores(of, {of[0].game.name: told(of[0]), late.video: late}))
    (row,) = [row for row in fifths_table({"endless": summary}).rows if row[0] == "event F1"]
    assert row[1] == "endless"
    for cell, fifth in zip(row[2:], summary["by_fifth"]["event_f1"], strict=True):
        low, high = fifth["interval"]
        assert low < high
        assert cell == f"{fifth['mean']:.3f} ({low:.3f} – {high:.3f})"


def test_the_whole_command_runs_without_a_network(
    tmp_path: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        *(
            "demo-league",
            "--model",
            str(tiny_folder),
            "--seeds",
            "77001",
            "77001",
            "--minutes",
            "1",
            "--segment-s",
            "20",
        ),
        *("--clip-s", "20", "--device", "cpu", "--out", str(tmp_path / "out"), "--max-pixels", "25088"),
        *("--max-new-tokens", "3"),
    ]
    assert main(command) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["left_out"] == []
    out = tmp_path / "out"
    scores = json.loads((out / "scores.json").read_text())
    assert set(scores["summary"]) == {"endless", "chunks"}
    for mode in ("endless", "chunks"):
        (line,) = (out / mode / "merged_result.jsonl").read_text().splitlines()
        row = json.loads(line)
        assert (row["chunk_start"], row["chunk_end"], len(row["items"])) == (0, 60, 60)
    for mode in ("endless", "chunks"):
        assert f"{mode}: one match only stands behind these figures" in " ".join(summary["warnings"])
    text = (out / "report.md").read_text()
    for measure, words in (("event_f1", "event F1"), ("silence_agreement", "silence agreement")):
        for mode in ("endless", "chunks"):
            fifths = [fifth["mean"] for fifth in scores["summary"][mode]["by_fifth"][measure]]
            cells = " | ".join("–" if mean is None else f"{mean:.3f}" for mean in fifths)
            assert f"| {words} | {mode} | {cells} |" in text
    page = (out / "report.html").read_text()
    for words in ("Event F1 by fifth", "Latency", "Memory", "Length of phrases", "Silence", "--seeds 77001"):
        assert words in page
    before = (out / "votes.json").read_bytes()
    assert main(command) == 0  # complete: only the report is made again
    assert (out / "votes.json").read_bytes() == before
    capsys.readouterr()
    assert main([*command, "--fps", "4"]) == 1
    assert "made with other settings (stream.window.fps was 2.0, now 4.0)" in capsys.readouterr().err
