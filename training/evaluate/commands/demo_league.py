"""`demo-league`: the whole harness on unseen matches of our own, with a judge that needs no network.

Knows the order of things. Knows nothing of how each is done.
"""

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from training.evaluate import league, streaming
from training.evaluate.commands.finishing import (
    as_pairs,
    circumstances,
    command_line,
    finish,
    refuse_short_clips,
    run_share,
)
from training.evaluate.commands.options import (
    add_run_options,
    model_loader,
    model_name,
    stream_settings,
    weights_of,
)
from training.evaluate.contest import pair_up, write_contest
from training.evaluate.files import write_json
from training.evaluate.judge.panel import hear
from training.evaluate.metadata import cut_clips
from training.evaluate.report.contents import Plot, Report, Series, Table
from training.evaluate.report.measures import NUM_FIFTHS, run_plots, run_table
from training.evaluate.report.votes import contest_table, fifths_plot, sentences, warnings
from training.evaluate.results import VideoResult, write_results
from training.evaluate.shards import Shard
from training.evaluate.work import Failure, Row


def add_demo_league(commands: Any) -> None:
    """The command `demo-league`."""
    cli = commands.add_parser(
        "demo-league", help="unseen matches of the demo league: scores by fifth and mode, latency, memory"
    )
    cli.add_argument(
        "--seeds", type=int, nargs="+", default=[77001], help="matches, none of them ever trained on"
    )
    cli.add_argument("--minutes", type=float, default=120.0, help="length of a match (120)")
    cli.add_argument(
        "--modes",
        nargs="+",
        choices=("endless", "chunks"),
        default=["endless", "chunks"],
        help="both by default",
    )
    cli.add_argument(
        "--segment-s", type=float, default=100.0, help="length of a piece in the mode chunks (100)"
    )
    cli.add_argument(
        "--clip-s", type=float, default=100.0, help="length of the clips that modes are compared on"
    )
    add_run_options(cli)
    cli.set_defaults(run=run_demo_league)


def run_demo_league(args: argparse.Namespace, argv: Sequence[str]) -> dict[str, Any] | None:
    """Run `demo-league`. Returns what it prints; None in all processes but the first."""
    refuse_short_clips(args.clip_s)
    shard = Shard.from_environment()
    seeds = list(dict.fromkeys(args.seeds))
    matches = league.matches(seeds, args.minutes, args.out / "matches")
    games = [match.game for match in matches]
    weights = weights_of(args)
    load = model_loader(args, shard)
    stream = stream_settings(args)
    rows: dict[str, Mapping[str, Sequence[Row]]] = {}
    results: dict[str, dict[str, VideoResult]] = {}
    failures: list[Failure] = []
    records: dict[str, Any] = {}
    for mode in dict.fromkeys(args.modes):
        settings = streaming.RunSettings(
            stream=stream, mode=mode, segment_s=args.segment_s, start_s=0.0, seed=args.seed
        )
        records[mode] = settings.record(args.model, weights)
        works = league.with_videos(
            streaming.works(
                games, args.out / "matches", load, settings, folder=args.out / mode, record=records[mode]
            ),
            matches,
        )
        done = run_share(works, args.out / mode, records[mode], shard)
        if done is None:
            continue
        rows[mode], failed = done
        failures += [Failure(video=f"{failure.video}, {mode}", reason=failure.reason) for failure in failed]
        results[mode] = {
            match.game.name: streaming.result_of(match.game, rows[mode][match.game.name])
            for match in matches
            if match.game.name in rows[mode]
        }
        write_results(args.out / mode / "merged_result.jsonl", results[mode].values())
    if shard.rank != 0:
        return None
    scores = {mode: league.match_scores(matches, results[mode]) for mode in results}
    summaries = {mode: league.summary(scores[mode]) for mode in scores}
    write_json(args.out / "scores.json", {"summary": summaries, "matches": scores})
    name = model_name(args)
    tables = [_scores_table(summaries), fifths_table(summaries), run_table(rows), _matches_table(scores)]
    plots = [_fifths(summaries, "event_f1"), _fifths(summaries, "name_accuracy"), *run_plots(rows)]
    said = [
        f"{mode}: event F1 {_shown(summaries[mode]['mean']['event_f1'])}, "
        f"names {_shown(summaries[mode]['mean']['name_accuracy'])}, "
        f"score {_shown(summaries[mode]['mean']['score_accuracy'])}; event F1 of the first fifth "
        f"{_shown(summaries[mode]['by_fifth']['event_f1'][0])}, of the last "
        f"{_shown(summaries[mode]['by_fifth']['event_f1'][-1])}."
        for mode in summaries
    ]
    found_warnings = [
        f"{mode}: {sentence}" for mode in rows for sentence in streaming.shortened(games, rows[mode])
    ]
    found_warnings += [
        f"{mode}: one match only stands behind these figures, which says nothing about others: there are no intervals."
        for mode in scores
        if len(scores[mode]) == 1
    ]
    if len(results) == 2:
        votes = _contest(args, matches, results)
        said += sentences(votes, "endless", "chunks")
        found_warnings += warnings(votes)
        tables.insert(1, contest_table(votes, "endless", "chunks"))
        plots.insert(0, fifths_plot(votes, "endless"))
    report = Report(
        title=f"Demo league: {name}, {len(matches)} matches of {args.minutes:g} minutes",
        summary=tuple(said),
        warnings=tuple(found_warnings),
        command=command_line(argv),
        settings={
            "seeds": seeds,
            "minutes": args.minutes,
            "modes": records,
            **circumstances({f"{mode} {video}": rows[mode][video] for mode in rows for video in rows[mode]}),
        },
        tables=tuple(tables),
        plots=tuple(plots),
        failures=as_pairs(failures),
    )
    return finish(args.out, report, scores=summaries)


def _contest(
    args: argparse.Namespace,
    matches: Sequence[league.LeagueMatch],
    results: Mapping[str, Mapping[str, VideoResult]],
) -> dict[str, Any]:
    """The modes against each other, clip by clip."""
    clips = [
        clip
        for match in matches
        for clip in cut_clips(match.game, start_s=0.0, clip_s=args.clip_s, min_words_per_s=0.0)
        if clip.words
    ]
    pairing = pair_up(clips, results["endless"], results["chunks"])
    judge = league.LeagueJudge(matches, results["endless"], results["chunks"])
    return write_contest(args.out, asyncio.run(hear(pairing.pairs, judge)), judge.name)


def _scores_table(summaries: Mapping[str, Mapping[str, Any]]) -> Table:
    return Table(
        title="Scores",
        columns=("measure", *(f"{mode}{what}" for mode in summaries for what in ("", ", 95% interval"))),
        rows=tuple(
            (
                _words(measure),
                *(cell for mode in summaries for cell in _cells(summaries[mode]["mean"][measure])),
            )
            for measure in league.MEASURES
        ),
        note="Means over matches; the interval is a bootstrap over matches, a dash where there is one match only.",
    )


def fifths_table(summaries: Mapping[str, Mapping[str, Any]]) -> Table:
    """Every measure of every mode over the fifths of the matches, from `league.summary` of each mode."""
    return Table(
        title="Scores by fifth",
        columns=("measure", "mode", *(f"fifth {fifth}" for fifth in range(1, NUM_FIFTHS + 1))),
        rows=tuple(
            (
                _words(measure),
                mode,
                *(_with_interval(fifth) for fifth in summaries[mode]["by_fifth"][measure]),
            )
            for measure in league.MEASURES
            for mode in summaries
        ),
        note="Means over matches, in brackets their 95% intervals where more than one match has something to count; a dash "
        "where none has.",
    )


def _with_interval(found: Mapping[str, Any]) -> str | None:
    mean, interval = _cells(found)
    if mean is None:
        return None
    return f"{mean:.3f}" if interval is None else f"{mean:.3f} ({interval})"


def _cells(found: Mapping[str, Any]) -> tuple[float | None, str | None]:
    interval = found["interval"]
    return found["mean"], None if interval is None else f"{interval[0]:.3f} – {interval[1]:.3f}"


def _matches_table(scores: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Table:
    measures = ("event_f1", "team_accuracy", "score_accuracy", "name_accuracy", "silence_agreement")
    return Table(
        title="By match",
        columns=("match", "mode", *(_words(measure) for measure in measures)),
        rows=tuple(
            (video.removesuffix(".mp4"), mode, *(match[measure] for measure in measures))
            for mode, of_mode in scores.items()
            for video, match in of_mode.items()
        ),
    )


def _fifths(summaries: Mapping[str, Mapping[str, Any]], measure: str) -> Plot:
    words = _words(measure)
    return Plot(
        title=f"{words[0].upper()}{words[1:]} by fifth",
        kind="lines",
        x_label="fifth of the match",
        y_label=words,
        series=tuple(
            Series(
                name=mode,
                x=tuple(range(1, NUM_FIFTHS + 1)),
                y=tuple(fifth["mean"] for fifth in fifths),
                low=tuple(fifth["interval"][0] if fifth["interval"] else None for fifth in fifths),
                high=tuple(fifth["interval"][1] if fifth["interval"] else None for fifth in fifths),
            )
            for mode in summaries
            for fifths in [summaries[mode]["by_fifth"][measure]]
        ),
    )


def _words(measure: str) -> str:
    return measure.replace("_", " ").replace("f1", "F1")


def _shown(found: Mapping[str, Any]) -> str:
    return "–" if found["mean"] is None else f"{found['mean']:.3f}"
