"""`ovo`: OVO-Bench from questions to means of tasks and categories.

Knows the order of things. Knows nothing of how each is done.
"""

import argparse
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from training.evaluate.commands.finishing import as_pairs, command_line, finish, run_share
from training.evaluate.commands.options import (
    add_run_options,
    existing_folder,
    model_loader,
    model_name,
    positive,
    stream_settings,
    weights_of,
)
from training.evaluate.errors import EvaluationError
from training.evaluate.files import write_json
from training.evaluate.ovo import answering
from training.evaluate.ovo.questions import CATEGORY_OF, WORDINGS, Question, read_questions, read_wordings
from training.evaluate.ovo.scoring import intervals, means, published_choices, published_results
from training.evaluate.report.contents import Report, Table
from training.evaluate.shards import Shard


def add_ovo(commands: Any) -> None:
    """The command `ovo`."""
    cli = commands.add_parser("ovo", help="OVO-Bench: questions at a moment of a running video")
    cli.add_argument(
        "--annotations",
        type=Path,
        required=True,
        metavar="FILE",
        help="ovo_bench_new.json, or the formatted lines",
    )
    cli.add_argument("--videos", type=Path, required=True, metavar="DIR", help="where the videos are")
    cli.add_argument("--tasks", nargs="+", choices=sorted(CATEGORY_OF), help="some tasks only")
    cli.add_argument("--showing", choices=("offline", "streamed"), default="offline")
    cli.add_argument(
        "--scoring", choices=("text", "logits"), default="text", help="official text match, or option logits"
    )
    cli.add_argument("--max-frames", type=positive, default=64, help="most frames of an offline showing (64)")
    cli.add_argument(
        "--lead-s", type=float, help="a streamed showing begins so long before the question at most"
    )
    cli.add_argument(
        "--silent", action="store_true", help="streamed: keep the model silent until it is asked"
    )
    cli.add_argument(
        "--positions",
        choices=("trained", "transformers"),
        default="trained",
        help="offline: where text after a video begins, as the model was trained or as transformers 5 has it",
    )
    cli.add_argument(
        "--wordings", type=Path, metavar="FILE.json", help="other wordings (see ovo/questions.py)"
    )
    add_run_options(cli)
    cli.set_defaults(run=run_ovo)


def run_ovo(args: argparse.Namespace, argv: Sequence[str]) -> dict[str, Any] | None:
    """Run `ovo`. Returns what it prints; None in all processes but the first."""
    shard = Shard.from_environment()
    wordings = WORDINGS if args.wordings is None else read_wordings(args.wordings)
    questions = read_questions(args.annotations, wordings)
    if args.tasks:
        questions = [question for question in questions if question.task in args.tasks]
    if not questions:
        raise EvaluationError(f"{args.annotations} has no question of the tasks {args.tasks}.")
    existing_folder(args.videos, "the videos")
    settings = answering.ShowingSettings(
        stream=stream_settings(args),
        showing=args.showing,
        scoring=args.scoring,
        max_frames=args.max_frames,
        lead_s=args.lead_s,
        is_silent=args.silent,
        positions=args.positions,
        seed=args.seed,
    )
    works = answering.works(questions, args.videos, model_loader(args, shard), settings)
    record = {
        "model": args.model,
        "weights": weights_of(args),
        **dataclasses.asdict(settings),
        "wordings": dict(wordings),
    }
    done = run_share(works, args.out, record, shard)
    if done is None:
        return None
    rows, failures = done
    responses: dict[str, str | None] = {
        row["key"]: row["response"] for of_video in rows.values() for row in of_video
    }
    scores = {
        **means(questions, responses, args.scoring),
        "intervals": intervals(questions, responses, args.scoring),
    }
    write_json(args.out / "scores.json", scores)
    write_json(
        args.out / "results.json",
        published_results(questions, responses)
        if args.scoring == "text"
        else published_choices(questions, responses),
    )
    name = model_name(args)
    report = Report(
        title=f"OVO-Bench: {name}, {args.showing}, {args.scoring}",
        summary=(
            f"{len(responses)} of {len(questions)} questions answered.",
            *(
                f"{category}: {value:.2f}%{_in_brackets(scores['intervals']['categories'][category])}"
                for category, value in scores["categories"].items()
            ),
            f"total, over tasks: {scores['total']:.2f}%{_in_brackets(scores['intervals']['total'])}",
        ),
        warnings=tuple(_warnings(questions, responses)),
        command=command_line(argv),
        settings=record,
        tables=(
            _categories_table(scores),
            _tasks_table(scores),
        ),
        failures=as_pairs(failures),
    )
    return finish(args.out, report, scores=scores)


def _warnings(questions: Sequence[Question], responses: Mapping[str, str | None]) -> Iterator[str]:
    if len(responses) < len(questions):
        yield f"{len(questions) - len(responses)} questions have no answer and count as wrong."
    if len({question.video for question in questions}) == 1:
        yield "All questions are about one video, which says nothing about others: there are no intervals."


def _categories_table(scores: Mapping[str, Any]) -> Table:
    means_of = {**scores["categories"], "all tasks": scores["total"]}
    intervals_of = {**scores["intervals"]["categories"], "all tasks": scores["intervals"]["total"]}
    return Table(
        title="By category",
        columns=("category", "mean over tasks, %", "95% interval"),
        rows=tuple((name, round(mean, 2), _ends(intervals_of[name])) for name, mean in means_of.items()),
        note="Intervals are a bootstrap over videos, a dash where there is one video only.",
    )


def _tasks_table(scores: Mapping[str, Any]) -> Table:
    return Table(
        title="By task",
        columns=("task", "category", "questions", "right", "accuracy, %", "95% interval"),
        rows=tuple(
            (
                task,
                CATEGORY_OF[task],
                found["num_questions"],
                found["num_right"],
                round(found["accuracy"], 2),
                _ends(scores["intervals"]["tasks"][task]),
            )
            for task, found in scores["tasks"].items()
        ),
    )


def _ends(interval: Sequence[float] | None) -> str | None:
    return None if interval is None else f"{interval[0]:.2f} – {interval[1]:.2f}"


def _in_brackets(interval: Sequence[float] | None) -> str:
    return "" if interval is None else f" (95% interval {_ends(interval)})"
