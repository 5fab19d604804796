"""The words of the command line: options, their checks, and help that is pleasant to read.

Knows argparse. Does not know what the commands do; imports nothing heavy, so that a wrong option is told at once.
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from app.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

PRECISIONS = ("auto", "bf16", "fp8", "int8", "int4")

MAIN_EPILOG = """\
examples:
  ringside                                          open the window
  ringside caption match.mp4 --out match.srt        subtitles for a video
  ringside caption --demo --live                    the demo match, live in this terminal
  ringside narrate match.mp4 --out told.mp4         a video that tells itself
  ringside doctor                                   what this machine can do
"""

CAPTION_EPILOG = """\
examples:
  ringside caption match.mp4 --out match.srt match.vtt match.jsonl
  ringside caption match.mp4 --title "Lions - Bears. Lions in red: 7 Okafor, 9 Lind." --out match.txt
  ringside caption match.mp4 --start 12:30 --duration 60 --greedy --out minute.jsonl
  ringside caption match.mp4 --model mit-han-lab/StreamingVLM --device cuda --live
  ringside caption --source screen --out game.srt
  ringside caption --source rtsp://camera.local/stream --duration 10:00

Without --out the captions are printed. They may be wrong: a model wrote them.
"""

NARRATE_EPILOG = """\
examples:
  ringside narrate match.mp4 --out told.mp4
  ringside narrate match.mp4 --title @teams.txt --voice en-us --duck-db 15 --save-captions told.srt --out told.mp4
  ringside narrate match.mp4 --from told.srt --out told.mp4     say what stands in an edited transcript

Each phrase begins at its own time and is spoken faster where it would not fit. What is said may be wrong: a model
wrote it.
"""


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are UsageError, one line each, and whose help has headings and colour."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            **options,
            add_help=False,
            allow_abbrev=False,
            formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(
                prog, max_help_position=30, width=100
            ),
        )
        self.add_argument("-h", "--help", action="help", help="show this and exit")

    def error(self, message: str) -> NoReturn:
        """Raise UsageError in place of printing the usage."""
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", hint=f"See: {self.prog} --help")

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        """Print the help, with colour where there is a terminal."""
        if file is not None:
            file.write(self.format_help())
            return
        from rich.console import Console
        from rich.text import Text

        text = Text(self.format_help())
        text.highlight_regex(r"(?m)^(usage:|[a-z ]+:)$|^usage:", "bold")
        text.highlight_regex(r"(?<![\w-])--?[a-z][\w-]*", "cyan")
        text.highlight_regex(r"(?m)(?<=^  )ringside[^\n]*?(?=$|   )", "green")
        Console(soft_wrap=True).print(text, end="")


def main_parser(version: str) -> Parser:
    """Options of `ringside` itself, which opens the window."""
    parser = Parser(
        prog="ringside",
        description="Live commentary on a video, second by second, by a model on this machine.\n"
        "Without a command, opens the window.",
        usage="ringside [options] [VIDEO]\n       ringside caption VIDEO --out FILE\n"
        "       ringside narrate VIDEO --out FILE.mp4\n       ringside doctor",
        epilog=MAIN_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"ringside {version}")
    window = parser.add_argument_group("the window")
    window.add_argument("--autostart", action="store_true", help="start as soon as the model is there")
    window.add_argument(
        "--source", metavar="WHAT", help="a video, screen, camera:0, an address (default: as last time)"
    )
    window.add_argument("--model", help="demo, a checkpoint folder, or a hub id (default: as last time)")
    window.add_argument(
        "--device",
        type=device,
        help="auto, cpu, cuda or cuda:N: where the model runs (default: as last time)",
    )
    window.add_argument("--title", metavar="TEXT", help="what the commentator knows beforehand")
    window.add_argument("--settings", type=Path, metavar="FILE", help="keep the settings in this file")
    window.add_argument(
        "--safe-mode",
        action="store_true",
        help="usual settings, the demo model, nothing spoken or sent; your settings stay as they are",
    )
    window.add_argument("-v", "--verbose", action="store_true", help="log more")
    window.add_argument(
        "--metrics", type=Path, metavar="FILE", help="write figures about the run to this file"
    )
    return parser


def caption_parser() -> Parser:
    """Options of `ringside caption`."""
    parser = Parser(
        prog="ringside caption",
        description="Comment on a video and write what is said.",
        usage="ringside caption (VIDEO | --demo | --source WHAT) [options] [--out FILE...]",
        epilog=CAPTION_EPILOG,
    )
    what = parser.add_argument_group("what to watch")
    what.add_argument("video", nargs="?", metavar="VIDEO", help="a video file")
    what.add_argument("--demo", action="store_true", help="the demo match that ships with Ringside")
    what.add_argument(
        "--source",
        metavar="WHAT",
        help="screen, screen:2, region:LEFT,TOP,WIDTHxHEIGHT, window:TITLE, camera:0, an address, or a video",
    )
    what.add_argument("--start", type=seconds, default=0.0, metavar="TIME", help="where to start: 90 or 1:30")
    what.add_argument("--duration", type=duration, metavar="TIME", help="how much to watch (default: all)")
    what.add_argument("--fps", type=frame_rate, metavar="N", help="frames a second (default: the model's)")
    what.add_argument("--live", action="store_true", help="at the speed at which the video plays, printed")
    _add_commentator(parser)
    where = parser.add_argument_group("where to write")
    where.add_argument(
        "--out",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="caption files: .srt, .vtt, .txt or .jsonl",
    )
    where.add_argument("--times", action="store_true", help="begin each line of a .txt with its time")
    where.add_argument("-q", "--quiet", action="store_true", help="no progress and no summary")
    where.add_argument("-v", "--verbose", action="store_true", help="log what happens")
    return parser


def narrate_parser() -> Parser:
    """Options of `ringside narrate`."""
    parser = Parser(
        prog="ringside narrate",
        description="Make a video that tells itself: commentary spoken over its own, quieter sound, and subtitles.",
        usage="ringside narrate (VIDEO | --demo) [options] --out FILE.mp4",
        epilog=NARRATE_EPILOG,
    )
    what = parser.add_argument_group("what to narrate")
    what.add_argument("video", nargs="?", type=Path, metavar="VIDEO", help="a video file")
    what.add_argument("--demo", action="store_true", help="the demo match that ships with Ringside")
    what.add_argument(
        "--from",
        dest="transcript",
        type=Path,
        metavar="FILE",
        help="say what stands in this .srt, .vtt or .jsonl and watch nothing",
    )
    what.add_argument("--fps", type=frame_rate, metavar="N", help="frames a second (default: the model's)")
    _add_commentator(parser)
    how = parser.add_argument_group("how it sounds")
    how.add_argument(
        "--voice", default="", metavar="NAME", help="a voice's name or language; see --list-voices"
    )
    how.add_argument(
        "--language", default="", metavar="NAME", help="a voice of this language, where none is named"
    )
    how.add_argument("--natural", action="store_true", help="the natural voice, where it is installed")
    how.add_argument(
        "--models-folder",
        default="",
        metavar="FOLDER",
        help="where the natural voice was downloaded to (default: as chosen in the window)",
    )
    how.add_argument("--list-voices", action="store_true", help="print the voices of this machine and exit")
    how.add_argument(
        "--rate", type=percent(50, 300), default=1.0, metavar="PERCENT", help="how fast (default: 100)"
    )
    how.add_argument(
        "--volume", type=percent(0, 100), default=1.0, metavar="PERCENT", help="how loud (default: 100)"
    )
    how.add_argument(
        "--duck-db",
        type=decibels,
        default=12.0,
        metavar="DB",
        help="how much quieter the original is meanwhile (default: 12)",
    )
    how.add_argument(
        "--whole-sentences",
        action="store_true",
        help="speak sentences in one go, from the time of their first phrase",
    )
    where = parser.add_argument_group("where to write")
    where.add_argument("--out", type=Path, metavar="FILE", help="the narrated video, .mp4")
    where.add_argument(
        "--save-captions",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="also write what is said: .srt, .vtt, .txt or .jsonl",
    )
    where.add_argument("-q", "--quiet", action="store_true", help="no progress and no summary")
    where.add_argument("-v", "--verbose", action="store_true", help="log what happens")
    where.add_argument(
        "--json",
        action="store_true",
        help="progress as JSON lines for another program; the end of standard input cancels",
    )
    return parser


def _add_commentator(parser: Parser) -> None:
    who = parser.add_argument_group("who comments, and on what")
    who.add_argument("--model", default="demo", help="demo (default), a checkpoint folder, or a hub id")
    who.add_argument("--title", metavar="TEXT", help="what the commentator knows beforehand; @FILE reads it")
    who.add_argument("--query", metavar="TEXT", help="what the model is asked to do")
    who.add_argument("--greedy", action="store_true", help="always the likeliest word")
    who.add_argument("--seed", type=seed, metavar="N", help="the same words on every run")
    who.add_argument(
        "--temperature", type=above_zero(100), metavar="N", help="how freely words are picked, above 0"
    )
    who.add_argument(
        "--top-p",
        type=above_zero(1),
        metavar="N",
        help="pick among the likeliest words with this share, to 1",
    )
    who.add_argument(
        "--repetition-penalty", type=above_zero(10), metavar="N", help="above 1: fewer repeated words"
    )
    who.add_argument(
        "--name-bias",
        type=bias,
        metavar="N",
        help="how much the title's names are preferred to others, 0 (not at all) to 20",
    )
    who.add_argument(
        "--max-tokens",
        dest="max_new_tokens",
        type=num_tokens,
        metavar="N",
        help="most word pieces in a second of video",
    )
    who.add_argument("--device", type=device, default="auto", help="auto (default), cpu, cuda or cuda:N")
    who.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="auto",
        metavar="NAME",
        help=f"how exactly weights are kept: auto (default: the best that fits the GPU), {', '.join(PRECISIONS[1:])}",
    )


def doctor_parser() -> Parser:
    """Options of `ringside doctor`."""
    parser = Parser(
        prog="ringside doctor",
        description="Tell what this machine can do, what is missing, and what to do about it.",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser


def seconds(text: str) -> float:
    """A time as 90, 90.5, 1:30 or 1:02:03.5, in seconds."""
    match = re.fullmatch(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?|\.\d+)", text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write seconds, or 1:30, or 1:02:03")
    hours, minutes, rest = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + rest


def duration(text: str) -> float:
    """A time that is not 0."""
    value = seconds(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("it has to be more than 0 seconds")
    return value


def frame_rate(text: str) -> float:
    """Frames a second."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= 120:
        raise argparse.ArgumentTypeError(f"{text!r} is no frame rate; use more than 0 and at most 120")
    return value


def percent(least: int, most: int) -> Callable[[str], float]:
    """A percentage within limits, as a factor."""

    def read(text: str) -> float:
        try:
            value = float(text.removesuffix("%"))
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a percentage from {least} to {most}")
        return value / 100

    return read


def decibels(text: str) -> float:
    """By how much something is made quieter."""
    try:
        value = float(text.lower().removesuffix("db"))
    except ValueError:
        value = math.nan
    if not 0 <= value <= 60:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of decibels from 0 to 60")
    return value


def seed(text: str) -> int:
    """A seed of the sampler."""
    if not text.isdecimal() or int(text) >= 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} is no seed; use a whole number from 0")
    return int(text)


def bias(text: str) -> float:
    """A number from 0 to 20."""
    return 0.0 if text.strip() == "0" else above_zero(20)(text)


def above_zero(most: float) -> Callable[[str], float]:
    """A number above 0 and at most `most`."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 < value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0 and at most {most:g}")
        return value

    return read


def num_tokens(text: str) -> int:
    """How much may be said in one step."""
    if not text.isdecimal() or not 1 <= int(text) <= 4096:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 4096")
    return int(text)


def device(text: str) -> str:
    """Where the model runs."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no device; use auto, cpu, cuda or cuda:0")
    return text


def nearest(word: str, known: Sequence[str]) -> str:
    """The known word that was probably meant, or ""."""
    import difflib

    return next(iter(difflib.get_close_matches(word, known, n=1)), "")
