"""Command line: python -m training.demo_model train | average | probe | evaluate | publish."""

import argparse
import dataclasses
import json
import logging
import sys
import time
from pathlib import Path
from typing import Any, get_args

from engine.precision import PRECISIONS
from training.demo_model.drills import Telling
from training.errors import TrainingError


def main(argv: list[str] | None = None) -> int:
    """Run one subcommand; 0 when it worked, 1 when it failed with a line that says why."""
    cli = argparse.ArgumentParser(prog="python -m training.demo_model", description=__doc__)
    commands = cli.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train, or go on training, for some minutes")
    train.add_argument("--out", type=Path, required=True, help="the run's folder")
    train.add_argument(
        "--minutes",
        type=float,
        help="stop and save after this long, all stages together (default: until all steps are done)",
    )
    train.add_argument("--steps", type=int, default=4000, help="optimizer steps in the whole run")
    train.add_argument("--from", dest="start_from", type=Path, help="begin with this model's weights")
    train.add_argument(
        "--squads-minutes", type=float, help="first learn look-ups without pictures, for so long at most"
    )
    train.add_argument(
        "--squads-batch", type=int, default=512, help="text-only chunks to a step of that stage"
    )
    train.add_argument("--read", type=float, help="share of chunks in which the picture is read aloud")
    train.add_argument(
        "--say", type=float, help="share of chunks that say in sentences what the picture shows"
    )
    train.add_argument("--batch", type=int, help="chunks to an optimizer step")
    train.add_argument("--device-batch", type=int, help="chunks on the GPU at a time")
    train.add_argument("--learning-rate", type=float)
    train.add_argument("--decay-share", type=float, help="share of the steps over which the rate falls to 0")
    train.add_argument("--workers", type=int, help="processes that play and draw matches")
    train.add_argument("--no-compile", action="store_true", help="do not compile the layers")
    train.add_argument("--log-every", type=int, default=20, help="steps between lines of the log")
    average = commands.add_parser("average", help="the mean of the weights of several pieces of a run")
    average.add_argument(
        "--runs", type=Path, nargs="+", required=True, help="their folders, the last one last"
    )
    average.add_argument("--out", type=Path, required=True, help="the folder of the mean, as a run's")
    probe = commands.add_parser("probe", help="which kinds of words of unseen commentary a model gets right")
    probe.add_argument("--model", type=Path, required=True)
    probe.add_argument("--chunks", type=int, default=24)
    probe.add_argument("--telling", choices=get_args(Telling), default="commentary")
    evaluate = commands.add_parser(
        "evaluate", help="stream unseen matches through the engine and score what is said"
    )
    evaluate.add_argument("--model", type=Path, required=True)
    evaluate.add_argument("--seeds", type=int, nargs="+", default=[9001, 9002, 9003])
    evaluate.add_argument("--minutes", type=float, default=10.0)
    evaluate.add_argument("--device", default="cpu")
    evaluate.add_argument(
        "--sample", action="store_true", help="sample as the model's settings say, instead of greedy"
    )
    evaluate.add_argument(
        "--precision",
        choices=sorted(PRECISIONS),
        help="how the weights are kept (default: as the device has them)",
    )
    evaluate.add_argument(
        "--name-bias",
        type=float,
        metavar="LOGITS",
        help="how much to lean towards the title's names (default: the model's settings)",
    )
    evaluate.add_argument(
        "--from-scores",
        type=_score,
        nargs="+",
        default=[(0, 0)],
        metavar="HOME:AWAY",
        help="what the matches begin at, in turn (0:0); short matches from nil all never have most scores",
    )
    evaluate.add_argument("--out", type=Path, help="write captions, truth and scores here")
    throughput = commands.add_parser("throughput", help="how fast chunks are made, and learnt by this GPU")
    throughput.add_argument("--out", type=Path, required=True, help="a run's folder, for its tokenizer")
    throughput.add_argument("--workers", type=int, default=15)
    throughput.add_argument("--device-batch", type=int, default=32)
    publish = commands.add_parser("publish", help="write a model, its card and its loss curve to a folder")
    publish.add_argument("--runs", type=Path, nargs="+", required=True, help="run folders in order")
    publish.add_argument(
        "--before", type=Path, help="the published folder that they began with (it may be --out itself)"
    )
    publish.add_argument("--scores", type=Path, required=True, help="what evaluate wrote")
    publish.add_argument("--out", type=Path, default=Path("assets/demo_model"))
    args = cli.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        if args.command == "train":
            summary = _train(args)
        elif args.command == "average":
            from training.demo_model.average import average_runs

            summary = average_runs(args.runs, args.out)
        elif args.command == "probe":
            from training.demo_model.probe import probe as probe_words

            summary = dict(probe_words(args.model, num_chunks=args.chunks, telling=args.telling))
        elif args.command == "evaluate":
            from training.demo_model.evaluate import evaluate_seeds

            summary = evaluate_seeds(
                args.model,
                args.seeds,
                minutes=args.minutes,
                device=args.device,
                greedy=not args.sample,
                precision=args.precision,
                name_bias=args.name_bias,
                initial_scores=args.from_scores,
                out=args.out,
            )
        elif args.command == "throughput":
            summary = _throughput(args)
        else:
            from training.demo_model.publish import publish_runs

            summary = publish_runs(args.runs, args.scores, args.out, before=args.before)
    except TrainingError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(summary, indent=2) + "\n")
    return 0


def _score(text: str) -> tuple[int, int]:
    """Of "2:7", 2 and 7. Raises ValueError for what is no score."""
    home, away = (int(goals) for goals in text.split(":"))
    return home, away


def _train(args: argparse.Namespace) -> dict[str, object]:
    from training.demo_model.match_chunks import MatchSettings
    from training.demo_model.recipe import demo
    from training.demo_model.train import learn_squads, run

    settings = demo(num_steps=args.steps)
    optimizer = dataclasses.replace(
        settings.optimizer,
        **_given(batch_chunks=args.batch, learning_rate=args.learning_rate, decay_share=args.decay_share),
    )
    settings = dataclasses.replace(
        settings,
        optimizer=optimizer,
        compile_layers=settings.compile_layers and not args.no_compile,
        **_given(device_batch_chunks=args.device_batch, num_workers=args.workers),
    )
    matches = MatchSettings(**_given(read_share=args.read, say_share=args.say))
    started, minutes = time.monotonic(), args.minutes
    start_from, summary = args.start_from, {}
    if args.squads_minutes is not None:
        summary["squads"] = learn_squads(
            args.out,
            settings,
            minutes=args.squads_minutes,
            batch_chunks=args.squads_batch,
            start_from=start_from,
        )
        start_from = args.out / "squads" / "model"
        if minutes is not None:
            minutes -= (time.monotonic() - started) / 60
    piece = run(args.out, settings, matches, minutes=minutes, start_from=start_from, log_every=args.log_every)
    return {**summary, **piece}


def _throughput(args: argparse.Namespace) -> dict[str, object]:
    from training.demo_model.recipe import demo
    from training.demo_model.throughput import chunks_per_s, learning_rate_of
    from training.demo_model.train import tokenizer_for

    settings = dataclasses.replace(demo(), device_batch_chunks=args.device_batch, num_workers=args.workers)
    tokenizer = tokenizer_for(args.out, seed=settings.seed)
    made, batch = chunks_per_s(tokenizer, settings, seconds=20)
    learnt = {
        "compiled" if compiled else "eager": learning_rate_of(tokenizer, batch, compile_layers=compiled)
        for compiled in (False, True)
    }
    return {"chunks_made_per_s": round(made, 1), "chunks_learnt_per_s": learnt}


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


if __name__ == "__main__":
    sys.exit(main())
