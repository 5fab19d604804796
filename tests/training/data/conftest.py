"""Generated matches with spoken commentary, made once for all tests."""

from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from tests.training.data.season import Season, make_season, plant_faults, season_in


@pytest.fixture(scope="session")
def season(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Season:
    """Three matches of 45 s, made by whichever of a run's processes needs them first."""
    if worker_id == "master":
        return make_season(tmp_path_factory.mktemp("season"), num_matches=3, minutes=0.75)
    folder = tmp_path_factory.getbasetemp().parent / "season"
    with FileLock(folder.with_suffix(".lock")):
        made = folder / "made"
        if made.exists():
            return season_in(folder)
        season = make_season(folder, num_matches=3, minutes=0.75)
        made.touch()
        return season


@pytest.fixture(scope="session")
def whole_season(tmp_path_factory: pytest.TempPathFactory) -> Season:
    """Twenty matches of a minute."""
    return make_season(tmp_path_factory.mktemp("whole_season"), num_matches=20, minutes=1.0)


@pytest.fixture
def with_faults(tmp_path: Path) -> Callable[[Season], Season]:
    """A season's files, linked, with a fault of each kind planted beside them."""
    return lambda season: plant_faults(season, tmp_path)
