"""The whole pipeline on trial: `python -m tests.training.data.trial [--matches 20] [--minutes 1]`.

Matches are generated, their commentary is spoken (espeak-ng) and put into the videos. Planted are: videos that are empty,
no video, cut off, silent, or whose words are broken; words with swapped times and without times; a language model that
fails in every way it can and then is gone for a while. Every step that works video by video is killed halfway and started
again until nothing is left to do. Then everything runs once more.

Prints one JSON with what was planted, what was reported, and what was lost or done twice. Ends with 1 where a fault went
unreported, a match was lost, or the second run did finished work again.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.training.data.llm_server import LlmServer, completion
from tests.training.data.season import SILENT, UNUSABLE, Season, make_season, plant_faults
from training.data.published import ChunkFile

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "training.data"]
STEPS = ("index", "transcribe", "edit", "cut", "select", "validate", "stats")
KILLED = ("index", "transcribe", "edit", "select", "validate")
NUM_PARALLEL = 2
OUTAGE = range(30, 60)
"""Requests, by number, that find no server."""
MOST_RUNS = 8


def main() -> int:
    """0 where the bar is met."""
    cli = argparse.ArgumentParser()
    cli.add_argument("--matches", type=int, default=20)
    cli.add_argument("--minutes", type=float, default=1.0)
    arguments = cli.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        season = make_season(place / "season", num_matches=arguments.matches, minutes=arguments.minutes)
        report = trial(season, plant_faults(season, place / "faulty"), place / "out")
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return int(not report["passed"])


def trial(season: Season, faulty: Season, out: Path) -> dict[str, Any]:
    """Run it on a season and the same season with faults."""
    matches = sorted(path.name for path in season.videos.glob("*.mp4"))
    with LlmServer(_faults, delay_s=0.02) as server:
        first = {step: _until_done(step, out, faulty, server) for step in STEPS}
        num_asked = server.num_requests
        again = {step: _run(step, out, faulty, server.url)[1] for step in STEPS}
        asked_again = server.num_requests - num_asked
        paid = Counter(json.dumps(body, sort_keys=True) for body in server.answered)
        statuses = {str(status): count for status, count in sorted(server.statuses.items())}
    file = ChunkFile(out / "train.jsonl")
    in_data = sorted({Path(file.chunk(index).video).name for index in range(len(file))})
    repairs = first["stats"]["report"]["transcripts"]["repairs"]
    spent = first["stats"]["report"]["language_model"]
    reported = {
        name: reason in first[step]["report"]["problems"].get(name, "")
        for step, faults in (("index", UNUSABLE), ("transcribe", SILENT))
        for name, reason in faults.items()
    }
    planted_words = _planted_words(faulty, matches)
    lost = {
        step: sorted(set(matches) - {Path(key).name for key in _finished(out, step)})
        for step in ("index", "transcribe", *KILLED[2:])
    }
    done_again = {step: again[step].get("done", 0) for step in STEPS if "done" in again[step]}
    kills = {step: result["killed"] for step, result in first.items() if "killed" in result}
    checks = {
        "every broken video is named with its reason": all(reported.values()),
        "every swapped or missing word time is counted": all(
            repairs.get(name, 0) == count for name, count in planted_words.items()
        ),
        "every malformed answer is counted": sum(part["num_malformed"] for part in spent.values()) == 1,
        "no match is lost in any step": not any(lost.values()) and in_data == matches,
        "what was finished before a kill stays": all(
            kill["kept"] == kill["finished"] for kill in kills.values()
        ),
        "the second run does nothing again": not any(done_again.values()) and asked_again == 0,
        # What a kill finds on its way is asked again; nothing else is.
        "what failed is named and was done later": set(_failed_then_done(out)) >= {"edit"},
        "no answer that came is asked for twice": sum(count - 1 for count in paid.values())
        <= NUM_PARALLEL * len(kills),
    }
    return {
        "passed": all(checks.values()),
        "checks": checks,
        "matches": len(matches),
        "lost": {step: names for step, names in lost.items() if names},
        "without_a_chunk": sorted(set(matches) - set(in_data)),
        "planted_videos_reported": reported,
        "planted_words": planted_words,
        "counted_words": {name: repairs.get(name, 0) for name in planted_words},
        "server_answers": statuses,
        "kills": kills,
        "runs": {step: result["runs"] for step, result in first.items()},
        "failed_then_done": _failed_then_done(out),
        "answers_asked_twice": sum(count - 1 for count in paid.values()),
        "second_run_done": done_again,
        "second_run_requests": asked_again,
        "chunks": len(file),
        "annealing_chunks": first["select"]["report"]["chosen"],
    }


def _faults(number: int) -> tuple[int, str] | None:
    planned = {
        1: (500, "the server fell over"),
        2: (429, "too many requests"),
        3: (200, "this is no chat completion"),
        4: (200, completion('{"segments": []}')),
    }
    return (503, "restarting") if number in OUTAGE else planned.get(number)


def _arguments(step: str, out: Path, season: Season, url: str) -> list[str]:
    prices = ["--price-in", "2", "--price-out", "8"]
    llm = ["--url", url, "--model", "editor", "--first-wait", "0.01", "--tries", "4", *prices]
    parallel = ["--parallel", str(NUM_PARALLEL)] if step in KILLED else []
    return [step, "--out", str(out), *parallel] + {
        "index": ["--videos", str(season.videos)],
        "transcribe": ["--whisperx", str(season.whisperx)],
        "edit": [*llm, "--window", "20"],
        # The league's commentator is sparing of words.
        "cut": ["--min-words", "1"],
        "select": llm,
        "validate": [],
        "stats": prices,
    }[step]


def _run(step: str, out: Path, season: Season, url: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [*COMMAND, *_arguments(step, out, season, url)], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode not in (0, 3):
        raise RuntimeError(f"{step}: {done.stderr[-2000:]}")
    report: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, report


def _until_done(step: str, out: Path, season: Season, server: LlmServer) -> dict[str, Any]:
    """Kill the step halfway, then run it until nothing has failed."""
    result: dict[str, Any] = {}
    if step in KILLED:
        finished = _kill_halfway(step, out, season, server.url)
        result["killed"] = {"finished": len(finished)}
    for number in range(1, MOST_RUNS + 1):
        code, report = _run(step, out, season, server.url)
        if number == 1 and step in KILLED:
            now = _finished(out, step)
            result["killed"]["kept"] = sum(now.get(key) == row for key, row in finished.items())
        if code == 0:
            return result | {"runs": number, "report": report}
    raise RuntimeError(f"{step} is not done after {MOST_RUNS} runs: {report}")


def _kill_halfway(step: str, out: Path, season: Season, url: str) -> dict[str, Any]:
    half = len(list(season.videos.glob("match_*.mp4"))) // 2
    process = subprocess.Popen(
        [*COMMAND, *_arguments(step, out, season, url)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and len(_finished(out, step)) < half:
        time.sleep(0.005)
    process.kill()
    process.wait()
    # What a kill in the middle of a line leaves behind.
    with (out / "manifest.jsonl").open("ab") as file:
        file.write(b'{"step": "' + step.encode())
    return _finished(out, step)


def _rows(out: Path) -> list[dict[str, Any]]:
    """The manifest's rows, but for lines that a kill cut off."""
    manifest = out / "manifest.jsonl"
    rows = []
    for line in manifest.read_bytes().splitlines(keepends=True) if manifest.exists() else []:
        if line.endswith(b"\n"):
            with contextlib.suppress(ValueError):
                rows.append(json.loads(line))
    return rows


def _finished(out: Path, step: str) -> dict[str, Any]:
    """The rows of a step that are done or skipped, by video."""
    return {row["key"]: row for row in _rows(out) if row["step"] == step and row["status"] != "failed"}


def _failed_then_done(out: Path) -> dict[str, int]:
    """How many videos have failed in each step, with their reason in the manifest, and were done later."""
    failed = {(row["step"], row["key"]) for row in _rows(out) if row["status"] == "failed"}
    return dict(Counter(step for step, key in failed if key in _finished(out, step)))


def _planted_words(season: Season, matches: list[str]) -> dict[str, int]:
    counts = Counter(swapped=0, interpolated=0)
    for name in matches:
        value = json.loads((season.whisperx / f"{Path(name).stem}.json").read_text(encoding="utf-8"))
        for segment in value["segments"]:
            words = segment["words"]
            counts["swapped"] += sum(word.get("start", 0) > word.get("end", 0) for word in words)
            counts["interpolated"] += sum("start" not in word for word in words)
            counts["interpolated"] += 0 if words else len(segment["text"].split())
    return dict(counts)


if __name__ == "__main__":
    sys.exit(main())
