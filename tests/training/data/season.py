"""A season of generated matches with spoken commentary, and the faults that are planted in one."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from tests.training.data.matches import make_match

UNUSABLE = {
    "empty.mp4": "empty (0 bytes)",
    "not_a_video.mp4": "can't be decoded",
    "cut_off.mp4": "can't be decoded",
}
"""Planted videos that can't be used, and what is said of them."""
SILENT = {
    "not_transcribed.mp4": "no transcript",
    "nothing_said.mp4": "nothing is said",
    "broken_words.mp4": "not JSON",
}
"""Planted videos that are good, but nothing is known to be said in them."""


@dataclass(frozen=True, kw_only=True)
class Season:
    """A folder of videos and a folder of WhisperX files."""

    videos: Path
    whisperx: Path


def season_in(folder: Path) -> Season:
    """The season that was, or will be, made in a folder."""
    return Season(videos=folder / "videos", whisperx=folder / "whisperx")


def make_season(folder: Path, *, num_matches: int, minutes: float) -> Season:
    """Simulate, draw, and speak matches, two at a time."""
    season = season_in(folder)
    for place in (season.videos, season.whisperx):
        place.mkdir(parents=True)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for done in [
            pool.submit(make_match, seed, minutes, season.videos, season.whisperx)
            for seed in range(num_matches)
        ]:
            done.result()
    return season


def plant_faults(season: Season, folder: Path) -> Season:
    """A season's files, linked, with a fault of each kind beside them."""
    copy = Season(videos=folder / "videos", whisperx=folder / "whisperx")
    for source, place in ((season.videos, copy.videos), (season.whisperx, copy.whisperx)):
        place.mkdir(parents=True)
        for path in source.iterdir():
            (place / path.name).hardlink_to(path)
    (copy.videos / "empty.mp4").touch()
    (copy.videos / "not_a_video.mp4").write_bytes(b"This is a web page." * 100)
    cut_off = (season.videos / "match_0.mp4").read_bytes()
    (copy.videos / "cut_off.mp4").write_bytes(cut_off[: len(cut_off) // 2])
    (copy.videos / "not_transcribed.mp4").hardlink_to(season.videos / "match_0.mp4")
    (copy.videos / "nothing_said.mp4").hardlink_to(season.videos / "match_1.mp4")
    (copy.whisperx / "nothing_said.json").write_text('{"segments": []}', encoding="utf-8")
    (copy.videos / "broken_words.mp4").hardlink_to(season.videos / "match_2.mp4")
    (copy.whisperx / "broken_words.json").write_text('{"segments": [', encoding="utf-8")
    # The recording was moved to the start of the file: everything is read but its second half.
    (copy.whisperx / "cut_off.json").hardlink_to(season.whisperx / "match_0.json")
    return copy
