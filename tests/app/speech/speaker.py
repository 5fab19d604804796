"""A speech service in a process of its own: PortAudio looks for sound outputs once, and each test has others."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
WAIT_S = 60.0

# Commands in, events out, a line each.
SPEAKER = """
import json, sys, threading, time
from pathlib import Path
from app.speech import SpeechOptions, SpeechService
from app.speech.source_sound import SourceSound, SourceSoundOptions

def tell(event):
    print(json.dumps({"event": type(event).__name__, **vars(event)}), flush=True)

def play_video(path, duck_db, seconds):
    sound = SourceSound(Path(path), lambda: service.is_speaking, options=SourceSoundOptions(duck_db=duck_db))
    began_s = time.monotonic()
    is_over.clear()
    while (at_s := time.monotonic() - began_s) < seconds and not is_over.is_set():
        sound.follow(at_s)
        time.sleep(1 / 30)
    sound.close()
    print(json.dumps({"event": "video over"}), flush=True)

service = SpeechService(tell)
is_over = threading.Event()
for line in sys.stdin:
    command, text = json.loads(line)
    if command == "say": service.say(text)
    if command == "wait": service.say(text, cut=False)
    if command == "stop":
        at_s = time.monotonic()
        service.stop()
        print(json.dumps({"event": "stopped", "at_s": at_s}), flush=True)
    if command == "configure": service.configure(SpeechOptions(**text))
    if command == "outputs":
        found = [[one.output_id, one.name] for one in service.outputs()]
        print(json.dumps({"event": "outputs", "outputs": found}), flush=True)
    if command == "video": threading.Thread(target=play_video, args=text).start()
    if command == "end video": is_over.set()
    if command == "check": service.check()
    if command == "pid": print(json.dumps({"event": "pid", "pid": service.voice_pid}), flush=True)
print(json.dumps({"event": "closed", "is_clean": service.close(10)}), flush=True)
"""


class Speaker:
    """A speech service in another process."""

    def __init__(self, environment: dict[str, str], prelude: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", prelude + SPEAKER],
            env=environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.events: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def ask(self, command: str, text: Any = "") -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([command, text]) + "\n")
        self.process.stdin.flush()

    def wait_for(self, event: str, **values: object) -> dict[str, Any]:
        def matching() -> list[dict[str, Any]]:
            return [one for one in self.events if one["event"] == event and values.items() <= one.items()]

        until(lambda: bool(matching()))
        return matching()[0]

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(WAIT_S)
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append(json.loads(line))


def until(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end_s, "it never came true"
        time.sleep(0.01)


@contextmanager
def speaking(environment: dict[str, str], prelude: str = "") -> Iterator[Speaker]:
    speaker = Speaker(environment, prelude)
    try:
        yield speaker
    finally:
        speaker.close()
