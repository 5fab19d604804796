"""`livesports`: LiveSports-3K-CC from events to a win rate against a baseline.

Knows the order of things. Knows nothing of how each is done.
"""

import argparse
import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.evaluate import livesports
from training.evaluate.commands import judging
from training.evaluate.commands.finishing import as_pairs, command_line, finish, run_share
from training.evaluate.commands.options import (
    add_api_options,
    add_judge_options,
    add_run_options,
    existing_folder,
    model_loader,
    model_name,
    stream_settings,
    weights_of,
)
from training.evaluate.files import write_json, write_rows
from training.evaluate.judge.shares import count
from training.evaluate.report.contents import Report, Table
from training.evaluate.report.votes import contest_table, sentences, warnings
from training.evaluate.shards import Shard


def add_livesports(commands: Any) -> None:
    """The command `livesports`."""
    cli = commands.add_parser(
        "livesports", help="LiveSports-3K-CC: comment on events, compare with a baseline"
    )
    cli.add_argument(
        "--events", type=Path, required=True, metavar="FILE.jsonl", help="the rows of the CC split"
    )
    cli.add_argument("--videos", type=Path, required=True, metavar="DIR", help="where the videos are")
    cli.add_argument("--baseline", type=Path, metavar="FILE.jsonl", help="the baseline's predictions")
    cli.add_argument("--baseline-name", help="how the baseline is called (its file's name)")
    add_run_options(cli)
    add_judge_options(cli, form="livesports", required=False)
    add_api_options(cli)
    cli.set_defaults(run=run_livesports)


def run_livesports(args: argparse.Namespace, argv: Sequence[str]) -> dict[str, Any] | None:
    """Run `livesports`. Returns what it prints; None in all processes but the first."""
    shard = Shard.from_environment()
    events = livesports.read_events(args.events)
    existing_folder(args.videos, "the videos")
    stream = stream_settings(args)
    works = livesports.works(events, args.videos, model_loader(args, shard), stream, args.seed)
    record = {
        "model": args.model,
        "weights": weights_of(args),
        "stream": dataclasses.asdict(stream),
        "seed": args.seed,
    }
    done = run_share(works, args.out, record, shard)
    if done is None:
        return None
    rows, failures = done
    name = model_name(args)
    predicted = livesports.predictions(events, rows)
    write_rows(args.out / "predictions.jsonl", predicted)
    summary, found_warnings, tables, settings = [], [], [], dict(record)
    votes: Mapping[str, Any] | None = None
    if args.baseline is not None and args.judge_model is not None:
        baseline_name = args.baseline_name or args.baseline.stem
        pairs, skipped = livesports.pair_up(
            events,
            livesports.read_predictions(args.out / "predictions.jsonl"),
            livesports.read_predictions(args.baseline),
        )
        hearing = asyncio.run(judging.hold(args, pairs))
        votes = {"judge": args.judge_model, **count(hearing.verdicts)}
        published = livesports.published_rows(hearing.verdicts, name, baseline_name)
        # Another form's replies are not in the words that are looked for.
        rate = livesports.win_rate(published, name) if args.judge_form == "livesports" else None
        if rate is not None:
            write_rows(args.out / "judged.jsonl", published)
        write_json(args.out / "votes.json", {**votes, "published_win_rate": rate})
        summary = sentences(votes, name, baseline_name)
        if rate is not None:
            summary.append(
                f'Win rate as published, on {len(published)} events (a reply with "Commentary A" in it is for A, else '
                f'one with "Commentary B" for B, else a tie, which is nobody\'s win): {rate:.2f}%.'
            )
        found_warnings = [*warnings(votes), *hearing.warnings]
        if skipped:
            found_warnings.append(f"{len(skipped)} events could not be compared, the first: {skipped[0]}.")
        tables = [contest_table(votes, name, baseline_name), *hearing.tables]
        settings |= {"judge": hearing.record}
    report = Report(
        title=f"LiveSports-3K-CC: {name}",
        summary=(f"{len(predicted)} of {len(events)} events commented on.", *summary),
        warnings=tuple(found_warnings),
        command=command_line(argv),
        settings=settings,
        tables=(*tables, _speech_table(name, predicted)),
        failures=as_pairs(failures),
    )
    return finish(args.out, report, events=len(predicted), votes=votes)


def _speech_table(name: str, predicted: Sequence[Mapping[str, Any]]) -> Table:
    words = [len(row["pred"].split()) for row in predicted]
    seconds = sum(row["end"] - row["begin"] for row in predicted)
    return Table(
        title="Speech",
        columns=("run", "events", "words an event", "words a second", "silent events"),
        rows=(
            (
                name,
                len(words),
                round(sum(words) / len(words), 2) if words else None,
                round(sum(words) / seconds, 2) if seconds else None,
                sum(not count for count in words),
            ),
        ),
    )
