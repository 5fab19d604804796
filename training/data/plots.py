"""Plots of what the data set holds, as PNG files.

Knows matplotlib. Knows nothing of how the numbers came about (statistics.py).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.data.manifest import Manifest
from training.data.published import LineProblem, read_chunks
from training.data.statistics import STEPS, shares_visible


def draw(manifest: Manifest, statistics: Mapping[str, Any]) -> list[Path]:
    """Write OUT/report/*.png and return their places."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    folder = manifest.folder / "report"
    folder.mkdir(parents=True, exist_ok=True)
    places: list[Path] = []

    def finish(name: str, figure: Any) -> None:
        figure.tight_layout()
        part = folder / f".{name}.part.png"
        figure.savefig(part, dpi=120)
        pyplot.close(figure)
        part.replace(folder / name)
        places.append(folder / name)

    finish("steps.png", _steps(pyplot, statistics["steps"]))
    editor = statistics["editor"]
    if editor["num_segments"]:
        finish("verdicts.png", _verdicts(pyplot, editor))
    rates = [
        len(chunk.words) / chunk.duration_s
        for chunk in _chunks(manifest.folder / "train.jsonl")
        if not isinstance(chunk, LineProblem)
    ]
    if rates:
        finish("words_per_second.png", _histogram(pyplot, rates, "Words a second of a chunk", "Chunks"))
    hours = [float(row.facts["duration_s"]) / 60 for row in manifest.done("index").values()]
    if hours:
        finish("durations.png", _histogram(pyplot, hours, "Length of a video in minutes", "Videos"))
    shares = shares_visible(manifest)
    if shares:
        finish(
            "visible.png",
            _histogram(pyplot, shares, "Share of words about what is visible", "Chunks", (0, 1)),
        )
    return places


def _chunks(path: Path) -> Any:
    return read_chunks(path) if path.exists() else ()


def _steps(pyplot: Any, steps: Mapping[str, Any]) -> Any:
    figure, axes = pyplot.subplots(figsize=(6.4, 3.2))
    left = [0] * len(STEPS)
    for status, colour in (("done", "#3a7d44"), ("skipped", "#d9a404"), ("failed", "#b3261e")):
        counts = [steps[step][status] for step in STEPS]
        axes.barh(STEPS, counts, left=left, color=colour, label=status)
        left = [at + count for at, count in zip(left, counts, strict=True)]
    axes.invert_yaxis()
    axes.set_xlabel("Videos")
    axes.locator_params(axis="x", integer=True)
    axes.legend(loc="lower right")
    return figure


def _verdicts(pyplot: Any, editor: Mapping[str, Any]) -> Any:
    figure, axes = pyplot.subplots(figsize=(4.8, 3.2))
    names = list(editor["shares"])
    for offset, (label, shares) in enumerate(
        (("this data set", editor["shares"]), ("arXiv 2510.09608", editor["papers_shares"]))
    ):
        axes.bar(
            [at + 0.4 * offset for at in range(len(names))],
            [100 * shares[name] for name in names],
            width=0.38,
            label=label,
        )
    axes.set_xticks([at + 0.2 for at in range(len(names))], names)
    axes.set_ylabel("Segments in %")
    axes.legend()
    return figure


def _histogram(
    pyplot: Any,
    values: Sequence[float],
    label: str,
    counted: str,
    limits: tuple[float, float] | None = None,
) -> Any:
    figure, axes = pyplot.subplots(figsize=(4.8, 3.2))
    axes.hist(values, bins=24, range=limits, color="#2f6690")
    axes.set_xlabel(label)
    axes.set_ylabel(counted)
    axes.locator_params(axis="y", integer=True)
    return figure
