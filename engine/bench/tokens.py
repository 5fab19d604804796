"""How fast tokens are spoken over a long context, by precision and by how their kernels are run.

    python -m engine.bench.tokens --size 7b --precisions fp8 bf16 int8

For each precision one model with random weights and a full cache of random keys and values; for each way of running a
recorded decoder on it a JSON line: milliseconds a token, tokens a second, the share of the copy's rate that is reached, and
whether the logits are, to the last bit, those of the way that lets no kernel begin early. With ``--kernels`` a line for each
of the kernels that take most, too: how often it ran and how long, warm-up included.

Knows: the decoder, a cache, a clock. Does not know: vision, sessions.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import json
import logging
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

import torch

from engine.bench.ceilings import Ceilings, measure_ceilings, needs_of
from engine.bench.models import random_model
from engine.cache import StreamingCache
from engine.decoder import StaticDecoder
from engine.model import LoadedModel
from engine.rotary import RotaryTable
from engine.runtime import RuntimeSettings
from engine.sampling import Sampler
from engine.settings import SamplingSettings

NUM_TOKENS = 48
_NUM_UNTIMED = 8
_NUM_ANSWERS = 5
_NUM_PROFILED = 16


def main(argv: Sequence[str] | None = None) -> int:
    """Command line: 0 after a measurement, 1 where two ways did not agree."""
    cli = argparse.ArgumentParser(prog="python -m engine.bench.tokens", description="Tokens a second.")
    cli.add_argument("--size", default="7b", help="of the model, whose weights are random (7b)")
    cli.add_argument("--precisions", nargs="+", default=["fp8", "bf16", "int8"], help="(fp8 bf16 int8)")
    cli.add_argument(
        "--tune", nargs="*", default=[], help="of these, precisions to time tuned kernels of, too"
    )
    cli.add_argument("--context", type=int, default=12_800, help="tokens in the cache (12800)")
    cli.add_argument(
        "--kernels", type=int, default=0, metavar="N", help="show the N kernels that take most (0)"
    )
    cli.add_argument("--device", default="cuda", help="cuda (default) or cpu")
    args = cli.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    ceilings: Ceilings | None = None
    agrees = True
    for precision in args.precisions:
        model = random_model(args.size, device=args.device, precision=precision)
        ceilings = ceilings or measure_ceilings(model.device, model.dtype)
        ways = {"in turn": RuntimeSettings(overlap=False), "overlapping": RuntimeSettings(overlap=True)}
        if precision in args.tune:
            ways["overlapping, tuned"] = RuntimeSettings(overlap=True, tune=True)
        plain: torch.Tensor | None = None
        for name, runtime in ways.items():
            ms, logits_V = measure(model, runtime, args.context)
            plain = logits_V if plain is None else plain
            # Other tiles add up in another order.
            same = None if runtime.tune else bool(torch.equal(plain, logits_V))
            agrees = agrees and same is not False
            report = _report(model, precision, args.context, ms, ceilings)
            _print({"way": name, **report, "same_logits": same})
            for kernel in kernel_times(model, runtime, args.context)[: args.kernels] if args.kernels else ():
                _print({"way": name, "precision": precision, **kernel})
        del model
        if args.device == "cuda":
            torch.cuda.empty_cache()
    return 0 if agrees else 1


@torch.inference_mode()
def measure(
    model: LoadedModel,
    runtime: RuntimeSettings,
    num_context: int,
    *,
    num_answers: int = _NUM_ANSWERS,
    num_tokens: int = NUM_TOKENS,
) -> tuple[list[float], torch.Tensor]:
    """Milliseconds a token of each answer, and the logits (V,) of the last token."""
    config = model.config.text
    generator = torch.Generator(model.device).manual_seed(0)
    cache = StreamingCache(config, num_context + num_tokens, model.device, model.dtype)
    cache.length = num_context
    for store in (cache.keys, cache.rotated, cache.values):
        store.normal_(generator=generator)
    table = RotaryTable.from_angles(
        torch.rand((num_tokens, config.head_dim // 2), generator=generator, device=model.device)
    )
    first_V = torch.randn(config.vocab_size, generator=generator, device=model.device)
    sampler = Sampler(SamplingSettings(greedy=True), config.vocab_size, model.device)
    resolved = dataclasses.replace(model.resolve(runtime), decoder="static")
    decoder = StaticDecoder(model.language, cache, sampler, num_tokens, resolved)
    decoder.warm_up()
    ms: list[float] = []
    for _ in range(num_answers):
        cache.length = num_context
        decoder.begin(first_V, table, [], None)
        for number in range(num_tokens):
            decoder.take(number, is_last=number == num_tokens - 1)
            if number == _NUM_UNTIMED:
                start_s = time.perf_counter()
        ms.append(1000 * (time.perf_counter() - start_s) / (num_tokens - 1 - _NUM_UNTIMED))
        logits_V, _ = decoder.scores()
        decoder.end()
    decoder.close()
    return ms, logits_V


def kernel_times(model: LoadedModel, runtime: RuntimeSettings, num_context: int) -> list[dict[str, Any]]:
    """The kernels (on a processor, the operations) that ``measure`` ran, those first that took most in all."""
    on_gpu = model.device.type == "cuda"
    activity = torch.profiler.ProfilerActivity.CUDA if on_gpu else torch.profiler.ProfilerActivity.CPU
    with torch.profiler.profile(activities=[activity]) as profile:
        measure(model, runtime, num_context, num_answers=1, num_tokens=_NUM_PROFILED)
    times_us: dict[str, list[float]] = collections.defaultdict(list)
    for event in profile.events() or ():
        if str(event.device_type).endswith("CUDA") == on_gpu:
            times_us[event.name].append(event.time_range.elapsed_us())
    found = sorted(times_us.items(), key=lambda item: -sum(item[1]))
    return [
        {"kernel": name[:80], "times": len(us), "ms_in_all": round(sum(us) / 1000, 2), "us": _deciles(us)}
        for name, us in found
    ]


def _deciles(us: list[float]) -> dict[str, float]:
    ordered = sorted(us)
    return {f"p{share}": round(ordered[len(ordered) * share // 100], 1) for share in (10, 50, 90)}


def _print(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _report(
    model: LoadedModel, precision: str, num_context: int, ms: list[float], ceilings: Ceilings
) -> dict[str, Any]:
    needs = needs_of(
        model.config, patches=0, frames=0, new_tokens=1, context_tokens=num_context, precision=precision
    )
    median_ms = statistics.median(ms)
    return {
        "precision": precision,
        "ms_a_token": round(median_ms, 3),
        "slowest_ms": round(max(ms), 3),
        "tokens_per_s": round(1000 / median_ms, 1),
        "share_of_copy_rate": round(needs["decode"].floor_ms(ceilings) / median_ms, 3),
    }


if __name__ == "__main__":
    sys.exit(main())
