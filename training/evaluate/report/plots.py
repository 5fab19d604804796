"""Plots as SVG text: quiet, readable in print, and without anything that would be fetched from elsewhere.

Knows matplotlib. Knows nothing of what the figures mean.
"""

import io
import itertools
from collections.abc import Sequence
from typing import Any

from training.evaluate.report.contents import Plot, Series

COLOURS = ("#1f6feb", "#c2410c", "#15803d", "#7c3aed", "#a16207")
"""Distinguishable also to people who see red and green alike, by their lightness."""
_MARKERS = ("o", "s", "^", "D", "v")
_MANY_POINTS = 40


def svg(plot: Plot) -> str:
    """The plot as an SVG element: letters are outlines, so that it looks the same everywhere."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import MaxNLocator

    style: Any = {
        "svg.fonttype": "path",
        "svg.hashsalt": "ringside",
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": "#e5e7eb",
        "axes.axisbelow": True,
    }
    with pyplot.rc_context(style):
        figure, axes = pyplot.subplots(figsize=(7.2, 3.2), layout="constrained")
        draw = _draw_bars if plot.kind == "bars" else _draw_lines
        draw(axes, plot.series)
        axes.set_xlabel(plot.x_label)
        axes.set_ylabel(plot.y_label)
        axes.margins(y=0.12)
        if plot.from_zero:
            axes.set_ylim(bottom=0)
        if all(x == int(x) for series in plot.series for x in series.x):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        if len(plot.series) > 1:
            axes.legend(frameon=False, loc="best")
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
    drawing = text.getvalue()
    return drawing[drawing.index("<svg") :]


def _draw_lines(axes: Any, all_series: Sequence[Series]) -> None:
    for index, series in enumerate(all_series):
        colour = COLOURS[index % len(COLOURS)]
        marker = _MARKERS[index % len(_MARKERS)] if len(series.x) <= _MANY_POINTS else ""
        values = [float("nan") if y is None else y for y in series.y]
        axes.plot(
            series.x, values, color=colour, marker=marker, markersize=4, linewidth=1.6, label=series.name
        )
        spans = [
            (x, low, high)
            for x, low, high in zip(series.x, series.low, series.high, strict=False)
            if low is not None and high is not None
        ]
        if spans:
            x, low, high = zip(*spans, strict=True)
            axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)


def _draw_bars(axes: Any, all_series: Sequence[Series]) -> None:
    all_x = sorted({x for series in all_series for x in series.x})
    gap = min((b - a for a, b in itertools.pairwise(all_x)), default=1.0)
    width = 0.8 * gap / max(1, len(all_series))
    for index, series in enumerate(all_series):
        shift = (index - (len(all_series) - 1) / 2) * width
        axes.bar(
            [x + shift for x in series.x],
            [y or 0.0 for y in series.y],
            width=width,
            color=COLOURS[index % len(COLOURS)],
            label=series.name,
        )
