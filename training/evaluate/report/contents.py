"""What a report holds: words, tables and series of figures, as plain values.

Knows its form on disk (`report.json`). Knows nothing of how it is drawn or set, and nothing of benchmarks.
"""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from training.evaluate.errors import DataFileError
from training.evaluate.files import read_json, write_json

Cell = str | float | int | None


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    """None is shown as a dash."""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Series:
    """One line, or one set of bars, of a plot."""

    name: str
    x: tuple[float, ...]
    y: tuple[float | None, ...]
    """None leaves a gap."""
    low: tuple[float | None, ...] = ()
    """Lower ends of intervals, where there are any."""
    high: tuple[float | None, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A picture of some series over the same axis."""

    title: str
    kind: Literal["lines", "bars"]
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    from_zero: bool = True
    """Whether the upright axis begins at 0."""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything a report says."""

    title: str
    summary: tuple[str, ...]
    """What came out, in sentences."""
    command: str
    """The exact command that made it."""
    settings: dict[str, Any]
    warnings: tuple[str, ...] = ()
    """What a reader must know before they believe the figures: a judge that leans to one side, videos left out."""
    tables: tuple[Table, ...] = ()
    plots: tuple[Plot, ...] = ()
    failures: tuple[tuple[str, str], ...] = field(default=())
    """Videos that could not be used, with the reason."""


def write_report(path: Path, report: Report) -> None:
    """Keep a report's contents."""
    write_json(path, dataclasses.asdict(report))


def read_report(path: Path) -> Report:
    """Read a report's contents back. Raises DataFileError."""
    value = read_json(path)
    try:
        tables = tuple(
            Table(**{**table, "columns": tuple(table["columns"]), "rows": tuple(map(tuple, table["rows"]))})
            for table in value.pop("tables")
        )
        plots = tuple(
            Plot(**{**plot, "series": tuple(_series(series) for series in plot["series"])})
            for plot in value.pop("plots")
        )
        return Report(
            **{
                **value,
                "summary": tuple(value["summary"]),
                "warnings": tuple(value["warnings"]),
                "failures": tuple((video, reason) for video, reason in value["failures"]),
                "tables": tables,
                "plots": plots,
            }
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataFileError(path, f"it is not a report of an evaluation ({error!r}).") from error


def _series(value: dict[str, Any]) -> Series:
    parts: dict[str, Any] = {
        name: tuple(part) if isinstance(part, list) else part for name, part in value.items()
    }
    return Series(**parts)
