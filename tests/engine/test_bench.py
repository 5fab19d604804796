"""The benchmark reports what it says it does. Its figures are not asserted: that is what running it is for."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from engine import LoadedModel, SettingsError, StepTimings, StreamingSession
from engine.bench.__main__ import main
from engine.bench.baseline import Baseline
from engine.bench.ceilings import Ceilings, needs_of
from engine.bench.endurance import stretches, verdict
from engine.bench.models import random_model
from engine.bench.search import confirmed, highest_kept
from engine.bench.tokens import main as tokens_bench
from engine.footprint import best_fit, footprint, num_weights
from engine.settings import StreamSettings
from engine.sizes import SIZES, config_of_size
from tests.engine.conftest import make_chunk
from tests.engine.test_decoder import settings

SMALL = ["--height", "56", "--width", "56", "--device", "cpu", "--tokens-per-step", "3", "--steps", "2"]


def report_of(argv: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main([*argv, "--json"]) == 0
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def test_a_report_has_every_phase_its_floor_and_its_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["--size", "tiny", *SMALL, "--window", "4", "--text-rounds", "4", "--baseline", "1", "--lookahead"]
    report = report_of(argv, capsys)
    phases = {field.name for field in dataclasses.fields(StepTimings)}
    assert report["steps"] == 2
    assert report["tokens_said_mean"] == 4.0
    assert report["phases_ms"].keys() == phases
    assert report["phases_ms"]["total_ms"].keys() == {"p50", "p95", "p99"}
    assert report["vision_tokens_per_step"] == 100  # frames are brought to the least size
    for name in ("vision_ms", "prefill_ms", "decode_ms", "rotate_ms"):
        assert report["floor_ms"][name] > 0
    for name in ("vision_ms", "prefill_ms", "decode_ms", "total_ms"):
        assert report["baseline"]["times_slower"][name] > 0
    assert report["ceilings"].keys() == {"copy_tb_per_s", "matrix_tflops"}
    assert report["memory_mb_last"] > 50
    assert main(argv) == 0
    assert "prefill_ms" in capsys.readouterr().out


def test_a_checkpoint_can_be_measured_in_few_bits(
    tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = report_of(
        ["--model", str(tiny_folder), *SMALL, "--precision", "int8", "--decoder", "static"], capsys
    )
    assert report["precision"] == "int8"
    assert report["decoder"].startswith("static")


def test_an_endurance_run_has_its_stretches_and_its_plot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "endurance.png"
    argv = ["--size", "tiny", *SMALL[:-2], "--window", "2", "--text-rounds", "2", "--endurance", "6"]
    report = report_of([*argv, "--plot", str(file)], capsys)
    assert report["endurance"]["p99_last_to_first"] == 1.0
    assert file.read_bytes().startswith(b"\x89PNG")


def test_ten_minutes_make_a_stretch() -> None:
    found = stretches([1.0] * 600 + [2.0] * 700, [5_000_000] * 1300, 1.0)
    assert [stretch.from_minute for stretch in found] == [0.0, 10.0]
    assert [stretch.step_ms["p99"] for stretch in found] == [1.0, 2.0]
    told = verdict(found, [1] * 40 + [5_000_000] * 1260)
    assert told["p99_last_to_first"] == 2.0
    assert told["memory_mb_grown_since_step_40"] == 0.0


@pytest.mark.parametrize("limit", [0, 1, 2, 5, 16, 17, 39, 40, 99])
def test_the_search_finds_the_highest_rate_kept(limit: int) -> None:
    tried: list[int] = []

    def is_kept(fps: int) -> bool:
        tried.append(fps)
        return fps <= limit

    assert highest_kept(is_kept, unit=2, most=40) == min(limit // 2 * 2, 40)
    assert len(set(tried)) == len(tried) <= 10


def test_a_sustained_rate_is_searched(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["--size", "tiny", *SMALL, "--window", "2", "--text-rounds", "2", "--max-fps", "4"]
    sustained = report_of([*argv, "--confirm-steps", "4"], capsys)["sustained"]
    assert sustained["fps"] <= sustained["searched_fps"] <= 4
    assert (sustained["search_steps"], sustained["confirm_steps"]) == (2, 4)
    assert "2" in sustained["slowest_step_ms_by_fps"]
    kept = [ms for fps, ms in sustained["p99_step_ms_by_fps"].items() if int(fps) == sustained["fps"]]
    assert [ms <= 1000 for ms in kept] == [True] * bool(sustained["fps"])


def test_a_rate_whose_p99_is_too_slow_is_lowered_until_it_fits() -> None:
    p99 = {20: 1200.0, 18: None, 16: 990.0, 14: 800.0}
    assert confirmed(p99.__getitem__, fps=20, unit=2, limit_ms=1000.0) == 16
    assert confirmed(lambda fps: 5000.0, fps=20, unit=2, limit_ms=1000.0) == 0
    assert confirmed(lambda fps: None, fps=0, unit=2, limit_ms=1000.0) == 0


def test_with_json_the_table_is_printed_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--size", "tiny", *SMALL, "--window", "2", "--text-rounds", "2", "--json"]) == 0
    printed = capsys.readouterr()
    assert printed.out.count("\n") == 1
    assert f"{'total_ms':>28}  {json.loads(printed.out)['phases_ms']['total_ms']['p50']:9.2f}" in printed.err


@pytest.mark.parametrize(
    ("options", "saying"),
    [
        (["--plot", "a.png"], "--plot draws an endurance run"),
        (["--max-fps", "4", "--baseline", "1"], "leave --baseline out"),
        (["--max-fps", "4", "--endurance"], "leave --endurance out"),
        (["--max-fps", "4", "--fps", "2"], "leave --fps out"),
        (["--max-fps", "4", "--lookahead"], "leave --lookahead out"),
        (["--max-fps", "4", "--live"], "leave --live out"),
        (["--confirm-steps", "4"], "belongs to --max-fps"),
        (["--endurance", "9", "--steps", "3"], "leave --steps out"),
        (["--slice", "2"], "give --duty below 1"),
    ],
)
def test_what_would_not_be_done_is_refused(
    options: list[str], saying: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--size", "tiny", *options])
    assert caught.value.code == 2
    assert saying in capsys.readouterr().err


def test_the_baseline_computes_what_the_engine_computes(tiny: LoadedModel) -> None:
    """As long as nothing has left, plain transformers has the logits that the stream arrived at."""
    session = StreamingSession(tiny, dataclasses.replace(settings(greedy=True), title=""))
    raw: list[torch.Tensor] = []
    chunk = make_chunk(0)
    for number in range(2):
        shown = dataclasses.replace(chunk, start_s=float(number), end_s=number + 1.0)
        _ = session.step(shown, on_scores=lambda _, logits, __: raw.append(logits)).result
    theirs = Baseline(tiny).step(session, torch.from_numpy(chunk.frames), 2)
    difference = (theirs.logits_V - raw[-1]).norm() / raw[-1].norm()
    assert difference < 1e-4
    assert min(theirs.vision_ms, theirs.prefill_ms, theirs.decode_ms) > 0


@pytest.mark.parametrize("size", ["tiny", "demo"])
def test_a_made_up_model_has_the_weights_that_were_counted(size: str) -> None:
    model = random_model(size, device="cpu")
    assert model.num_parameters == sum(num_weights(model.config).values())
    assert all(float(p.abs().sum()) > 0 for p in model.language.parameters())


@pytest.mark.parametrize(("size", "billions"), [("3b", 3.75), ("7b", 8.29)])
def test_the_large_sizes_are_those_published(size: str, billions: float) -> None:
    assert sum(num_weights(SIZES[size]).values()) / 1e9 == pytest.approx(billions, abs=0.01)


def test_a_footprint_falls_with_bits_and_grows_with_what_is_seen() -> None:
    config, usual = SIZES["7b"], StreamSettings()
    totals = [
        footprint(config, usual, (720, 1280), precision=name).total
        for name in ("bf16", "fp8", "int8", "int4")
    ]
    assert totals == sorted(totals, reverse=True)
    assert totals[0] < 20e9
    assert totals[-1] < 9e9
    fast = dataclasses.replace(usual, window=dataclasses.replace(usual.window, fps=8.0))
    assert footprint(config, fast, (720, 1280)).cache > 3 * footprint(config, usual, (720, 1280)).cache


@pytest.mark.parametrize(
    ("gigabytes", "expected"), [(80, "bf16"), (24, "bf16"), (12, "int8"), (10, "int4"), (8, None), (4, None)]
)
def test_the_best_precision_that_fits_a_card_is_found(gigabytes: int, expected: str | None) -> None:
    assert best_fit(SIZES["7b"], StreamSettings(), (720, 1280), gigabytes * 10**9) == expected


@pytest.mark.parametrize("precision", ["bf16", "int8", "int4"])
def test_weights_and_cache_of_a_footprint_are_those_of_a_model(precision: str) -> None:
    model = random_model("demo", device="cpu", precision=precision, dtype="float32")
    parts = (model.language, model.vision)
    held = sum(p.nbytes for part in parts for p in part.parameters())
    session = StreamingSession(model, model.settings)
    session.warm_up((360, 640))
    told = footprint(model.config, model.settings, (360, 640), precision=precision, bytes_a_value=4)
    assert told.weights == pytest.approx(held, rel=0.02)
    assert told.cache == pytest.approx(session.context.cache.num_bytes, rel=0.1)


def test_needs_of_a_token_are_what_has_to_be_read() -> None:
    ceilings = Ceilings(4.24e12, 790e12)
    needs = needs_of(SIZES["7b"], patches=2880, frames=1, new_tokens=740, context_tokens=12_800)
    assert needs["decode"].bytes == pytest.approx(14.14e9 + 12_800 * 57_344, rel=0.01)
    assert 3.3 < needs["decode"].floor_ms(ceilings) < 3.6
    assert 8 < needs["prefill"].floor_ms(ceilings) < 20


@pytest.mark.parametrize(
    "argv",
    [
        ["--model", "/nowhere"],
        ["--model", "x", "--steps", "0"],
        ["--size", "big"],
        ["--size", "tiny", "--fps", "0.1"],
        ["--size", "tiny", "--fps", "0"],
        ["--size", "tiny", "--window", "0"],
        ["--size", "tiny", "--duty", "0.5", "--slice", "0"],
        ["--size", "tiny", "--device", "cpu", "--tune"],
        [],
    ],
)
def test_bad_input_ends_with_a_line_and_code_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_an_unknown_size_is_refused() -> None:
    with pytest.raises(SettingsError, match="13b"):
        config_of_size("13b")


def test_ways_to_speak_are_timed_and_compared(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        tokens_bench(
            ["--size", "tiny", "--device", "cpu", "--context", "100", "--precisions", "bf16", "int8"]
        )
        == 0
    )
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["way"], row["precision"]) for row in rows] == [
        ("in turn", "bf16"),
        ("overlapping", "bf16"),
        ("in turn", "int8"),
        ("overlapping", "int8"),
    ]
    assert all(row["same_logits"] and row["tokens_per_s"] > 0 for row in rows)


def test_what_takes_most_is_shown_first(capsys: pytest.CaptureFixture[str]) -> None:
    argv = "--size tiny --device cpu --context 100 --precisions bf16 --kernels 5"
    assert tokens_bench(argv.split()) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ["kernel" in row for row in rows] == [False, *5 * [True], False, *5 * [True]]
    in_all = [row["ms_in_all"] for row in rows[1:6]]
    assert in_all == sorted(in_all, reverse=True)
    assert all(row["us"]["p10"] <= row["us"]["p50"] <= row["us"]["p90"] for row in rows[1:6])
