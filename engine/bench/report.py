"""A report as a table for people.

Knows: what a report holds and in what order to show it. Does not know: how it was measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def as_table(report: dict[str, Any]) -> str:
    """Lines of names and values; percentiles in columns, ratios to the baseline at the end."""
    return "\n".join(_lines(report))


def _lines(report: dict[str, Any]) -> Iterator[str]:
    for name, value in report.items():
        if not isinstance(value, dict):
            yield f"{name:>28}  {value}"
    floors, ratios = report.get("floor_ms", {}), report.get("baseline", {}).get("times_slower", {})
    if "phases_ms" in report:
        yield f"{'phase':>28}  {'p50 ms':>9} {'p95 ms':>9} {'p99 ms':>9} {'floor ms':>9} {'baseline':>9}"
        for name, ms in report["phases_ms"].items():
            floor, ratio = floors.get(name), ratios.get(name)
            yield (
                f"{name:>28}  {ms['p50']:9.2f} {ms['p95']:9.2f} {ms['p99']:9.2f}"
                f" {'' if floor is None else format(floor, '.2f'):>9}"
                f" {'' if ratio is None else format(ratio, '.1f') + 'x':>9}"
            )
    for group in ("ceilings", "share_of_ceiling", "sustained", "baseline", "endurance"):
        for name, value in report.get(group, {}).items():
            yield f"{group + '.' + name:>28}  {value}"
