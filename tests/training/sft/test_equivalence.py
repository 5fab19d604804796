"""The same data gives the same losses, however many processes train and whatever stops them; `equivalence` prints by how
much they differ."""

from pathlib import Path

import numpy as np
import pytest

from tests.training.sft.equivalence import BAR, NUM_STEPS, WAYS, Way, train

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    return train(Way(), tmp_path_factory.mktemp("plain") / "out")


def test_the_plain_run_learns(plain: list[float]) -> None:
    assert len(plain) == NUM_STEPS
    assert plain[-1] < 0.6 * plain[0]


@pytest.mark.parametrize(
    "name", sorted(name for name, way in WAYS.items() if way.processes == 4 or way.options)
)
def test_losses_are_those_of_the_plain_run(plain: list[float], tmp_path: Path, name: str) -> None:
    if WAYS[name].sharding == "zero3":
        pytest.importorskip("deepspeed", reason="deepspeed is not installed")
    np.testing.assert_allclose(train(WAYS[name], tmp_path / "out"), plain, rtol=BAR)
