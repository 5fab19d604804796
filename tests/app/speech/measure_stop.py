"""How long it takes from the order to be silent to silence, as it is heard at the end of the sound server.

    python -m tests.app.speech.measure_stop [NUM]

The moment of silence is when the last loud sample arrives at a recorder behind the server, so the recorder's own delay
counts as ours. Prints milliseconds; ends with 1 if the slowest took more than 50.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.app.speech.sound_server import sound_server, timed_recording
from tests.app.speech.speaker import speaking, until

LOUD = 60.0
BAR_MS = 50.0
SENTENCE = (
    "Okafor shoots from a long way out, and the keeper of the Bears can only watch it go in, while everybody in the "
    "ground is on their feet and nobody can believe it."
)


def main(num: int) -> int:
    """Measure `num` times; returns the exit code."""
    took_ms = []
    with (
        tempfile.TemporaryDirectory() as folder,
        sound_server(Path(folder)) as environment,
        speaking(environment) as speaker,
        timed_recording(environment) as heard,
    ):
        speaker.ask("check")
        speaker.wait_for("SpeechReady")
        for number in range(1, num + 1):
            speaker.events.clear()
            speaker.ask("say", SENTENCE)
            until(lambda: heard.is_loud(0.1, LOUD))
            time.sleep(random.uniform(0.3, 2.0))
            until(lambda: heard.is_loud(0.03, LOUD))  # not in a pause between two words
            speaker.ask("stop")
            stopped_at_s = speaker.wait_for("stopped")["at_s"]
            speaker.wait_for("SpeechEnded", text_id=number)
            time.sleep(0.4)
            took_ms.append(1000 * (heard.last_loud_at_s(LOUD) - stopped_at_s))
    sys.stdout.write(
        f"{num} stops: median {np.median(took_ms):.1f} ms, p95 {np.percentile(took_ms, 95):.1f} ms, "
        f"slowest {max(took_ms):.1f} ms (each: {', '.join(f'{ms:.0f}' for ms in took_ms)})\n"
    )
    return 0 if max(took_ms) <= BAR_MS else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
