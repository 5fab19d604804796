"""What weights of fewer bits cost the demo model's scores, on the same matches.

    python -m training.reproduce.precisions --device cuda --seeds 9001 9002 9003 --jobs 8

Streams every match in every precision as the demo model ships (the row ``shipped``), prints a JSON line for each, and one
with the means and their differences from the plain weights: bfloat16 on a GPU, float32 on a processor.

Knows: matches, precisions, processes. Does not know: how weights are kept in fewer bits.
"""

import argparse
import json
import logging
import multiprocessing
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from training.reproduce.catalogue import ROWS
from training.reproduce.pictures import MatchPictures

PLAIN = "plain"
PRECISIONS = (PLAIN, "fp8", "int8", "int4")
MEASURES = ("event_f1", "team_accuracy", "score_accuracy", "name_accuracy", "silence_agreement")


def main(argv: Sequence[str] | None = None) -> int:
    """Command line: 0 after all streams."""
    cli = argparse.ArgumentParser(prog="python -m training.reproduce.precisions")
    cli.add_argument("--model", type=Path, default=Path("assets/demo_model"), help="checkpoint folder")
    cli.add_argument("--device", default="auto", help="auto, cpu or cuda")
    cli.add_argument("--seeds", type=int, nargs="+", default=[9001, 9002, 9003], help="matches")
    cli.add_argument("--minutes", type=float, default=10.0, help="of each match (10)")
    cli.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=list(PRECISIONS))
    cli.add_argument("--jobs", type=int, default=1, help="streams side by side")
    cli.add_argument("--pictures", type=Path, default=Path("runs/precisions"), help="where frames are kept")
    args = cli.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    pieces = [
        (args.model, args.device, args.pictures, seed, args.minutes, precision)
        for seed in args.seeds
        for precision in args.precisions
    ]
    with multiprocessing.get_context("spawn").Pool(args.jobs) as pool:
        pool.starmap(_draw, [(args.model, args.pictures, seed, args.minutes) for seed in args.seeds])
        streamed = []
        for result in pool.imap_unordered(_stream, pieces):
            streamed.append(result)
            _print(result)
    _print(summary(streamed))
    return 0


def summary(streamed: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Means over the matches by precision, and how far they are from those of the plain weights.

    Scores of a match in which there was nothing to score are left out; a precision counts on the matches that it shares
    with the plain weights.
    """
    scores = {(piece["precision"], piece["seed"]): piece["scores"] for piece in streamed}
    told: dict[str, Any] = {}
    for precision in dict.fromkeys(precision for precision, _ in scores):
        seeds = [seed for of, seed in scores if of == precision and (PLAIN, seed) in scores]
        told[precision] = {"num_matches": len(seeds), "num_scores": 0}
        for measure in MEASURES:
            pairs = [
                (scores[precision, seed][measure], scores[PLAIN, seed][measure])
                for seed in seeds
                if None not in (scores[precision, seed][measure], scores[PLAIN, seed][measure])
            ]
            if pairs:
                mean = statistics.fmean(found for found, _ in pairs)
                plain = statistics.fmean(plain for _, plain in pairs)
                told[precision][measure] = [round(mean, 4), round(mean - plain, 4)]
        told[precision]["num_scores"] = sum(scores[precision, seed]["num_scores"] for seed in seeds)
    return {"mean_and_difference": told}


def _draw(model: Path, folder: Path, seed: int, minutes: float) -> None:
    import cv2
    import torch

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    pictures = _pictures(model, folder, seed, minutes)
    for block in range(pictures.num_blocks):
        pictures.draw_block(block)


def _pictures(model: Path, folder: Path, seed: int, minutes: float) -> MatchPictures:
    from engine import StreamSettings

    base = StreamSettings.from_checkpoint(model)
    return MatchPictures(folder, seed=seed, minutes=minutes, fps=base.window.fps, resize=base.resize)


def _stream(piece: tuple[Path, str, Path, int, float, str]) -> dict[str, Any]:
    import torch

    from engine import StreamSettings, load_model
    from training.reproduce.streaming import measure, stream

    folder, device, pictures_folder, seed, minutes, precision = piece
    torch.set_num_threads(1)
    model = load_model(folder, device=device, precision=None if precision == PLAIN else precision)
    pictures = _pictures(folder, pictures_folder, seed, minutes)
    streamed = stream(model, ROWS["shipped"].variant, pictures, StreamSettings.from_checkpoint(folder))
    scores = measure(streamed, pictures.truth)["scores"]
    return {"precision": precision, "seed": seed, "device": model.device.type, "scores": scores}


def _print(result: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
