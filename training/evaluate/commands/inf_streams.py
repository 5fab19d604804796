"""`inf-streams`: Inf-Streams-Eval from games to win rates; and `judge`: two result files against each other.

Knows the order of things: comment, join, judge, report. Knows nothing of how each is done.
"""

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.evaluate import opponent, streaming
from training.evaluate.commands import judging
from training.evaluate.commands.finishing import (
    as_pairs,
    circumstances,
    command_line,
    finish,
    refuse_short_clips,
    run_share,
)
from training.evaluate.commands.options import (
    add_api_options,
    add_judge_options,
    add_run_options,
    courier,
    existing_folder,
    model_loader,
    model_name,
    prices,
    stream_settings,
    weights_of,
)
from training.evaluate.contest import Pairing, pair_up, write_contest
from training.evaluate.errors import EvaluationError
from training.evaluate.files import write_rows
from training.evaluate.metadata import Clip, Game, Repairs, clip_row, cut_clips, read_clips, read_games
from training.evaluate.report.contents import Report, Table
from training.evaluate.report.measures import run_plots, run_table
from training.evaluate.report.votes import (
    bill_table,
    changes_warning,
    contest_table,
    fifths_plot,
    games_table,
    sentences,
    warnings,
)
from training.evaluate.results import VideoResult, read_results, write_results
from training.evaluate.shards import Shard
from training.evaluate.work import Failure


def add_inf_streams(commands: Any) -> None:
    """The command `inf-streams`."""
    cli = commands.add_parser(
        "inf-streams", help="Inf-Streams-Eval: comment on whole games, compare with an opponent, report"
    )
    cli.add_argument(
        "--metadata", type=Path, required=True, metavar="FILE.jsonl", help="games: video and timed words"
    )
    cli.add_argument("--videos", type=Path, required=True, metavar="DIR", help="where the videos are")
    _add_clip_options(cli)
    cli.add_argument(
        "--mode",
        choices=("endless", "chunks"),
        default="endless",
        help="one stream a game, or a new one every --segment-s",
    )
    cli.add_argument(
        "--segment-s", type=float, default=100.0, help="length of a piece in the mode chunks (100)"
    )
    cli.add_argument(
        "--start-s", type=float, default=1000.0, help="where commentary begins (1000, as published)"
    )
    add_run_options(cli)
    against = cli.add_argument_group("opponent")
    against.add_argument("--opponent", type=Path, metavar="FILE.jsonl", help="results in the published form")
    against.add_argument("--opponent-model", metavar="NAME", help="an API model, run here on the same clips")
    against.add_argument(
        "--opponent-settings",
        choices=("same", "published"),
        default="same",
        help="same frames, title and previous words as our model (default), or the published script's poorer ones",
    )
    add_judge_options(cli, form="inf-streams", required=False)
    add_api_options(cli, with_opponent=True)
    cli.set_defaults(run=run_inf_streams)


def add_judge(commands: Any) -> None:
    """The command `judge`."""
    cli = commands.add_parser("judge", help="judge two result files on the same clips, in both orders")
    cli.add_argument("--a", type=Path, required=True, metavar="FILE.jsonl", help="results of the model")
    cli.add_argument("--b", type=Path, required=True, metavar="FILE.jsonl", help="results of its opponent")
    cli.add_argument("--a-name", default="A")
    cli.add_argument("--b-name", default="B")
    cli.add_argument("--metadata", type=Path, metavar="FILE.jsonl", help="games to cut clips from")
    _add_clip_options(cli)
    cli.add_argument("--start-s", type=float, default=1000.0, help="where the first clip begins (1000)")
    cli.add_argument("--out", type=Path, required=True, metavar="DIR", help="votes and report")
    add_judge_options(cli, form="inf-streams", required=True)
    add_api_options(cli)
    cli.set_defaults(run=run_judge)


def _add_clip_options(cli: argparse.ArgumentParser) -> None:
    cli.add_argument(
        "--clips", type=Path, metavar="FILE.jsonl", help="clips to compare on (default: the games, cut)"
    )
    cli.add_argument("--clip-s", type=float, default=100.0, help="length of the clips that are cut (100)")
    cli.add_argument(
        "--min-words-per-s", type=float, default=1.0, help="clips with fewer reference words are left out (1)"
    )


def run_inf_streams(args: argparse.Namespace, argv: Sequence[str]) -> dict[str, Any] | None:
    """Run `inf-streams`. Returns what it prints; None in all processes but the first."""
    if args.opponent is not None and args.opponent_model is not None:
        raise EvaluationError("Give --opponent or --opponent-model, not both.")
    refuse_short_clips(args.clip_s)
    shard = Shard.from_environment()
    games = read_games(args.metadata)
    existing_folder(args.videos, "the videos")
    settings = streaming.RunSettings(
        stream=stream_settings(args),
        mode=args.mode,
        segment_s=args.segment_s,
        start_s=args.start_s,
        seed=args.seed,
    )
    record = settings.record(args.model, weights_of(args))
    load = model_loader(args, shard)
    works = streaming.works(games, args.videos, load, settings, folder=args.out, record=record)
    done = run_share(works, args.out, record, shard)
    if done is None:
        return None
    rows, failures = done
    results = {game.name: streaming.result_of(game, rows[game.name]) for game in games if game.name in rows}
    write_results(args.out / "merged_result.jsonl", results.values())
    clips, repairs = _clips(args, games)
    write_rows(args.out / "clips.jsonl", [clip_row(clip) for clip in clips])
    name = model_name(args)
    runs = {f"{name}, {args.mode}": rows}
    contest = asyncio.run(_contest(args, games, clips, results, name)) if _has_opponent(args) else None
    report = Report(
        title=f"Inf-Streams-Eval: {name}, {args.mode}",
        summary=(
            f"{len(results)} of {len(games)} games commented on from second {args.start_s:g}.",
            *((contest.summary) if contest else ()),
        ),
        warnings=(*streaming.shortened(games, rows), *(contest.warnings if contest else ())),
        command=command_line(argv),
        settings={
            **record,
            **circumstances(rows, metadata=args.metadata, clips=args.clips),
            **(contest.settings if contest else {}),
        },
        tables=(
            *((contest.tables) if contest else ()),
            *((run_table(runs),) if results else ()),
            _repairs_table(repairs),
        ),
        plots=(*((contest.plots) if contest else ()), *(run_plots(runs) if results else ())),
        failures=(*as_pairs(failures), *(contest.failures if contest else ())),
    )
    return finish(args.out, report, games=len(results), votes=contest.votes if contest else None)


def run_judge(args: argparse.Namespace, argv: Sequence[str]) -> dict[str, Any] | None:
    """Run `judge`. Returns what it prints; None in all processes but the first."""
    if Shard.from_environment().rank != 0:
        return None
    refuse_short_clips(args.clip_s)
    games = read_games(args.metadata) if args.metadata is not None else []
    clips, repairs = _clips(args, games)
    if not clips:
        raise EvaluationError(
            "There are no clips to judge on: give --clips, or --metadata with longer games."
        )
    pairing = pair_up(clips, read_results(args.a), read_results(args.b))
    outcome = asyncio.run(_judged(args, pairing, args.a_name, args.b_name))
    report = Report(
        title=f"{args.a_name} against {args.b_name}",
        summary=tuple(outcome.summary),
        warnings=tuple(outcome.warnings),
        command=command_line(argv),
        settings=outcome.settings,
        tables=(*outcome.tables, _repairs_table(repairs)),
        plots=tuple(outcome.plots),
        failures=tuple(outcome.failures),
    )
    return finish(args.out, report, votes=outcome.votes)


class _Outcome:
    """What a contest adds to a report."""

    def __init__(self, votes: dict[str, Any] | None, settings: dict[str, Any]) -> None:
        self.votes = votes
        self.settings = settings
        self.summary: list[str] = []
        self.warnings: list[str] = []
        self.tables: list[Table] = []
        self.plots: list[Any] = []
        self.failures: list[tuple[str, str]] = []


def _has_opponent(args: argparse.Namespace) -> bool:
    return args.opponent is not None or args.opponent_model is not None


async def _contest(
    args: argparse.Namespace,
    games: Sequence[Game],
    clips: Sequence[Clip],
    results: Mapping[str, VideoResult],
    name: str,
) -> _Outcome:
    """Bring the opponent's commentary, and judge it if a judge was named."""
    without: dict[str, str] = {}
    missing: list[Failure] = []
    settings: dict[str, Any] = {}
    notes: list[str] = []
    tables: list[Table] = []
    if args.opponent is not None:
        against, b_name = read_results(args.opponent), args.opponent.parent.name or args.opponent.stem
        settings["opponent"] = {"results": str(args.opponent)}
    else:
        stream = stream_settings(args)
        shown = opponent.opponent_settings(args.opponent_settings, stream)
        by_name = {game.name: game for game in games}
        b_name = args.opponent_model
        async with courier(args, to_opponent=True) as api:
            against, missing = await opponent.comment_on_clips(
                [clip for clip in clips if clip.name in results],
                args.videos,
                api,
                b_name,
                shown,
                lambda clip: streaming.previous_text(by_name[clip.name], clip.start_s, stream),
                args.opponent_body,
            )
        without = {failure.video: failure.reason for failure in missing}
        bill = api.bill.row(*prices(args, of_opponent=True))
        settings["opponent"] = {
            **opponent.record(shown, b_name),
            "url": api.settings.url,
            "extra": args.opponent_body,
            "changes": sorted(api.changes),
            "bill": bill,
        }
        notes = [opponent.knowledge(shown, args.mode, name, b_name), *changes_warning(b_name, api.changes)]
        tables = [bill_table(bill, "the opponent", "--opponent-price-in and --opponent-price-out")]
        write_results(args.out / "opponent" / "merged_result.jsonl", against.values())
    pairing = pair_up(clips, results, against, without=without)
    if args.judge_model is None:
        outcome = _Outcome(None, settings)
        outcome.summary = [f"{len(pairing.pairs)} clips can be judged; no judge was named (--judge-model)."]
        outcome.tables = _skipped_tables(pairing)
    else:
        outcome = await _judged(args, pairing, name, b_name)
        outcome.settings = {**settings, **outcome.settings}
    outcome.warnings += notes
    outcome.tables += tables
    outcome.failures += as_pairs(missing)
    return outcome


async def _judged(args: argparse.Namespace, pairing: Pairing, a_name: str, b_name: str) -> _Outcome:
    hearing = await judging.hold(args, pairing.pairs)
    votes = write_contest(args.out, hearing.verdicts, args.judge_model)
    outcome = _Outcome(votes, {"judge": hearing.record})
    outcome.summary = sentences(votes, a_name, b_name)
    outcome.warnings = [*warnings(votes), *hearing.warnings]
    if pairing.skipped:
        outcome.warnings.append(
            f"{len(pairing.skipped)} clips could not be compared, the first: {pairing.skipped[0]}. The report names all."
        )
    outcome.tables = [contest_table(votes, a_name, b_name), games_table(votes), *hearing.tables]
    outcome.tables += _skipped_tables(pairing)
    outcome.plots = [fifths_plot(votes, a_name)]
    return outcome


def _skipped_tables(pairing: Pairing) -> list[Table]:
    if not pairing.skipped:
        return []
    rows = tuple((line,) for line in pairing.skipped)
    return [Table(title="Clips that could not be compared", columns=("clip, and why",), rows=rows)]


def _clips(args: argparse.Namespace, games: Sequence[Game]) -> tuple[list[Clip], Repairs]:
    repairs = sum((game.repairs for game in games), Repairs())
    if args.clips is not None:
        clips, of_clips = read_clips(args.clips)
        return clips, repairs + of_clips
    clips = [
        clip
        for game in games
        for clip in cut_clips(
            game, start_s=args.start_s, clip_s=args.clip_s, min_words_per_s=args.min_words_per_s
        )
    ]
    return clips, repairs


def _repairs_table(repairs: Repairs) -> Table:
    return Table(
        title="Repairs of the metadata",
        columns=("what", "words"),
        rows=tuple((name.removeprefix("num_").replace("_", " "), n) for name, n in asdict(repairs).items()),
    )
