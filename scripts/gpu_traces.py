"""Replay the recorded runs in float32 and in every kind of half and smaller precision; one line each.

    python scripts/gpu_traces.py [cuda|cpu]

"rounded" computes in float32 with weights that were rounded to bfloat16: what no computation with such weights can avoid.
"""

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

WAYS = (("float32", None), ("rounded", None), ("bfloat16", None), ("bfloat16", "fp8"), ("bfloat16", "int8"))


def main() -> int:
    """0 if float32 and bfloat16 are held to what was recorded."""
    device = sys.argv[1] if len(sys.argv) > 1 else "cuda"
    failed = False
    for name in RECORDED:
        meta = trace_values(name)["meta"]
        with tempfile.TemporaryDirectory() as folder:
            write_trace_checkpoint(Path(folder), meta["seed"], meta["end_scale"])
            trace = read_trace(TRACES / f"{name}.json.gz")
            for dtype, precision in WAYS:
                kind = "float32" if dtype == "rounded" else dtype
                model = load_model(folder, device=device, dtype=kind, precision=precision)
                if dtype == "rounded":
                    for part in (model.language, model.vision):
                        for weight in part.parameters():
                            weight.data = weight.data.bfloat16().float()
                report = replay(model, trace, RuntimeSettings())
                sys.stdout.write(f"{dtype} {precision or ''} {json.dumps(dataclasses.asdict(report))}\n")
                if precision is None and dtype != "rounded":
                    failed |= report.context_mismatches > 0
                    failed |= report.clear_mismatches > 0.01 * report.clear_choices
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
