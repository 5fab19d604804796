"""Kill a real window in the middle of a session, again and again, and count what comes back.

`python -m tests.app.session.killing --times 50` prints the table.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import random
import re
import selectors
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from app.session import RecordedSession, cut_off_sessions, settle
from tests.app.tiny_model import write_tiny_model
from tests.app.videos import write_video

ROOT = Path(__file__).resolve().parents[3]
WAIT_S = 120.0
LONGEST_S = 5.0

# The window as it is, but for a witness in another process who hears of every phrase before anybody else does.
_PROGRAM = """
import json, os, sys
from app.captions import Phrase
from app.window.state.record import RecordState
say = RecordState.say
def witnessed(self, start_s, end_s, text):
    phrase = Phrase.said(start_s, end_s, text)
    if phrase is not None:
        os.write(1, json.dumps([phrase.start_s, phrase.text]).encode() + b"\\n")
    say(self, start_s, end_s, text)
RecordState.say = witnessed
from app.window.main import run
sys.exit(run(sys.argv[1:]))
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Killing:
    """What one kill left."""

    after_s: float
    """From the first phrase to the kill."""
    num_said: int
    """Phrases that the witness heard of."""
    num_back: int
    """Of those, from the first one on without a gap, in the session that is offered."""
    num_extra: int
    """Phrases that come back although nobody said them."""
    damage: tuple[str, ...]
    """Files that are not what they should be, in words."""

    @property
    def is_good(self) -> bool:
        """At most the last phrase is missing, and nothing is damaged."""
        return self.num_said - self.num_back <= 1 and not self.num_extra and not self.damage


# The next start, in which somebody says yes as soon as the offer is there, and tells what the transcript shows then.
_NEXT_START = """
import json, os, sys
from app.window.state.messages import MessageState
from app.window.state.transcript import TranscriptState
show, add_rows = MessageState.show, TranscriptState.add_rows
def shown(self, message):
    show(self, message)
    if message.topic == "recovery":
        os.write(1, json.dumps(message.text).encode() + b"\\n")
        self.act()
def added(self, rows):
    add_rows(self, rows)
    os.write(1, json.dumps(" ".join(row.text for row in self.rows)).encode() + b"\\n")
MessageState.show, TranscriptState.add_rows = shown, added
from app.window.main import run
sys.exit(run(sys.argv[1:]))
"""


def next_start(folder: Path, model: Path, video: Path) -> tuple[str, str]:
    """Start again in `folder`: what is offered, and the transcript after a yes."""
    command = [sys.executable, "-c", _NEXT_START, "--settings", str(folder / "settings.json")]
    command += ["--source", str(video), "--model", str(model)]
    with subprocess.Popen(
        command, cwd=ROOT, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as program:
        assert program.stdout is not None
        try:
            return json.loads(program.stdout.readline()), json.loads(program.stdout.readline())
        finally:
            program.terminate()


def run_and_kill(folder: Path, model: Path, video: Path, after_s: float) -> list[tuple[float, str]]:
    """Start a window in `folder` and kill it so long after its first phrase; returns what was said until then."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "settings.json"
    live = [str(folder / f"live{ending}") for ending in (".srt", ".vtt", ".txt", ".jsonl")]
    settings.write_text(json.dumps({"version": 2, "live_files": live, "text_file": str(folder / "now.txt")}))
    command = [sys.executable, "-c", _PROGRAM, "--autostart", "--settings", str(settings)]
    command += ["--source", str(video), "--model", str(model)]
    with subprocess.Popen(
        command, cwd=ROOT, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    ) as program:
        assert program.stdout is not None
        try:
            selector = selectors.DefaultSelector()
            selector.register(program.stdout, selectors.EVENT_READ)
            assert selector.select(WAIT_S), "the window says nothing"
            time.sleep(after_s)
            assert program.poll() is None, "the window ended by itself"
        finally:
            program.kill()
        heard: bytes = program.stdout.read()
    return [tuple(json.loads(line)) for line in heard.splitlines()]


def kill_once(folder: Path, model: Path, video: Path, after_s: float) -> Killing:
    """Run a window, kill it, and look at what is there."""
    said = run_and_kill(folder, model, video, after_s)
    offered = cut_off_sessions(folder / "sessions")
    back = [(phrase.start_s, phrase.text) for session in offered for phrase in session.phrases]
    num_back = next(
        (i for i, (one, other) in enumerate(zip(said, back, strict=False)) if one != other), len(back)
    )
    damage = [*_damage(folder, len(said)), *(["half a line in the middle"] if _has_damage(offered) else [])]
    for session in offered:
        settle(session, "recovered")
        damage += [] if _all_json(session.path) else [f"{session.path.name} after it was brought back"]
    return Killing(
        after_s=after_s,
        num_said=len(said),
        num_back=min(num_back, len(said)),
        num_extra=max(0, len(back) - len(said)),
        damage=tuple(damage),
    )


def kill_often(folder: Path, times: int, *, seed: int) -> list[Killing]:
    """Kill at `times` random moments."""
    model = write_tiny_model(folder / "model")
    video = write_video(folder / "video.mp4", seconds=60)
    moments = random.Random(seed)
    return [
        kill_once(folder / f"{number}", model, video, moments.uniform(0, LONGEST_S))
        for number in range(times)
    ]


def table(killings: list[Killing]) -> str:
    """One row a kill, and the sum."""
    rows = ["| kill | after s | said | back | damaged files |", "|---|---|---|---|---|"]
    for number, kill in enumerate(killings, 1):
        damage = ", ".join(kill.damage) or "none"
        rows.append(f"| {number} | {kill.after_s:.2f} | {kill.num_said} | {kill.num_back} | {damage} |")
    num_good = sum(kill.is_good for kill in killings)
    num_whole = sum(kill.num_back == kill.num_said for kill in killings)
    num_said, num_back = sum(k.num_said for k in killings), sum(k.num_back for k in killings)
    rows.append(
        f"{num_good} of {len(killings)} kills lost at most the last phrase and damaged nothing; {num_whole} lost "
        f"nothing at all; {num_back} of {num_said} phrases came back."
    )
    return "\n".join(rows)


def _environment() -> dict[str, str]:
    return {**os.environ, "QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "1"}


def _has_damage(offered: list[RecordedSession]) -> bool:
    return any(session.num_damaged for session in offered)


def _all_json(path: Path) -> bool:
    try:
        return all(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    except ValueError:
        return False


def _damage(folder: Path, num_said: int) -> list[str]:
    """Files of a window that was killed which are not whole, or lack more than the last phrase."""
    damage = []
    try:
        json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    except ValueError:
        damage.append("settings.json")
    cue = r"\d\d:\d\d:\d\d[.,]\d{3} --> \d\d:\d\d:\d\d[.,]\d{3}\n[^\n]+\n\n"
    whole = {
        "live.srt": rf"(\d+\n{cue})*",
        "live.vtt": rf"WEBVTT\n\n({cue})*",
        "live.txt": r"([^\n]+\n)*",
        "live.jsonl": r"(\{[^\n]+\}\n)*",
    }
    for name, pattern in whole.items():
        text = (folder / name).read_text(encoding="utf-8")
        num = text.count("-->") if "-->" in pattern else len(text.splitlines())
        if not re.fullmatch(pattern, text) or num_said - num > 1:
            damage.append(name)
    leftover = [
        path.name for path in folder.iterdir() if path.name.startswith(".") and path.name != ".now.txt.new"
    ]
    return damage + leftover


def main() -> None:
    """Kill and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(table(kill_often(Path(folder), options.times, seed=options.seed)) + "\n")


if __name__ == "__main__":
    main()
