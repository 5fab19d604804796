"""Matches of the demo league with spoken commentary, and transcripts as WhisperX would write them, faults included."""

import json
import subprocess
import wave
from pathlib import Path

import numpy as np

from training.demo_league.commentate import TimedWord, narrate
from training.demo_league.records import Match
from training.demo_league.render import render
from training.demo_league.simulate import simulate

RATE = 22050
SPONSOR = "This half is brought to you by our sponsor."


def make_match(seed: int, minutes: float, videos: Path, whisperx: Path) -> None:
    """Write match_SEED.mp4 with its commentary spoken, match_SEED.json with its title, and WhisperX's file."""
    name = f"match_{seed}"
    match = simulate(seed, minutes)
    silent = whisperx / f"{name}.silent.mp4"
    render(match, silent, title=videos / f"{name}.json")
    sound = whisperx / f"{name}.wav"
    _speak(match, sound)
    spoken = videos / f"{name}.mp4"
    subprocess.run(
        ["ffmpeg", "-y", "-v", "error", "-i", silent, "-i", sound, "-c:v", "copy", "-c:a", "aac", spoken],
        check=True,
    )
    silent.unlink()
    sound.unlink()
    (whisperx / f"{name}.json").write_text(json.dumps(whisperx_of(match)), encoding="utf-8")


def whisperx_of(match: Match) -> dict[str, object]:
    """The commentary as WhisperX tells it: "kicks" misheard, an advertisement, swapped times, words without times."""
    segments = []
    for number, sentence in enumerate(sentences(match)):
        words: list[dict[str, object]] = []
        for at, (start, end, word) in enumerate(sentence):
            heard = word.replace("kick", "kid")
            entry: dict[str, object] = {"word": heard, "start": start, "end": end, "score": 0.9}
            if number % 7 == 2 and at == 1:
                entry["start"], entry["end"] = end, start
            if number % 7 == 4 and at == 1:
                del entry["start"], entry["end"]
            words.append(entry)
        text = " ".join(str(entry["word"]) for entry in words)
        segments.append(
            {"start": sentence[0].start_s, "end": sentence[-1].end_s, "text": text, "words": words}
        )
    last = sentences(match)[-1][-1].end_s
    # Not aligned at all, as WhisperX leaves a segment whose sounds it can't place.
    segments.append({"start": last + 0.1, "end": last + 2.0, "text": SPONSOR, "words": []})
    return {"segments": segments, "language": "en"}


def sentences(match: Match) -> list[list[TimedWord]]:
    """The commentary in sentences."""
    found: list[list[TimedWord]] = [[]]
    for word in narrate(match):
        found[-1].append(word)
        if word.word.endswith((".", "!", "?")):
            found.append([])
    return [sentence for sentence in found if sentence]


def _speak(match: Match, path: Path) -> None:
    track = np.zeros(int(match.duration_s * RATE), np.int32)
    for sentence in sentences(match):
        text = " ".join(word for _, _, word in sentence)
        spoken = subprocess.run(
            ["espeak-ng", "-s", "220", "--stdout", text], check=True, capture_output=True
        ).stdout
        pcm = np.frombuffer(spoken[44:][: len(spoken[44:]) // 2 * 2], np.int16)
        at = int(sentence[0].start_s * RATE)
        room = track[at : at + len(pcm)]
        room += pcm[: len(room)]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.clip(track, -32768, 32767).astype(np.int16).tobytes())
