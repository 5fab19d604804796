"""Generated matches with spoken commentary, made once for all tests."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.training.data.matches import make_match


class Season:
    """A folder of videos and a folder of WhisperX files."""

    def __init__(self, folder: Path, seeds: range, minutes: float) -> None:
        self.videos = folder / "videos"
        self.whisperx = folder / "whisperx"
        for place in (self.videos, self.whisperx):
            place.mkdir()
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            for done in [
                pool.submit(make_match, seed, minutes, self.videos, self.whisperx) for seed in seeds
            ]:
                done.result()


@pytest.fixture(scope="session")
def season(tmp_path_factory: pytest.TempPathFactory) -> Season:
    """Three matches of 45 s."""
    return Season(tmp_path_factory.mktemp("season"), range(3), 0.75)


@pytest.fixture(scope="session")
def whole_season(tmp_path_factory: pytest.TempPathFactory) -> Season:
    """Twenty matches of a minute."""
    return Season(tmp_path_factory.mktemp("whole_season"), range(20), 1.0)


@pytest.fixture
def with_faults(tmp_path: Path) -> Callable[[Season], Season]:
    """A season's files, linked, with a fault of each kind planted beside them."""

    def plant(season: Season) -> Season:
        copy = Season.__new__(Season)
        copy.videos, copy.whisperx = tmp_path / "videos", tmp_path / "whisperx"
        for source, place in ((season.videos, copy.videos), (season.whisperx, copy.whisperx)):
            place.mkdir()
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

    return plant
