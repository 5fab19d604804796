"""Command line: python -m training.evaluate inf-streams | livesports | ovo | demo-league | judge | report.

Started by `accelerate launch` or `torchrun`, a command spreads its videos over their processes; the first one judges
and reports. Killed, it goes on where it was when it is started again.
"""

import argparse
import json
import logging
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from engine import EngineError
from training.errors import TrainingError
from training.evaluate.commands.demo_league import add_demo_league
from training.evaluate.commands.inf_streams import add_inf_streams, add_judge
from training.evaluate.commands.livesports import add_livesports
from training.evaluate.commands.ovo import add_ovo
from training.evaluate.commands.report import add_report

_STOPPED_EXIT = 128


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command: 0 when it worked, 1 when it failed (with a line that says why), 2 when asked wrongly."""
    words = sys.argv[1:] if argv is None else list(argv)
    cli = argparse.ArgumentParser(
        prog="python -m training.evaluate",
        description="Benchmarks of streaming commentary, one command each.",
    )
    commands = cli.add_subparsers(dest="command", required=True)
    for add in (add_inf_streams, add_livesports, add_ovo, add_demo_league, add_judge, add_report):
        add(commands)
    args = cli.parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    try:
        summary = args.run(args, words)
    except (TrainingError, EngineError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        name = "" if error.filename is None else f"{error.filename}: "
        sys.stderr.write(f"{name}{error.strerror or error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Stopped. The same command goes on from here.\n")
        return _STOPPED_EXIT + signal.SIGINT
    if summary is not None:
        sys.stdout.write(json.dumps(summary, indent=2, ensure_ascii=False) + "\n")
    return 0


def _stop(number: int, frame: FrameType | None) -> None:
    """Leave in an orderly way."""
    raise SystemExit(_STOPPED_EXIT + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(main())
