"""Replay a recorded run of the published StreamingVLM code and count where this engine differs from it.

    python -m engine.replay --model DIR --trace FILE.json.gz

Prints one JSON line: ``trace``, ``steps``, ``context_mismatches`` (steps whose kept ids or cached length
differ), ``choice_mismatches`` (tokens where the argmax after the penalty is not the recorded id),
``clear_choices`` and ``clear_mismatches`` (the same where the two likeliest recorded ids were more than 0.05 apart,
which half precision can be held to) and ``max_logit_error`` (over the recorded raw logits). Recorded ids are said
whatever this engine would have chosen, so that one near-tie cannot derail the rest.

Knows: what to compare. Does not know: the format of a trace (``engine/trace.py``).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.precision import PRECISIONS
from engine.runtime import DECODERS, RuntimeSettings
from engine.threads import share_cores
from engine.trace import Trace, TraceStep, read_trace

if TYPE_CHECKING:
    import torch

    from engine.model import LoadedModel
    from engine.session import StreamingSession

_CLEAR = 0.05  # between the two likeliest ids, after the penalty


@dataclasses.dataclass
class ReplayReport:
    """What a replay found."""

    trace: str
    steps: int = 0
    context_mismatches: int = 0
    choice_mismatches: int = 0
    clear_choices: int = 0
    clear_mismatches: int = 0
    max_logit_error: float = 0.0


def replay(model: LoadedModel, trace: Trace, runtime: RuntimeSettings | None = None) -> ReplayReport:
    """Run every step of ``trace`` on ``model`` and compare."""
    from engine.session import StreamingSession  # imported late: it loads torch

    session = StreamingSession(model, trace.settings, runtime)
    report = ReplayReport(trace=trace.name)
    for step in trace:
        _replay_step(session, step, report)
    return report


def _replay_step(session: StreamingSession, step: TraceStep, report: ReplayReport) -> None:
    choices: list[int] = []
    clear: list[bool] = []

    def compare(number: int, raw_V: torch.Tensor, penalised_V: torch.Tensor) -> None:
        choices.append(int(penalised_V.argmax()))
        clear.append(number < len(step.top_ids) and _recorded_gap(step, number, raw_V, penalised_V) > _CLEAR)
        if number < len(step.top_ids):
            recorded = raw_V.new_tensor(step.top_logits[number])
            error = (raw_V[step.top_ids[number]] - recorded).abs().max()
            report.max_logit_error = max(report.max_logit_error, float(error))

    if session.step(step.chunk, forced_ids=step.new_ids, on_scores=compare).result.token_ids != tuple(
        step.new_ids
    ):
        raise EngineError("A recorded phrase does not end as a phrase does.")
    kept = session.context.kept
    same_ids = step.context_ids is None or kept.ids == step.context_ids
    same_length = step.num_cached is None or kept.num_cached == step.num_cached
    report.context_mismatches += not (same_ids and same_length)
    wrong = [a != b for a, b in zip(choices, step.new_ids, strict=False)]
    report.choice_mismatches += sum(wrong)
    report.clear_choices += sum(clear)
    report.clear_mismatches += sum(a and b for a, b in zip(wrong, clear, strict=False))
    report.steps += 1


def _recorded_gap(step: TraceStep, number: int, raw_V: torch.Tensor, penalised_V: torch.Tensor) -> float:
    """How far apart the two likeliest recorded ids were after the penalty.

    Raw logits were recorded; which of them the penalty touched is the same here, for the contexts are.
    """
    ids = step.top_ids[number]
    touched = (penalised_V[ids] / raw_V[ids]).nan_to_num(nan=1.0).tolist()
    recorded = sorted(logit * part for logit, part in zip(step.top_logits[number], touched, strict=True))
    return float(recorded[-1] - recorded[-2])


def main(argv: Sequence[str] | None = None) -> int:
    """Command line: 0 after a replay, whatever it found; 2 for bad input."""
    cli = argparse.ArgumentParser(
        prog="python -m engine.replay",
        description="Replay a recorded run of the published StreamingVLM code and count differences.",
    )
    cli.add_argument(
        "--model", required=True, metavar="DIR", help="checkpoint folder or hub id the trace belongs to"
    )
    cli.add_argument("--trace", required=True, metavar="FILE", help="recorded run, .json.gz")
    cli.add_argument("--device", default="cpu", help="cpu (default), cuda or auto")
    cli.add_argument("--dtype", default="float32", help="float32 (default, as recorded), bfloat16 or float16")
    cli.add_argument("--precision", choices=sorted(PRECISIONS), help="how weights are stored (as the type)")
    cli.add_argument("--decoder", choices=DECODERS, default="auto", help="how tokens are run")
    args = cli.parse_args(argv)
    share_cores()
    try:
        trace = read_trace(args.trace)
        from engine.model import load_model  # imported late: bad input is told at once

        model = load_model(args.model, device=args.device, dtype=args.dtype, precision=args.precision)
        report = replay(model, trace, RuntimeSettings(decoder=args.decoder))
    except EngineError as error:
        cli.exit(2, f"{cli.prog}: {error}\n")
    sys.stdout.write(json.dumps(dataclasses.asdict(report)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
