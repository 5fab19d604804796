"""The real program for minutes or hours on a screen of its own, watched from outside: does anything grow, lag or stall?

    python scripts/long_run.py play --minutes 60          the demo match, over and over in one video, as it plays
    python scripts/long_run.py everything --minutes 10    a screen with the match on it, captions, overlay, speech, export

Prints one JSON object: first, last and highest values of everything that is counted, and each bar with what was measured;
ends with 1 if a bar is missed. It needs Xvfb, and PulseAudio for "everything" (its speech goes into a sink that nobody
hears).
Knows /proc, what the program writes with --metrics, and the bars. Knows nothing of the program's insides.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MATCH = ROOT / "assets" / "demo" / "match.mp4"
EVERY_S = 5.0
SETTLED_AT_MIN = 5.0
PATIENCE_S = 120.0
MIB = 1024 * 1024
OPEN = "import sys; from app.window.main import run; sys.exit(run(sys.argv[1:]))"

Sample = dict[str, Any]


def repeated(video: Path, minutes: float, target: Path) -> None:
    """The video again and again in one file, its packets as they are."""
    import av

    with av.open(str(target), "w") as output, contextlib.ExitStack() as opened:
        stream = None
        shift = 0
        while True:
            source = opened.enter_context(av.open(str(video)))
            given = source.streams.video[0]
            if stream is None:
                stream = output.add_stream_from_template(given)
                num_times = int(minutes * 60 / float((given.duration or 1) * given.time_base)) + 1
            for packet in source.demux(given):
                if packet.dts is not None:
                    packet.pts, packet.dts = (packet.pts or 0) + shift, packet.dts + shift
                    packet.stream = stream
                    output.mux(packet)
            shift += given.duration or 0
            num_times -= 1
            if num_times == 0:
                return


def looked_at(pid: int, metrics: Path, began_s: float) -> Sample | None:
    """What can be seen of the program from outside, and what it says of itself; None until it says anything."""
    try:
        told = json.loads(metrics.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    children = _descendants(pid)
    return {
        "minute": round((time.monotonic() - began_s) / 60, 2),
        "rss_mib": _rss_mib(pid),
        "rss_with_children_mib": round(sum(map(_rss_mib, (pid, *children))), 1),
        "num_threads": _num_in(f"/proc/{pid}/task"),
        "num_handles": _num_in(f"/proc/{pid}/fd"),
        "num_children": len(children),
        "load_1min": round(os.getloadavg()[0], 2),
        "cpu_s": _cpu_s(pid),
        "told": told,
    }


def _num_in(folder: str) -> int:
    return sum(1 for _ in Path(folder).iterdir())


def _rss_mib(pid: int) -> float:
    with contextlib.suppress(OSError):
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / MIB, 1)
    return 0.0


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _descendants(pid: int) -> list[int]:
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            text = (task / "children").read_text(encoding="ascii")
            for child in map(int, text.split()):
                found += [child, *_descendants(child)]
    return found


@contextlib.contextmanager
def started(
    settings: dict[str, Any], arguments: Sequence[str], environment: dict[str, str], folder: Path
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The program, and the file of its figures; asked to end, and if need be made to."""
    settings_file, metrics = folder / "settings.json", folder / "metrics.json"
    usual = {"version": 2, "has_finished_first_start": True, "has_seen_warning": True}
    settings_file.write_text(json.dumps({**usual, **settings}), encoding="utf-8")
    command = [sys.executable, "-c", OPEN, "--settings", str(settings_file), "--metrics", str(metrics)]
    with subprocess.Popen([*command, "--autostart", *arguments], cwd=ROOT, env=environment) as program:
        try:
            yield program, metrics
            program.send_signal(signal.SIGTERM)
            program.wait(PATIENCE_S)
        finally:
            if program.poll() is None:
                program.kill()


def watched(program: subprocess.Popen[bytes], metrics: Path, minutes: float) -> Iterator[Sample]:
    """Samples, one every few seconds, from the first step until so many minutes after it."""
    end_s = time.monotonic() + PATIENCE_S
    while (
        not (sample := looked_at(program.pid, metrics, time.monotonic())) or not sample["told"]["num_steps"]
    ):
        if program.poll() is not None or time.monotonic() > end_s:
            raise SystemExit("The program did not begin to comment.")
        time.sleep(0.5)
    began_s = time.monotonic()
    while time.monotonic() < began_s + 60 * minutes:
        if program.poll() is not None:
            raise SystemExit(f"The program ended by itself, with {program.returncode}.")
        if (sample := looked_at(program.pid, metrics, began_s)) is not None:
            yield sample
        time.sleep(EVERY_S)


def play(minutes: float, folder: Path, samples: Callable[[Sample], None]) -> dict[str, Any]:
    """The hour: the match over and over, as it plays."""
    from tests.app.window.screen import screen

    video = folder / "matches.mp4"
    repeated(MATCH, minutes + 2, video)
    title = json.loads(MATCH.with_suffix(".json").read_text(encoding="utf-8"))["title"]
    with screen() as display:
        arguments = ["--source", str(video), "--title", title]
        with started({}, arguments, _environment(display), folder) as (program, metrics):
            for sample in watched(program, metrics, minutes):
                samples(sample)
        told = json.loads(metrics.read_text(encoding="utf-8"))
    return {"exit_code": program.returncode, "told": told}


def everything(minutes: float, folder: Path, samples: Callable[[Sample], None]) -> dict[str, Any]:
    """All at once: the screen is captured, and what is said is shown, spoken and written to five files."""
    from tests.app.speech.sound_server import sound_server
    from tests.app.window.screen import SIZE, screen

    files = [folder / f"live.{ending}" for ending in ("srt", "vtt", "txt", "jsonl")]
    settings = {
        "is_speech_on": True,
        "is_overlay_on": True,
        "is_hud_on": True,
        "live_files": [str(file) for file in files],
        "text_file": str(folder / "now.txt"),
    }
    title = json.loads(MATCH.with_suffix(".json").read_text(encoding="utf-8"))["title"]
    with sound_server(folder) as sound, screen() as display:
        environment = {**_environment(display), "XDG_RUNTIME_DIR": sound["XDG_RUNTIME_DIR"]}
        player = [sys.executable, "-m", "tests.app.sources.playing", str(MATCH), "0", "0", *map(str, SIZE)]
        with subprocess.Popen(player, cwd=ROOT, env=environment) as playing:
            try:
                arguments = ["--source", "screen", "--title", title]
                with started(settings, arguments, environment, folder) as (program, metrics):
                    for sample in watched(program, metrics, minutes):
                        samples(sample)
                told = json.loads(metrics.read_text(encoding="utf-8"))
            finally:
                playing.terminate()
    written = {file.name: file.stat().st_size for file in files if file.is_file()}
    return {"exit_code": program.returncode, "told": told, "bytes_written": written}


def _environment(display: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("QT_", "WAYLAND"))}
    return {**kept, "DISPLAY": display, "PYTHONPATH": str(ROOT)}


def summed_up(samples: list[Sample], run: dict[str, Any]) -> dict[str, Any]:
    """First, last and highest values, and how much each grew once everything was warm."""
    told = run["told"]
    settled_min = min(SETTLED_AT_MIN, samples[-1]["minute"] / 2)
    flat = [
        {**sample, **{f"own_{name}": value for name, value in sample["told"].items()}} for sample in samples
    ]
    counted = {}
    for name in (
        *("rss_mib", "rss_with_children_mib", "num_threads", "num_handles", "num_children"),
        *("own_num_windows", "own_num_widgets", "load_1min", "own_lag_s"),
    ):
        values = [(sample["minute"], sample[name]) for sample in flat if sample.get(name) is not None]
        warm = [value for minute, value in values if settled_min <= minute < settled_min + 1]
        late = [value for minute, value in values if minute >= samples[-1]["minute"] - 1]
        counted[name.removeprefix("own_")] = {
            "first": values[0][1],
            "last": values[-1][1],
            "highest": max(value for _, value in values),
            f"at_minute_{settled_min:g}": round(statistics.median(warm), 2),
            "in_last_minute": round(statistics.median(late), 2),
            "growth": round(statistics.median(late) - statistics.median(warm), 2),
        }
    seconds = 60 * (samples[-1]["minute"] - samples[0]["minute"])
    return {
        "minutes": samples[-1]["minute"],
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "num_samples": len(samples),
        "share_of_a_core": round((samples[-1]["cpu_s"] - samples[0]["cpu_s"]) / seconds, 2),
        "counted": counted,
        **run,
        "bars": _bars(counted, told),
    }


def _bars(counted: dict[str, Any], told: dict[str, Any]) -> list[dict[str, Any]]:
    bars = [("resident memory, growth once warm, MiB", counted["rss_mib"]["growth"], 30.0)]
    for name in ("num_threads", "num_handles", "num_children", "num_windows"):
        bars.append((f"{name}, growth once warm", counted[name]["growth"], 0.0))
    bars += [
        ("longest lag, s", told["longest_lag_s"], 2.0),
        ("longest time the window's thread was busy, ms", told["longest_busy_running_ms"], 50.0),
    ]
    if told.get("caption_delay_p95_ms") is not None:
        bars.append(
            ("captured to on screen beyond the step, 95 of 100, ms", told["caption_delay_p95_ms"], 80.0)
        )
    return [
        {"bar": name, "figure": figure, "at_most": limit, "holds": figure is not None and figure <= limit}
        for name, figure, limit in bars
    ]


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=("play", "everything"))
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--keep", type=Path, metavar="FILE", help="add each sample to this file, a line each")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    # What was started is ended however this ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended before its time."))
    samples: list[Sample] = []

    def take(sample: Sample) -> None:
        samples.append(sample)
        if options.keep is not None:
            with options.keep.open("a", encoding="utf-8") as file:
                file.write(json.dumps(sample) + "\n")

    with tempfile.TemporaryDirectory(prefix="ringside-long-") as folder:
        run = {"play": play, "everything": everything}[options.what]
        result = summed_up(samples, run(options.minutes, Path(folder), take))
    sys.stdout.write(json.dumps({"what": options.what, **result}, indent=2) + "\n")
    return 0 if all(bar["holds"] for bar in result["bars"]) else 1


if __name__ == "__main__":
    sys.exit(main())
