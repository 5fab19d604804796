"""Time steps of a model on this machine.

    python -m engine.bench --size 7b --fps 2 --height 720 --width 1280 --tokens-per-step 8
    python -m engine.bench --model DIR --json
    python -m engine.bench --size demo --endurance 10800 --plot endurance.png

Fills the windows first, then measures. Prints percentiles of every phase, the least that each could take by the
ceilings measured in the same run, and, with --baseline, how much longer plain transformers takes. With --max-fps it
searches the highest rate kept up instead, and confirms it with a run whose p99 is printed.

Knows: the command line, and which measurements make up a report. Does not know: how any of them is made.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import EngineError, SettingsError
from engine.precision import PRECISIONS
from engine.runtime import ATTENTIONS, DECODERS, KERNELS, PREFILLS, PolitenessSettings, RuntimeSettings
from engine.settings import StreamSettings
from engine.sizes import SIZES
from engine.threads import share_cores

if TYPE_CHECKING:
    from engine.bench.stream import Run
    from engine.model import LoadedModel
    from engine.step import StepResult

_NUM_STEPS = 60


def main(argv: Sequence[str] | None = None) -> int:
    """Command line: 0 after a measurement, 2 for bad input."""
    cli = _parser()
    args = cli.parse_args(argv)
    for problem in _in_vain(args):
        cli.error(problem)
    args.steps = args.steps or _NUM_STEPS
    if args.slice is None:
        args.slice = PolitenessSettings().slice_ms
    share_cores()
    try:
        report = _measure(args)
    except EngineError as error:
        cli.exit(2, f"{cli.prog}: {error}\n")
    from engine.bench.report import as_table

    (sys.stderr if args.json else sys.stdout).write(as_table(report) + "\n")
    if args.json:
        sys.stdout.write(json.dumps(report) + "\n")
    return 0


def _in_vain(args: argparse.Namespace) -> Iterator[str]:
    """What was asked for and would not be done, in words."""
    alone = {
        "--fps": args.fps,
        "--baseline": args.baseline,
        "--endurance": args.endurance,
        "--lookahead": args.lookahead,
        "--live": args.live,
    }
    if args.max_fps:
        for option in (name for name, given in alone.items() if given not in (None, False)):
            yield f"--max-fps searches a rate and measures nothing else: leave {option} out, or run it by itself"
    elif args.confirm_steps:
        yield "--confirm-steps belongs to --max-fps"
    if args.plot and not args.endurance:
        yield "--plot draws an endurance run: give --endurance as well"
    if args.endurance and args.steps:
        yield "--endurance says how many steps are run: leave --steps out"
    if args.polite and args.duty < 1:
        yield "--polite finds the duty by itself: leave --duty out"
    if args.slice is not None and args.duty >= 1 and not args.polite:
        yield (
            "--slice is the work between two pauses, and there are none: give --duty below 1 or --polite as well"
        )


def _measure(args: argparse.Namespace) -> dict[str, Any]:
    import torch  # imported late: --help is quick

    from engine.bench.stream import run_stream, summary

    if args.threads:
        torch.set_num_threads(args.threads)
    model = _model(args)
    settings, runtime = _settings(args, model.settings), _runtime(args)
    resolved = model.resolve(runtime)
    if args.tune and "triton" not in (resolved.kernels, resolved.attention):
        raise SettingsError("tune", True, "no Triton kernels run here that could be tuned; leave it out")
    frame_size = (args.height, args.width)
    report: dict[str, Any] = {
        "model": model.name,
        "device": torch.cuda.get_device_name(model.device) if model.device.type == "cuda" else "cpu",
        "torch": torch.__version__,
        "dtype": str(model.dtype).removeprefix("torch."),
        "precision": args.precision or "as the type",
        "num_parameters": model.num_parameters,
        "decoder": f"{resolved.decoder}, attention {resolved.attention}, kernels {resolved.kernels}, "
        f"prefill {resolved.prefill}, graphs {resolved.graphs}",
        "frame": f"{args.width}x{args.height}",
        "fps": settings.window.fps,
        "vision_window_s": settings.window.vision_window_s,
        "steps": args.endurance or args.steps,
    }
    if args.max_fps:
        return report | {"sustained": _sustained(args, model, settings, runtime)}
    run = run_stream(
        model,
        settings,
        runtime,
        frame_size,
        num_steps=args.endurance or args.steps,
        tokens_per_step=args.tokens_per_step,
        lookahead=args.lookahead,
        live=args.live,
        on_step=_told(settings.window.chunk_s) if args.endurance else None,
    )
    report |= summary(run, settings)
    report |= _ceilings(args, model, settings, run)
    if args.baseline:
        report["baseline"] = _baseline(args, model, run, report)
    if args.endurance:
        report["endurance"] = _endurance(args, model, settings, run)
    return report


def _model(args: argparse.Namespace) -> LoadedModel:
    if args.model:
        from engine.model import load_model

        return load_model(args.model, device=args.device, dtype=args.dtype, precision=args.precision)
    from engine.bench.models import random_model

    return random_model(args.size, device=args.device, dtype=args.dtype, precision=args.precision)


def _settings(args: argparse.Namespace, settings: StreamSettings) -> StreamSettings:
    window, sampling = settings.window, settings.sampling
    if args.fps is not None:
        window = dataclasses.replace(window, fps=args.fps)
    if args.window is not None:
        window = dataclasses.replace(window, vision_window_s=args.window)
    if args.text_rounds:
        window = dataclasses.replace(window, text_rounds=args.text_rounds)
    most = max(sampling.max_new_tokens, args.tokens_per_step or 0)
    sampling = dataclasses.replace(sampling, max_new_tokens=most, seed=0)
    return dataclasses.replace(settings, window=window, sampling=sampling)


def _runtime(args: argparse.Namespace) -> RuntimeSettings:
    return RuntimeSettings(
        decoder=args.decoder,
        attention=args.attention,
        kernels=args.kernels,
        prefill=args.prefill,
        graphs=not args.no_graphs,
        tune=args.tune,
        overlap=args.overlap,
        politeness=PolitenessSettings(
            low_priority=args.polite or args.duty < 1,
            duty=None if args.polite else args.duty,
            slice_ms=args.slice,
        ),
    )


def _ceilings(
    args: argparse.Namespace, model: LoadedModel, settings: StreamSettings, run: Run
) -> dict[str, Any]:
    """The two ceilings, the least each phase could take, and the share of the ceiling that it reached."""
    from engine.bench.ceilings import measure_ceilings, needs_of
    from engine.bench.stream import tokens_run, vision_tokens

    tokens = run.results[-1].num_context_tokens
    blocks = -(-settings.window.frames_per_chunk // model.patches.temporal_patch_size)
    vision = vision_tokens(run)
    ceilings = measure_ceilings(model.device, model.dtype)
    needs = needs_of(
        model.config,
        patches=vision * model.patches.merge_size**2,
        frames=blocks,
        new_tokens=vision + 40,
        context_tokens=tokens,
        precision=args.precision or "bf16",
        bytes_a_value=model.dtype.itemsize,
    )
    floors = {f"{name}_ms": need.floor_ms(ceilings) for name, need in needs.items()}
    floors["decode_ms"] *= tokens_run(run.results)
    medians = {
        name: sorted(getattr(result.timings, name) for result in run.results)[len(run.results) // 2]
        for name in floors
    }
    return {
        "ceilings": {
            "copy_tb_per_s": round(ceilings.copy_bytes_per_s / 1e12, 3),
            "matrix_tflops": round(ceilings.matrix_flops_per_s / 1e12, 2),
        },
        "floor_ms": {name: round(value, 3) for name, value in floors.items()},
        "share_of_ceiling": {name: round(floors[name] / max(medians[name], 1e-9), 3) for name in floors},
    }


def _sustained(
    args: argparse.Namespace, model: LoadedModel, settings: StreamSettings, runtime: RuntimeSettings
) -> dict[str, Any]:
    from engine.bench.search import highest_fps

    num_confirming = args.confirm_steps or _NUM_STEPS
    found = highest_fps(
        model,
        settings,
        runtime,
        (args.height, args.width),
        num_steps=args.steps,
        num_confirming=num_confirming,
        tokens_per_step=args.tokens_per_step,
        most=args.max_fps,
        tell=lambda line: sys.stderr.write(line + "\n"),
    )
    return {
        "fps": found.fps,
        "confirm_steps": num_confirming,
        "p99_step_ms_by_fps": {str(rate): ms for rate, ms in sorted(found.p99_ms.items())},
        "searched_fps": found.searched_fps,
        "search_steps": args.steps,
        "slowest_step_ms_by_fps": {str(rate): ms for rate, ms in sorted(found.slowest_ms.items())},
    }


def _baseline(
    args: argparse.Namespace, model: LoadedModel, run: Run, report: dict[str, Any]
) -> dict[str, Any]:
    import torch  # imported late: --help is quick

    from engine.bench.baseline import Baseline
    from engine.bench.stream import made_up_chunks

    baseline = Baseline(model)
    frames = torch.from_numpy(next(made_up_chunks(run.session.settings, args.height, args.width)).frames)
    num_tokens = max(1, round(report["tokens_said_mean"]) - 1)
    steps = [baseline.step(run.session, frames, num_tokens) for _ in range(args.baseline + 1)][1:]
    middle = sorted(steps, key=lambda step: step.total_ms)[len(steps) // 2]
    taken = {name: getattr(middle, name) for name in ("vision_ms", "prefill_ms", "decode_ms", "total_ms")}
    ours = report["phases_ms"]
    return {
        **{name: round(ms, 1) for name, ms in taken.items()},
        "times_slower": {name: round(ms / max(ours[name]["p50"], 1e-9), 2) for name, ms in taken.items()},
    }


def _told(chunk_s: float) -> Callable[[int, StepResult], None]:
    """Says after every ten minutes of stream how it went: hours of figures do not wait for their end."""
    from engine.bench.endurance import Telling

    telling = Telling(chunk_s, lambda line: sys.stderr.write(line + "\n"))
    return telling.on_step


def _endurance(
    args: argparse.Namespace, model: LoadedModel, settings: StreamSettings, run: Run
) -> dict[str, Any]:
    from engine.bench.endurance import plot, stretches, verdict

    step_ms = [result.timings.total_ms for result in run.results]
    found = stretches(step_ms, run.device_bytes, settings.window.chunk_s)
    if args.plot:
        try:
            plot(found, args.plot, f"{model.name}, {model.device.type}, {len(step_ms)} steps")
        except (EngineError, OSError) as error:  # the figures of hours are worth more than their picture
            sys.stderr.write(f"The plot could not be drawn: {error}\n")
    return verdict(found, run.device_bytes)


def _parser() -> argparse.ArgumentParser:
    cli = argparse.ArgumentParser(prog="python -m engine.bench", description="Time steps of a model.")
    which = cli.add_mutually_exclusive_group(required=True)
    which.add_argument("--model", metavar="DIR", help="checkpoint folder or hub id")
    which.add_argument("--size", choices=sorted(SIZES), help="a size with random weights, made in memory")
    stream = cli.add_argument_group("the stream")
    stream.add_argument("--fps", type=float, help="frames a second (the model's own setting)")
    stream.add_argument("--height", type=_positive, default=360, help="of a frame, before resizing (360)")
    stream.add_argument("--width", type=_positive, default=640, help="of a frame, before resizing (640)")
    stream.add_argument("--window", type=float, help="vision window in seconds (the model's own setting)")
    stream.add_argument("--text-rounds", type=_positive, help="rounds of commentary that stay")
    stream.add_argument(
        "--tokens-per-step", type=_positive, help="tokens each phrase is made to have (the model's choice)"
    )
    stream.add_argument(
        "--steps",
        type=_positive,
        help=f"steps measured, at each rate of a search, windows full ({_NUM_STEPS})",
    )
    stream.add_argument("--lookahead", action="store_true", help="prepare each chunk during the one before")
    stream.add_argument("--live", action="store_true", help="a step for each second that passes, not faster")
    how = cli.add_argument_group("how it runs")
    how.add_argument("--device", default="auto", help="auto (default), cpu or cuda")
    how.add_argument("--dtype", help="float32, bfloat16 or float16 (the device's usual one)")
    how.add_argument("--precision", choices=sorted(PRECISIONS), help="how weights are stored (as the type)")
    how.add_argument("--decoder", choices=DECODERS, default="auto")
    how.add_argument("--attention", choices=ATTENTIONS, default="auto", help="of the static decoder")
    how.add_argument("--kernels", choices=KERNELS, default="auto")
    how.add_argument("--prefill", choices=PREFILLS, default="auto", help="attention of a chunk's tokens")
    how.add_argument("--no-graphs", action="store_true", help="launch every kernel")
    how.add_argument("--tune", action="store_true", help="time ways of cutting each Triton kernel first")
    how.add_argument(
        "--overlap",
        action=argparse.BooleanOptionalAction,
        help="a token's kernels may begin before the one before has ended (on Hopper they do)",
    )
    how.add_argument("--duty", type=float, default=1.0, help="share of the time to work in (1)")
    how.add_argument(
        "--polite", action="store_true", help="work in as little of the time as the stream needs to keep up"
    )
    how.add_argument("--slice", type=float, help="milliseconds of work between two pauses (1)")
    how.add_argument("--threads", type=_positive, help="CPU threads of PyTorch (its own choice)")
    what = cli.add_argument_group("what is measured")
    what.add_argument("--baseline", type=_positive, metavar="N", help="also N steps of plain transformers")
    what.add_argument("--max-fps", type=_positive, metavar="N", help="search the highest rate kept, up to N")
    what.add_argument(
        "--confirm-steps",
        type=_positive,
        metavar="N",
        help=f"steps whose p99 confirms the rate found ({_NUM_STEPS})",
    )
    what.add_argument(
        "--endurance",
        type=_positive,
        nargs="?",
        const=10_800,
        metavar="STEPS",
        help="latency and memory per ten minutes of a long stream (10800 steps)",
    )
    what.add_argument("--plot", type=Path, metavar="PNG", help="draw the endurance run")
    cli.add_argument(
        "--json",
        action="store_true",
        help="print the report as one JSON line, and the table on standard error",
    )
    return cli


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("use a number from 1 on")
    return value


if __name__ == "__main__":
    sys.exit(main())
