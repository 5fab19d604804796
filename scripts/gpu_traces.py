"""Replay the recorded runs on a CUDA GPU, in float32 and in every kind of half and smaller precision; one line each."""

from __future__ import annotations

import dataclasses
import json
import sys
import tempfile
from pathlib import Path

from engine.model import load_model
from engine.replay import replay
from engine.runtime import RuntimeSettings
from engine.trace import read_trace
from tests.engine.checkpoints import write_trace_checkpoint
from tests.engine.test_replay import RECORDED, TRACES, trace_values

WAYS = (("float32", None), ("bfloat16", None), ("bfloat16", "fp8"), ("bfloat16", "int8"))


def main() -> int:
    """0 if float32 and bfloat16 are held to what was recorded."""
    failed = False
    for name in RECORDED:
        meta = trace_values(name)["meta"]
        with tempfile.TemporaryDirectory() as folder:
            write_trace_checkpoint(Path(folder), meta["seed"], meta["end_scale"])
            trace = read_trace(TRACES / f"{name}.json.gz")
            for dtype, precision in WAYS:
                model = load_model(folder, device="cuda", dtype=dtype, precision=precision)
                report = replay(model, trace, RuntimeSettings())
                sys.stdout.write(f"{dtype} {precision or ''} {json.dumps(dataclasses.asdict(report))}\n")
                if precision is None:
                    failed |= report.context_mismatches > 0
                    failed |= report.clear_mismatches > 0.01 * report.clear_choices
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
