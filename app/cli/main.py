"""The command `ringside`: the window, `ringside caption`, `ringside narrate` and `ringside doctor`.

Knows which part of the program a command line asks for, and how errors become one line and an exit code: 2 for a
command that cannot be, 1 for one that failed, 130 for one that was interrupted.
Does not know what the commands do; each is imported when it is asked for.
"""

from __future__ import annotations

import importlib.metadata
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from app.cli import parser as parsers
from app.errors import NoDisplayError, RingsideError, UsageError

EXIT_OK, EXIT_FAILED, EXIT_BAD_USE, EXIT_INTERRUPTED = 0, 1, 2, 130

_COMMANDS = ("caption", "narrate", "doctor")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line (default: this process's) and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # What is logged is for those who ask for it; people get one line.
    logging.getLogger("ringside").addHandler(logging.NullHandler())
    try:
        return _run(arguments)
    except RingsideError as error:
        sys.stderr.write(f"ringside: {error.line}\n")
        return EXIT_BAD_USE if error.bad_use else EXIT_FAILED
    except BrokenPipeError:
        # Whoever read the output has gone. Python flushes once more at its end: into nothing, then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except SystemExit as end:  # argparse ends so after --help and --version
        return end.code if isinstance(end.code, int) else EXIT_OK


def version() -> str:
    """Ringside's version."""
    try:
        return importlib.metadata.version("ringside")
    except importlib.metadata.PackageNotFoundError:
        return "unknown (not installed)"


def _run(arguments: list[str]) -> int:
    match arguments:
        case ["caption", *rest]:
            options = parsers.caption_parser().parse_args(rest)
            from app.cli.caption import caption

            return caption(options)
        case ["narrate", *rest]:
            options = parsers.narrate_parser().parse_args(rest)
            from app.cli.narrate import narrate

            return narrate(options)
        case ["doctor", *rest]:
            options = parsers.doctor_parser().parse_args(rest)
            from app.cli.doctor import doctor

            return doctor(as_json=options.json)
        case [word, *rest] if not word.startswith("-") and Path(word).is_file():
            # How a desktop opens a video with a program.
            return _run(["--source", word, *rest])
        case [word, *_] if not word.startswith("-"):
            meant = parsers.nearest(word, _COMMANDS)
            hint = f"Did you mean: ringside {meant}" if meant else "See: ringside --help"
            raise UsageError(f"There is no command {word!r}.", hint=hint)
        case _:
            parsers.main_parser(version()).parse_args(arguments)
            return _open_window(arguments)


def _open_window(arguments: list[str]) -> int:
    from app.cli.display import require_display

    require_display()
    try:
        from app.window.main import run
    except ImportError as error:
        raise NoDisplayError(
            f"The window cannot be loaded: {error}.", hint="Find out what is missing with: ringside doctor"
        ) from error
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
