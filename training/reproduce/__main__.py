"""Command line: python -m training.reproduce [list | run | train | report]; without a command it runs and reports."""

import argparse
import dataclasses
import json
import logging
import sys
import time
from pathlib import Path

from engine import EngineError
from training.errors import TrainingError
from training.reproduce.catalogue import ROWS, SFT_KINDS, SFT_SEEDS, TABLES, pieces


def main(argv: list[str] | None = None) -> int:
    """Run one command; 0 when all of it was done, 3 when something is left or failed, 1 with a line that says why."""
    cli = argparse.ArgumentParser(prog="python -m training.reproduce", description=__doc__)
    _add_run_options(cli)
    commands = cli.add_subparsers(dest="command")
    commands.add_parser("list", help="tables and rows")
    run = commands.add_parser("run", help="stream the rows that have no result yet")
    _add_run_options(run)
    train = commands.add_parser("train", help='fine-tune the models of the table "sft"')
    train.add_argument("--out", type=Path, default=Path("runs/reproduce"))
    train.add_argument(
        "--start",
        type=Path,
        default=Path("assets/demo_model"),
        help="what all begin with; the default is the finished demo model, fine-tuned already",
    )
    train.add_argument("--kinds", nargs="+", choices=SFT_KINDS, default=list(SFT_KINDS))
    train.add_argument("--seeds", type=int, nargs="+", default=list(SFT_SEEDS))
    train.add_argument("--steps", type=int, help="optimizer steps of each run, in place of the recipe's")
    train.add_argument("--workers", type=int, help="processes that draw chunks, in place of the recipe's")
    report = commands.add_parser("report", help="write RESULTS.md and its plots from what there is")
    report.add_argument("--out", type=Path, default=Path("runs/reproduce"))
    report.add_argument("--to", type=Path, default=Path("training"), help="where RESULTS.md goes")
    args = cli.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        if args.command == "list":
            return _list()
        if args.command == "train":
            return _train(args)
        is_whole = args.command == "report" or _run(args)
        if args.command != "run":
            from training.reproduce.report import write_report

            written = write_report(args.out, args.to if args.command == "report" else args.out)
            sys.stdout.write("".join(f"{path}\n" for path in written))
    except (TrainingError, EngineError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0 if is_whole else 3


def _add_run_options(cli: argparse.ArgumentParser) -> None:
    cli.add_argument("--model", type=Path, default=Path("assets/demo_model"))
    cli.add_argument("--out", type=Path, default=Path("runs/reproduce"), help="results; finished ones stay")
    cli.add_argument("--rows", nargs="+", default=[], help="rows or tables, in order; default: all")
    cli.add_argument("--minutes", type=float, help="length of every match, in place of the tables'")
    cli.add_argument("--seeds", type=int, nargs="+", default=[], help="matches, in place of the tables'")
    cli.add_argument("--device", default="auto", help="auto, cpu or cuda")
    cli.add_argument("--jobs", type=int, default=1, help="processes that stream side by side on the device")
    cli.add_argument("--drawers", type=int, default=0, help="processes that draw frames ahead of them")
    cli.add_argument("--stop-after", type=float, help="minutes after which streams are ended and kept")


def _list() -> int:
    for table in TABLES.values():
        sys.stdout.write(f"{table.name}: {table.title}, {table.minutes:g} minutes\n")
        for name in table.rows:
            sys.stdout.write(f"  {name:22s} {ROWS[name].label}\n")
    return 0


def _run(args: argparse.Namespace) -> bool:
    from training.reproduce.results import Results
    from training.reproduce.runner import RunSettings, run
    from training.reproduce.sft_rows import train_commands

    chosen = pieces(tuple(args.rows), minutes=args.minutes, seeds=tuple(args.seeds))
    commands = train_commands(chosen, Results(args.out))
    if commands:
        sys.stderr.write("Rows are left out whose models are not trained yet. These commands train them:\n")
        sys.stderr.write("".join(f"  {command}\n" for command in commands))
    settings = RunSettings(
        model=args.model,
        out=args.out,
        device=args.device,
        num_jobs=max(1, args.jobs),
        num_drawers=max(0, args.drawers),
        deadline=None if args.stop_after is None else time.monotonic() + 60 * args.stop_after,
    )
    summary = run(chosen, settings)
    sys.stdout.write(json.dumps(dataclasses.asdict(summary)) + "\n")
    return not (summary.failed or summary.left or summary.num_cut_short)


def _train(args: argparse.Namespace) -> int:
    from training.reproduce.sft_rows import train_kind

    for seed in args.seeds:
        for kind in args.kinds:
            summary = train_kind(
                args.out,
                kind,
                seed,
                start=args.start,
                num_steps=args.steps,
                num_workers=args.workers,
            )
            sys.stdout.write(json.dumps({"kind": kind, "seed": seed, **summary}) + "\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
