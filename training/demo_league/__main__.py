"""Command line: python -m training.demo_league render | score | bench."""

import argparse
import json
import signal
import sys
from pathlib import Path
from types import FrameType

from training.errors import TrainingError

_STOPPED_EXIT = 128


def main(argv: list[str] | None = None) -> int:
    """Run one subcommand: 0 when it worked, 1 when it failed (with a line that says why), 2 when asked wrongly."""
    cli = argparse.ArgumentParser(
        prog="python -m training.demo_league", description="A simulated football league with a commentator."
    )
    commands = cli.add_subparsers(dest="command", required=True)
    render = commands.add_parser("render", help="play a match and write its video and its truth")
    render.add_argument("--seed", type=int, required=True, help="the same seed gives the same match")
    render.add_argument("--minutes", type=float, required=True, help="length of the match, break included")
    render.add_argument("--out", type=Path, required=True, metavar="FILE.mp4", help="the video to write")
    render.add_argument("--truth", type=Path, metavar="FILE.jsonl", help="events and words, as JSON lines")
    render.add_argument("--title-out", type=Path, metavar="FILE.json", help="the title, as a JSON object")
    score = commands.add_parser("score", help="compare what was said of a match with its truth")
    score.add_argument("--captions", type=Path, required=True, metavar="FILE.jsonl", help="what was said")
    score.add_argument("--truth", type=Path, required=True, metavar="FILE.jsonl", help="what render wrote")
    commands.add_parser("bench", help="how fast matches are played and drawn on one core")
    arguments = cli.parse_args(argv)
    try:
        if arguments.command == "render":
            _render(arguments)
        elif arguments.command == "score":
            _score(arguments)
        else:
            from training.demo_league.bench import bench

            sys.stdout.write(json.dumps(bench()) + "\n")
    except TrainingError as error:
        sys.stderr.write(f"{error}\n")
        return _exit_code_of(error)
    except OSError as error:
        name = "" if error.filename is None else f"{error.filename}: "
        sys.stderr.write(f"{name}{error.strerror or error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        return _STOPPED_EXIT + signal.SIGINT
    return 0


def _stop(number: int, frame: FrameType | None) -> None:
    """Leave in an orderly way, so that nothing half-written stays behind."""
    raise SystemExit(_STOPPED_EXIT + number)


def _exit_code_of(error: TrainingError) -> int:
    from training.demo_league.simulate import MatchError

    return 2 if isinstance(error, MatchError) else 1


def _render(arguments: argparse.Namespace) -> None:
    from rich.console import Console
    from rich.progress import Progress

    from training.demo_league.render import render_match

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"Rendering {arguments.out.name}", total=None)
        render_match(
            seed=arguments.seed,
            minutes=arguments.minutes,
            out=arguments.out,
            truth=arguments.truth,
            title_out=arguments.title_out,
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
        )


def _score(arguments: argparse.Namespace) -> None:
    from training.demo_league.score import score_file

    sys.stdout.write(json.dumps(score_file(arguments.captions, arguments.truth)) + "\n")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(main())
