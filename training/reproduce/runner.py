"""Runs pieces: one after the other, or several processes side by side on one device, going on where a run was stopped.

Knows processes and clocks. Knows nothing of what a piece is made of (`streaming`) or how results are shown.
"""

import logging
import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Any

from engine import EngineError, StreamSettings, share_cores
from training.errors import TrainingError
from training.reproduce.catalogue import ROWS, Piece
from training.reproduce.pictures import MatchPictures
from training.reproduce.results import TIME_WAS_UP, Results

if TYPE_CHECKING:
    from engine import LoadedModel

logger = logging.getLogger("ringside.training.reproduce")
MIN_KEPT_S = 60
"""A stream that time cut shorter than this is not kept."""


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What every process has to know."""

    model: Path
    out: Path
    device: str = "auto"
    num_jobs: int = 1
    """Processes that stream side by side. Times are told apart: those of a run with more than one are shown as such."""
    num_drawers: int = 0
    """Processes that draw frames ahead of them."""
    deadline: float | None = None
    """When to stop, by `time.monotonic`, which all processes of a machine share."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What came of a run."""

    num_done_before: int
    num_done: int
    num_cut_short: int
    failed: tuple[str, ...]
    """Pieces that failed, and why."""
    left: tuple[str, ...]
    """Pieces for which there was no time."""


def run(pieces: Sequence[Piece], settings: RunSettings) -> Summary:
    """Run every piece that has no result yet.

    Raises:
        OtherModelError: the folder holds results of another model.
        OSError: the folder can't be written to.
    """
    results = Results(settings.out)
    results.claim(settings.model)
    left = [piece for piece in pieces if not results.is_done(piece)]
    logger.info("%d of %d pieces are done already", len(pieces) - len(left), len(pieces))
    context = multiprocessing.get_context("spawn")
    reports: Any = context.Queue()
    drawers = [
        context.Process(target=_draw, args=(left, settings, index), daemon=True)
        for index in range(settings.num_drawers)
    ]
    for drawer in drawers:
        drawer.start()
    told: dict[str, str] = {}
    if settings.num_jobs == 1:
        _work_through(left, settings, lambda piece, how: told.update({piece: how}))
    elif left:
        waiting: Any = context.Queue()
        for piece in left:
            waiting.put(piece)
        workers = [
            context.Process(target=_work, args=(waiting, reports, settings), daemon=True)
            for _ in range(min(settings.num_jobs, len(left)))
        ]
        for worker in workers:
            worker.start()
        while any(worker.is_alive() for worker in workers) or not reports.empty():
            try:
                piece_name, how = reports.get(timeout=0.5)
                told[piece_name] = how
            except Empty:
                continue
    for drawer in drawers:
        drawer.terminate()
        drawer.join()
    return _summary(pieces, left, told)


def _summary(pieces: Sequence[Piece], left: Sequence[Piece], told: dict[str, str]) -> Summary:
    # A process that was killed tells nothing: its piece is simply not done.
    return Summary(
        num_done_before=len(pieces) - len(left),
        num_done=sum(how == "done" for how in told.values()),
        num_cut_short=sum(how == TIME_WAS_UP for how in told.values()),
        failed=tuple(f"{name}: {how}" for name, how in told.items() if how not in ("done", TIME_WAS_UP)),
        left=tuple(piece.name for piece in left if piece.name not in told),
    )


def _work(waiting: Any, reports: Any, settings: RunSettings) -> None:
    """A process: takes pieces until none is left."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    def taken() -> Any:
        while True:
            try:
                yield waiting.get(timeout=1.0)
            except Empty:
                return

    _work_through(taken(), settings, lambda piece, how: reports.put((piece, how)))


def _work_through(pieces: Any, settings: RunSettings, tell: Any) -> None:
    share_cores()
    results = Results(settings.out)
    models: dict[Path, LoadedModel] = {}
    for piece in pieces:
        if settings.deadline is not None and time.monotonic() > settings.deadline:
            return
        try:
            tell(piece.name, _run_piece(piece, settings, results, models))
        except (EngineError, TrainingError, OSError, RuntimeError) as error:
            # One row that can't be run must not take the others along; the summary and the report name it.
            logger.error("%s failed: %s", piece.name, error)
            tell(piece.name, str(error) or type(error).__name__)


def _run_piece(
    piece: Piece, settings: RunSettings, results: Results, models: "dict[Path, LoadedModel]"
) -> str:
    import torch

    from engine import load_model
    from training.reproduce.streaming import measure, stream

    folder = results.model_of(piece, settings.model)
    if folder not in models:
        models.clear()
        models[folder] = load_model(folder, device=settings.device)
        if models[folder].device.type == "cuda":
            torch.set_num_threads(1)
    model = models[folder]
    base = StreamSettings.from_checkpoint(folder)
    pictures = _pictures(piece, settings, base)
    started = time.monotonic()
    streamed = stream(model, ROWS[piece.row].variant, pictures, base, deadline=settings.deadline)
    if streamed.ended == TIME_WAS_UP and len(streamed.step_ms) < MIN_KEPT_S:
        return TIME_WAS_UP
    on_cuda = model.device.type == "cuda"
    result = {
        **measure(streamed, pictures.truth),
        "wall_s": round(time.monotonic() - started, 1),
        "device": torch.cuda.get_device_name(model.device) if on_cuda else "CPU",
        "num_threads": torch.get_num_threads(),
        "num_jobs": settings.num_jobs,
        "window": dict(vars(base.window)),
    }
    results.put(piece, result)
    logger.info(
        "%s: %s, overall %s, %.1f ms a step, %s s",
        piece.name,
        streamed.ended or "whole",
        result["scores"]["overall"],
        result["step_ms_p50"],
        result["wall_s"],
    )
    return TIME_WAS_UP if streamed.ended == TIME_WAS_UP else "done"


def _pictures(piece: Piece, settings: RunSettings, base: StreamSettings) -> MatchPictures:
    return MatchPictures(
        Results(settings.out).pictures,
        seed=piece.seed,
        minutes=piece.minutes,
        fps=base.window.fps,
        resize=base.resize,
    )


def _draw(pieces: Sequence[Piece], settings: RunSettings, index: int) -> None:
    """A process: draws its share of the frames, those that are shown first before the others."""
    import cv2
    import torch

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    base = StreamSettings.from_checkpoint(settings.model)
    matches = list(dict.fromkeys((piece.seed, piece.minutes) for piece in pieces))
    shown = [
        _pictures(Piece(row="ours", minutes=minutes, seed=seed), settings, base) for seed, minutes in matches
    ]
    blocks = [(block, place) for place, pictures in enumerate(shown) for block in range(pictures.num_blocks)]
    for block, place in sorted(blocks)[index :: settings.num_drawers]:
        shown[place].draw_block(block)
