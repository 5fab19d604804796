"""A private PulseAudio with nothing behind it but an ear: what is played into it is recorded."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

RATE_HZ = 16_000
_SINK = "ringside_test"


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


@contextmanager
def sound_server(folder: Path) -> Iterator[dict[str, str]]:
    """Runs the server; yields the environment that leads programs to it."""
    # Sockets have short names; pytest's folders do not.
    with tempfile.TemporaryDirectory(prefix="rs-") as runtime:
        environment = {**os.environ, "XDG_RUNTIME_DIR": runtime, "HOME": str(folder), "PULSE_SERVER": ""}
        del environment["PULSE_SERVER"]
        modules = ["-L", "module-native-protocol-unix", "-L", f"module-null-sink sink_name={_SINK}"]
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
def recording(environment: dict[str, str], folder: Path) -> Iterator[Recording]:
    """Records what the server plays."""
    file = folder / "heard.raw"
    command = ["parec", f"--device={_SINK}.monitor", f"--rate={RATE_HZ}", "--channels=1", "--format=s16le"]
    with (
        file.open("wb") as out,
        subprocess.Popen(
            [*command, "--latency-msec=10"], env=environment, stdout=out, stderr=subprocess.DEVNULL
        ) as recorder,
    ):
        try:
            end_s = time.monotonic() + 10
            while not file.stat().st_size:
                assert time.monotonic() < end_s, "nothing is recorded"
                time.sleep(0.02)
            yield Recording(file)
        finally:
            recorder.terminate()
            recorder.wait()


def _wait_until_it_answers(environment: dict[str, str]) -> None:
    end_s = time.monotonic() + 20
    while subprocess.run(["pactl", "info"], env=environment, capture_output=True, check=False).returncode:
        assert time.monotonic() < end_s, "PulseAudio does not answer"
        time.sleep(0.05)
