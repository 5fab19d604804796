"""A private PulseAudio with nothing behind it but ears: what is played into it is recorded."""

from __future__ import annotations

import math
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

RATE_HZ = 16_000
SINK = "ringside_test"


class Recording:
    """What was heard so far, with the moment at which it began."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def level(self, last_s: float) -> float:
        """Loudness (root mean square of int16) of the last seconds."""
        samples = self.samples()[-round(last_s * RATE_HZ) :]
        return float(np.sqrt(np.mean(np.square(samples.astype(np.float64))))) if len(samples) else 0.0

    def samples(self) -> npt.NDArray[np.int16]:
        """All of it."""
        raw = self._file.read_bytes()
        return np.frombuffer(raw[: len(raw) // 2 * 2], dtype=np.int16)


class TimedRecording:
    """What was heard, with the moment at which each piece of it arrived here."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._pieces: list[tuple[float, npt.NDArray[np.int16]]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def join(self) -> None:
        """Wait for the recorder's end."""
        self._reader.join()

    @property
    def has_begun(self) -> bool:
        """Whether anything came."""
        return bool(self._pieces)

    def last_loud_at_s(self, loud: float, until_s: float = math.inf) -> float:
        """When the last loud sample arrived, on the monotonic clock; inside its piece, counted back from its end."""
        for arrived_s, samples in reversed([piece for piece in self._pieces if piece[0] <= until_s]):
            found = np.flatnonzero(np.abs(samples.astype(np.int32)) > loud)
            if len(found):
                return arrived_s - (len(samples) - 1 - found[-1]) / RATE_HZ
        raise AssertionError("nothing was loud")

    def is_loud(self, last_s: float, loud: float) -> bool:
        """Whether it was loud in the last seconds."""
        since_s = time.monotonic() - last_s
        return any(
            arrived_s > since_s and (np.abs(samples.astype(np.int32)) > loud).any()
            for arrived_s, samples in list(self._pieces)
        )

    def _read(self) -> None:
        while piece := os.read(self._pipe.fileno(), 4096):
            self._pieces.append(
                (time.monotonic(), np.frombuffer(piece[: len(piece) // 2 * 2], dtype=np.int16))
            )


@contextmanager
def sound_server(folder: Path, more_sinks: Sequence[str] = ()) -> Iterator[dict[str, str]]:
    """Runs the server; yields the environment that leads programs to it. The first sink is the usual one."""
    # Sockets have short names; pytest's folders do not.
    with tempfile.TemporaryDirectory(prefix="rs-") as runtime:
        environment = {**os.environ, "XDG_RUNTIME_DIR": runtime, "HOME": str(folder), "PULSE_SERVER": ""}
        del environment["PULSE_SERVER"]
        modules = ["-L", "module-native-protocol-unix"]
        for sink in (SINK, *more_sinks):
            modules += ["-L", f"module-null-sink sink_name={sink}"]
        with subprocess.Popen(
            ["pulseaudio", "--daemonize=no", "--exit-idle-time=-1", "-n", *modules],
            env=environment,
            stderr=subprocess.DEVNULL,
        ) as server:
            try:
                _wait_until_it_answers(environment)
                yield environment
            finally:
                server.terminate()
                server.wait()


@contextmanager
def recording(environment: dict[str, str], folder: Path, sink: str = SINK) -> Iterator[Recording]:
    """Records what the server plays."""
    file = folder / f"heard-{sink}.raw"
    command = ["parec", f"--device={sink}.monitor", f"--rate={RATE_HZ}", "--channels=1", "--format=s16le"]
    with (
        file.open("wb") as out,
        subprocess.Popen(
            [*command, "--latency-msec=10"], env=environment, stdout=out, stderr=subprocess.DEVNULL
        ) as recorder,
    ):
        try:
            end_s = time.monotonic() + 60
            while not file.stat().st_size:
                assert time.monotonic() < end_s, "nothing is recorded"
                time.sleep(0.02)
            yield Recording(file)
        finally:
            recorder.terminate()
            recorder.wait()


@contextmanager
def timed_recording(environment: dict[str, str]) -> Iterator[TimedRecording]:
    """Records what the server plays, with times."""
    command = ["parec", f"--device={SINK}.monitor", f"--rate={RATE_HZ}", "--channels=1", "--format=s16le"]
    with subprocess.Popen(
        [*command, "--latency-msec=5"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as recorder:
        assert recorder.stdout is not None
        heard = TimedRecording(recorder.stdout)
        try:
            end_s = time.monotonic() + 60
            while not heard.has_begun:
                assert time.monotonic() < end_s, "nothing is recorded"
                time.sleep(0.02)
            yield heard
        finally:
            recorder.terminate()
            recorder.wait()
            heard.join()


def _wait_until_it_answers(environment: dict[str, str]) -> None:
    end_s = time.monotonic() + 60
    while subprocess.run(["pactl", "info"], env=environment, capture_output=True, check=False).returncode:
        assert time.monotonic() < end_s, "PulseAudio does not answer"
        time.sleep(0.05)
