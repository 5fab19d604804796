"""`report`: the pages of an evaluation set once more from its `report.json`.

Knows where a report's contents lie. Knows nothing of what is in them.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.evaluate.report.contents import read_report
from training.evaluate.report.page import write_pages


def add_report(commands: Any) -> None:
    """The command `report`."""
    cli = commands.add_parser("report", help="set the pages of an evaluation once more")
    cli.add_argument("--out", type=Path, required=True, metavar="DIR", help="the evaluation's folder")
    cli.set_defaults(run=run_report)


def run_report(args: argparse.Namespace, argv: Sequence[str]) -> dict[str, Any] | None:
    """Run `report`. Returns what it prints."""
    report = read_report(args.out / "report.json")
    return {"report": [str(path) for path in write_pages(args.out, report)]}
