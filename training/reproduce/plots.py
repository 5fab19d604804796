"""The plots of RESULTS.md, as PNG files.

Knows matplotlib. Knows nothing of how results came about.
"""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.reproduce.catalogue import TABLES

Result = Mapping[str, Any]
_NAMES = {
    "full": "full attention",
    "chunks": "windows without overlap",
    "recomputed": "windows, recomputed",
    "ours": "ours",
    "native": "native RoPE",
    "shipped": "ours, leaning towards names",
}


def draw(shown: Mapping[str, Mapping[str, Sequence[Result]]], folder: Path) -> list[Path]:
    """Write a PNG for every table that a plot says more of than numbers; returns their places.

    `shown`: by table, then by row, the results that the report shows.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    places: list[Path] = []
    for name, plot in (
        ("rope", _over_minutes),
        ("attention", _score_and_time),
        ("vision", _over_windows),
        ("stability", _fifths),
    ):
        # One point is no curve.
        if shown.get(name) and (name != "vision" or len(shown[name]) > 1):
            figure = plot(pyplot, shown[name])
            figure.tight_layout()
            figure.savefig(folder / f"{name}.png", dpi=100)
            pyplot.close(figure)
            places.append(folder / f"{name}.png")
    return places


def _over_minutes(pyplot: Any, shown: Mapping[str, Sequence[Result]]) -> Any:
    figure, panels = pyplot.subplots(1, 2, figsize=(9, 3.2))
    for row, of_row in shown.items():
        for panel, measure in zip(panels, ("event_f1", "name_accuracy"), strict=True):
            panel.plot(*_curve(of_row, measure), label=row)
    for panel, title in zip(panels, ("event F1", "share of names that are right"), strict=True):
        panel.set(xlabel="minutes of stream", title=title, ylim=(0, 1.02))
    panels[0].legend()
    return figure


def _score_and_time(pyplot: Any, shown: Mapping[str, Sequence[Result]]) -> Any:
    figure, panels = pyplot.subplots(1, 2, figsize=(9, 3.2))
    for row, of_row in shown.items():
        panels[0].plot(*_curve(of_row, "event_f1"), label=_NAMES.get(row, row))
        panels[1].plot(*_curve(of_row, "ms_per_token"), label=_NAMES.get(row, row))
    panels[0].set(xlabel="minutes of stream", title="event F1", ylim=(0, 1.02))
    panels[1].set(xlabel="minutes of stream", title="milliseconds a token", yscale="log")
    panels[1].legend()
    return figure


def _over_windows(pyplot: Any, shown: Mapping[str, Sequence[Result]]) -> Any:
    points = []
    for row in TABLES["vision"].rows:
        of_row = shown.get(row)
        if of_row:
            own_s = float(of_row[0]["window"]["vision_window_s"])
            points.append((own_s if row == "ours" else float(row.removeprefix("vision-")), of_row))
    points.sort(key=lambda point: point[0])
    figure, panel = pyplot.subplots(figsize=(5, 3.2))
    for measure in ("overall", "event_f1", "name_accuracy"):
        means = [_mean([result["scores"][measure] for result in of_row]) for _, of_row in points]
        panel.plot([window_s for window_s, _ in points], means, marker="o", label=measure.replace("_", " "))
    panel.set(xlabel="vision window in seconds", ylim=(0, 1.02))
    panel.legend()
    return figure


def _fifths(pyplot: Any, shown: Mapping[str, Sequence[Result]]) -> Any:
    figure, panel = pyplot.subplots(figsize=(5, 3.2))
    for row, of_row in shown.items():
        means = [_mean([result["fifths"][at]["overall"] for result in of_row]) for at in range(5)]
        panel.plot(range(1, 6), means, marker="o", label=_NAMES.get(row, row))
    longest = max(result["streamed_s"] for of_row in shown.values() for result in of_row) / 60
    panel.set(xlabel=f"fifth of {longest:.0f} minutes", title="overall", ylim=(0, 1.02), xticks=range(1, 6))
    panel.legend()
    return figure


def _curve(of_row: Sequence[Result], measure: str) -> tuple[list[float], list[float]]:
    """Minutes and the mean over matches; where there was nothing to count there is no point."""
    at: dict[float, list[float]] = {}
    for result in of_row:
        for part in result["parts"]:
            if part[measure] is not None:
                at.setdefault((part["start_s"] + part["end_s"]) / 120, []).append(part[measure])
    minutes = sorted(at)
    return minutes, [statistics.fmean(at[minute]) for minute in minutes]


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else float("nan")
