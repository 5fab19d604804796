"""Listens to a narrated video: when sound begins, how loud a tone is, and what stands in the subtitles.

    python -m tests.app.narrate.listening VIDEO.mp4 TRANSCRIPT

tells how far each phrase of the transcript is from where it is heard. Knows nothing of how the video was made.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

RATE_HZ = 48_000
_FRAME = RATE_HZ // 200  # 5 ms
_LOUD = 0.006
Sound = npt.NDArray[np.float32]


def sound_of(path: Path) -> Sound:
    """The video's sound as a player hears it on the left, at its own times from 0."""
    parts: list[tuple[int, Sound]] = []
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="fltp", layout="stereo", rate=RATE_HZ)
        for frame in container.decode(audio=0):
            for part in resampler.resample(frame):
                assert part.pts is not None
                assert part.time_base is not None
                parts.append((round(float(part.pts * part.time_base) * RATE_HZ), part.to_ndarray()[0]))
    sound = np.zeros(max(at + len(samples) for at, samples in parts), dtype=np.float32)
    for at, samples in parts:
        sound[max(0, at) : at + len(samples)] = samples[max(0, -at) :]
    return sound


def levels(sound: Sound) -> npt.NDArray[np.float64]:
    """Root mean square of every 5 ms."""
    frames = sound[: len(sound) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(np.float64)
    return np.sqrt(np.mean(frames**2, axis=1))


def onsets_s(sound: Sound) -> npt.NDArray[np.float64]:
    """Moments at which it becomes loud after at least 15 ms of quiet."""
    loud = np.concatenate([[False] * 3, levels(sound) > _LOUD])
    begins = [i for i in range(3, len(loud)) if loud[i] and not loud[i - 3 : i].any()]
    return (np.array(begins) - 3) * _FRAME / RATE_HZ


def offsets_ms(sound: Sound, starts_s: list[float]) -> list[float]:
    """For each start, how much later (or, negative, earlier) the nearest onset is heard, in milliseconds."""
    heard = onsets_s(sound)
    return [float(1000 * (heard[np.abs(heard - start).argmin()] - start)) for start in starts_s]


def tone_level(sound: Sound, frequency_hz: float, start_s: float, end_s: float) -> float:
    """The amplitude of one frequency in a stretch of time."""
    part = sound[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)].astype(np.float64) * np.hanning(
        round(end_s * RATE_HZ) - round(start_s * RATE_HZ)
    )
    wave = np.exp(-2j * np.pi * frequency_hz * np.arange(len(part)) / RATE_HZ)
    return float(4 * np.abs(np.dot(part, wave)) / len(part))


def subtitles_of(path: Path) -> list[tuple[float, float, str]]:
    """Start, end and text of every subtitle."""
    found = []
    with av.open(str(path)) as container:
        for packet in container.demux(container.streams.subtitles[0]):
            if packet.pts is None or packet.time_base is None:
                continue
            raw = bytes(packet)
            (size,) = struct.unpack(">H", raw[:2])
            if size:
                start_s = float(packet.pts * packet.time_base)
                end_s = start_s + float((packet.duration or 0) * packet.time_base)
                found.append((start_s, end_s, raw[2 : 2 + size].decode("utf-8")))
    return found


def main(video: Path, transcript: Path) -> int:
    """Print how far phrases are from their times."""
    from app.narrate import read_transcript
    from app.narrate.fitting import lines_from

    starts_s = [line.start_s for line in lines_from(read_transcript(transcript))]
    offsets = np.array(offsets_ms(sound_of(video), starts_s))
    worst = int(np.abs(offsets).argmax())
    sys.stdout.write(
        f"{len(offsets)} phrases; offset of the nearest onset: median {np.median(offsets):+.0f} ms, "
        f"p95 {np.percentile(np.abs(offsets), 95):.0f} ms, worst {offsets[worst]:+.0f} ms "
        f"at {starts_s[worst]:.2f} s; within 100 ms: {int((np.abs(offsets) <= 100).sum())}\n"
    )
    return 0 if np.abs(offsets).max() <= 100 else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
