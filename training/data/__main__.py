"""Command line: python -m training.data index | transcribe | edit | cut | select | validate | stats | convert.

Each command goes on where it was stopped and prints what it did as one JSON object. Exit code 0: everything that could be
done is done (skipped videos are named); 3: something failed that may work next time; 1: a message says why.
"""

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from training.data.asking import Asker
from training.data.manifest import Manifest
from training.data.steps import StepReport
from training.errors import TrainingError
from training.evaluate.judge.courier import ApiSettings, Courier
from training.sft.annotation import CutSettings

_FAILED_EXIT, _INTERRUPTED_EXIT = 3, 130


def main(argv: list[str] | None = None) -> int:
    """Run one command."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        command: Callable[[argparse.Namespace], dict[str, Any]] = arguments.run
        report = command(arguments)
    except TrainingError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Stopped. The same command goes on from here.\n")
        return _INTERRUPTED_EXIT
    sys.stdout.write(json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    if report.get("lost"):
        sys.stderr.write(
            f"Nothing is left of {', '.join(report['lost'])}: no chunk of it can be trained on (see left_out and problems). "
            "Nothing was written. Videos that have moved are found again by index, and cut writes their chunks anew.\n"
        )
        return 1
    return _FAILED_EXIT if report.get("failed") else 0


def _parser() -> argparse.ArgumentParser:
    cli = argparse.ArgumentParser(
        prog="python -m training.data", description="From videos to training chunks."
    )
    commands = cli.add_subparsers(dest="command", required=True)
    index = _command(commands, "index", _index, "find videos, or download a list of links", parallel=8)
    source = index.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--videos", type=Path, metavar="FOLDER", help="a folder of videos, searched all through"
    )
    source.add_argument("--links", type=Path, metavar="FILE", help="a link a line, for yt-dlp (extra: data)")
    index.add_argument(
        "--format", default="bv*[height<=720]+ba/b[height<=720]/b", help="yt-dlp's choice of format"
    )

    words = _command(commands, "transcribe", _transcribe, "words with their times", parallel=2)
    door = words.add_mutually_exclusive_group(required=True)
    door.add_argument(
        "--whisperx", type=Path, metavar="FOLDER", help="WhisperX JSON files with the videos' names"
    )
    door.add_argument(
        "--games", type=Path, metavar="FILE.jsonl", help="games in the form of Inf-Streams-Eval"
    )
    door.add_argument(
        "--model", help="a faster-whisper model or its folder (extra: transcribe), e.g. large-v3-turbo"
    )
    words.add_argument("--device", default="auto", help="for --model: auto, cpu or cuda")
    words.add_argument("--compute-type", default="default", help="for --model: e.g. float16, int8")
    words.add_argument("--language", help="for --model: e.g. en; found out where it is not given")

    editing = _command(commands, "edit", _edit, "a language model corrects and clears the words", parallel=4)
    _llm_arguments(editing)
    editing.add_argument("--window", type=float, default=120.0, metavar="S", help="seconds shown at once")
    editing.add_argument("--instructions", type=Path, metavar="FILE", help="another system message")

    cutting = _command(commands, "cut", _cut, "chunks, 24 s long and 12 s apart", parallel=4)
    cutting.add_argument("--source", choices=("edit", "transcribe"), default="edit", help="which words")
    cutting.add_argument("--chunk", type=float, default=24.0, metavar="S", help="length of a chunk")
    cutting.add_argument("--stride", type=float, default=12.0, metavar="S", help="from one chunk to the next")
    cutting.add_argument("--min-words", type=float, default=2.0, metavar="N", help="words a second, at least")

    selecting = _command(commands, "select", _select, "the annealing subset: what is visible", parallel=4)
    _llm_arguments(selecting)
    selecting.add_argument(
        "--min-share", type=float, default=0.8, help="least share of words on what is visible"
    )
    selecting.add_argument("--max-chunks", type=int, metavar="N", help="at most so many, the best ones")
    selecting.add_argument("--instructions", type=Path, metavar="FILE", help="another system message")

    validating = _command(
        commands, "validate", _validate, "check annotation files and their videos", parallel=2
    )
    validating.add_argument(
        "--annotations", type=Path, metavar="FILE.jsonl", help="a published file, not this OUT's"
    )
    validating.add_argument(
        "--videos", type=Path, metavar="FOLDER", help="where that file's video names start from"
    )
    validating.add_argument(
        "--decode", choices=("ends", "keyframes", "all"), default="keyframes", help="how much of each video"
    )

    stats = _command(commands, "stats", _stats, "count and plot", parallel=None)
    _price_arguments(stats)

    convert = commands.add_parser("convert", help="between the published forms, broken lines counted")
    convert.add_argument("source", type=Path, metavar="IN")
    convert.add_argument("target", type=Path, metavar="OUT")
    convert.add_argument(
        "--form",
        choices=("inf-streams", "live-whisperx", "games", "livesports"),
        required=True,
        help="of what is written: the two chunk forms are read into each other",
    )
    convert.add_argument("--no-seeks", action="store_true", help="without the seek index in the last line")
    convert.set_defaults(run=_convert)
    return cli


def _command(
    commands: Any,
    name: str,
    run: Callable[[argparse.Namespace], dict[str, Any]],
    help_text: str,
    *,
    parallel: int | None,
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help_text)
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="the workspace with the manifest"
    )
    if parallel is not None:
        parser.add_argument(
            "--parallel", type=int, default=parallel, metavar="N", help="videos at the same time"
        )
    parser.set_defaults(run=run)
    return parser


def _llm_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--url", required=True, help="an OpenAI-compatible address, such as http://localhost:8000/v1"
    )
    parser.add_argument("--model", required=True, help="the language model's name")
    parser.add_argument(
        "--key-variable", default="OPENAI_API_KEY", help="environment variable that holds the key"
    )
    parser.add_argument("--requests", type=int, default=8, metavar="N", help="requests at the same time")
    parser.add_argument(
        "--tries", type=int, default=10, metavar="N", help="tries of a request while the server fails"
    )
    parser.add_argument(
        "--first-wait", type=float, default=1.0, metavar="S", help="before the second try; doubles"
    )
    parser.add_argument(
        "--extra", type=json.loads, default={}, metavar="JSON", help="entries of the request's body"
    )
    _price_arguments(parser)


def _price_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--price-in", type=float, default=0.0, help="of a million tokens read")
    parser.add_argument("--price-out", type=float, default=0.0, help="of a million tokens written")


def _index(arguments: argparse.Namespace) -> dict[str, Any]:
    from training.data.index import index_folder, index_links

    with Manifest(arguments.out) as manifest:
        if arguments.links is not None:
            report = index_links(
                manifest, arguments.links, num_parallel=arguments.parallel, format_choice=arguments.format
            )
        else:
            report = index_folder(manifest, arguments.videos, num_parallel=arguments.parallel)
    return report.row()


def _transcribe(arguments: argparse.Namespace) -> dict[str, Any]:
    from training.data.published import tally
    from training.data.transcribe import FasterWhisper, GamesFile, Transcriber, WhisperXFolder, transcribe

    with Manifest(arguments.out) as manifest:
        rows = manifest.done("index").values()
        transcriber: Transcriber
        more: dict[str, Any] = {}
        if arguments.whisperx is not None:
            transcriber = WhisperXFolder(arguments.whisperx, rows)
        elif arguments.games is not None:
            transcriber = games = GamesFile(arguments.games, rows)
            more["broken_lines"] = tally(games.problems)
        else:
            transcriber = FasterWhisper(
                arguments.model,
                device=arguments.device,
                compute_type=arguments.compute_type,
                language=arguments.language,
                num_workers=arguments.parallel,
            )
        return {**transcribe(manifest, transcriber, num_parallel=arguments.parallel).row(), **more}


def _edit(arguments: argparse.Namespace) -> dict[str, Any]:
    from training.data.edit import SYSTEM, EditSettings, edit

    settings = EditSettings(window_s=arguments.window, instructions=_instructions(arguments, SYSTEM))
    with Manifest(arguments.out) as manifest:
        return _with_llm(
            manifest,
            arguments,
            lambda asker: edit(manifest, asker, settings, num_parallel=arguments.parallel),
        )


def _cut(arguments: argparse.Namespace) -> dict[str, Any]:
    from training.data.cutting import cut_all

    settings = CutSettings(
        chunk_s=arguments.chunk, stride_s=arguments.stride, min_words_per_s=arguments.min_words
    )
    with Manifest(arguments.out) as manifest:
        return cut_all(manifest, settings, source=arguments.source, num_parallel=arguments.parallel).row()


def _select(arguments: argparse.Namespace) -> dict[str, Any]:
    from training.data.selection import SYSTEM, SelectSettings, select

    settings = SelectSettings(
        min_share=arguments.min_share,
        max_chunks=arguments.max_chunks,
        instructions=_instructions(arguments, SYSTEM),
    )
    num_chosen = 0

    async def run(asker: Asker) -> StepReport:
        nonlocal num_chosen
        report, num_chosen = await select(manifest, asker, settings, num_parallel=arguments.parallel)
        return report

    with Manifest(arguments.out) as manifest:
        return {**_with_llm(manifest, arguments, run), "chosen": num_chosen}


def _validate(arguments: argparse.Namespace) -> dict[str, Any]:
    from training.data.validate import validate

    out, published = arguments.out, arguments.annotations
    with Manifest(out) as manifest:
        if published is not None:
            files = {published: out / published.name}
        else:
            own = [out / name for name in ("train.jsonl", "annealing.jsonl")]
            files = {path: path for path in own if path.exists()}
            if not files:
                raise TrainingError(f"There is no train.jsonl in {out} to check. Run cut first.")
        report, found = validate(
            manifest,
            files,
            videos=out if published is None else arguments.videos or published.parent,
            mode=arguments.decode,
            num_parallel=arguments.parallel,
        )
    return {
        **report.row(),
        "files": [file.row() for file in found],
        "lost": [file.file for file in found if file.is_lost],
    }


def _stats(arguments: argparse.Namespace) -> dict[str, Any]:
    from training.data.plots import draw
    from training.data.statistics import gather

    with Manifest(arguments.out) as manifest:
        statistics = gather(manifest, price_in=arguments.price_in, price_out=arguments.price_out)
        return {**statistics, "plots": [path.name for path in draw(manifest, statistics)]}


def _convert(arguments: argparse.Namespace) -> dict[str, Any]:
    from training.data import published
    from training.sft.annotation import Chunk

    problems: list[published.LineProblem] = []
    if arguments.form == "games":
        games, problems = published.read_games(arguments.source)
        number = published.write_games(arguments.target, games)
    elif arguments.form == "livesports":
        events, problems = published.read_events(arguments.source)
        published.write_events(arguments.target, events)
        number = len(events)
    else:

        def chunks() -> Any:
            for entry in published.read_chunks(arguments.source):
                if isinstance(entry, Chunk):
                    yield entry
                else:
                    problems.append(entry)

        number = published.write_chunks(
            arguments.target, chunks(), form=arguments.form, seeks=not arguments.no_seeks
        )
    return {"written": number, "problems": published.tally(problems)}


def _instructions(arguments: argparse.Namespace, default: str) -> str:
    if arguments.instructions is None:
        return default
    try:
        return str(arguments.instructions.read_text(encoding="utf-8"))
    except OSError as error:
        raise TrainingError(f"{arguments.instructions} can't be read: {error.strerror}.") from error


def _with_llm(
    manifest: Manifest,
    arguments: argparse.Namespace,
    work: Callable[[Asker], Coroutine[Any, Any, StepReport]],
) -> dict[str, Any]:
    settings = ApiSettings(
        url=arguments.url,
        cache=str(manifest.folder / "answers"),
        key_variable=arguments.key_variable,
        num_parallel=arguments.requests,
        num_tries=arguments.tries,
        first_wait_s=arguments.first_wait,
    )

    async def run() -> tuple[StepReport, Mapping[str, Any]]:
        async with Courier(settings) as courier:
            report = await work(Asker(courier, arguments.model, arguments.extra))
        return report, courier.bill.row(arguments.price_in, arguments.price_out)

    report, bill = asyncio.run(run())
    return {**report.row(), "bill": bill}


if __name__ == "__main__":
    sys.exit(main())
