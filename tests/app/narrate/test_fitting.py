"""Each phrase at its own time, none over another, and no word lost without being counted."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import numpy as np
import pytest

from app.captions import Phrase
from app.narrate import read_transcript
from app.narrate.errors import TranscriptError
from app.narrate.fitting import FASTEST, LATEST_S, Fitter, Line, Samples, lines_from, trim

RATE_HZ = 8000
WORD_S = 0.3


def say(text: str, rate: float) -> tuple[Samples, int]:
    """A voice of which everything is known: a word takes 0.3 s, with a quarter of a second of silence after them all."""
    num_samples = round(len(text.split()) * WORD_S / rate * RATE_HZ)
    return np.concatenate([np.full(num_samples, 0.5, np.float32), np.zeros(2000, np.float32)]), RATE_HZ


def phrases(*words: str) -> list[Phrase]:
    return [Phrase(float(k), k + 1.0, text) for k, text in enumerate(words) if text]


def test_a_phrase_that_fits_is_spoken_at_its_time_and_as_fast_as_was_asked_for() -> None:
    fitter = Fitter(say, rate=1.2)
    spoken = list(fitter.fit(lines_from(phrases("Okafor shoots", "", "it is in"))))
    assert [(one.start_s, one.text, one.rate) for one in spoken] == [
        (0.0, "Okafor shoots", 1.2),
        (2.0, "it is in", 1.2),
    ]
    assert len(spoken[0].samples) == pytest.approx(2 * WORD_S / 1.2 * RATE_HZ, abs=200)
    assert fitter.num_faster == fitter.num_left_out == 0


def test_a_long_phrase_uses_the_silence_after_it_before_it_is_hurried() -> None:
    (first, _) = Fitter(say).fit(lines_from(phrases("one two three four five six", "", "next")))
    assert first.rate == 1.0
    assert first.end_s < 2.0
    (first, _) = Fitter(say).fit(lines_from(phrases("one two three four", "next")))
    assert 1.2 < first.rate < FASTEST
    assert first.end_s <= 1.0


def test_words_that_do_not_fit_are_said_first_thing_in_the_next_phrase_if_it_has_room() -> None:
    fitter = Fitter(say)
    first, second = fitter.fit(lines_from(phrases("one two three four five six seven", "eight")))
    assert f"{first.text} {second.text}" == "one two three four five six seven eight"
    assert first.end_s <= 1.0 + LATEST_S
    assert fitter.num_left_out == 0


def test_nothing_overlaps_or_is_late_and_every_word_is_spoken_or_counted_whatever_is_said() -> None:
    for seed in range(60):
        chance = random.Random(seed)
        said = []
        start_s = 0.0
        for number in range(25):
            start_s += chance.choice([0.05, 0.4, 1.0, 1.0, 1.0, 2.0, 5.0])
            said.append(
                Phrase(start_s, start_s + 1, " ".join(f"w{number}-{k}" for k in range(chance.randint(1, 12))))
            )
        fitter = Fitter(say, rate=chance.choice([0.8, 1.0, 1.5]))
        lines = lines_from(said)
        spoken = list(fitter.fit(lines, end_s=start_s + 3))
        assert len(spoken) == len(lines)
        for one, line in zip(spoken, lines, strict=True):
            assert 0 <= one.start_s - line.start_s <= LATEST_S + 0.05
        for before, after in itertools.pairwise(spoken):
            assert before.end_s <= after.start_s
        assert spoken[-1].end_s <= start_s + 3
        all_words = [word for phrase in said for word in phrase.text.split()]
        heard = [word for one in spoken for word in one.text.split()]
        assert len(all_words) - len(heard) == fitter.num_left_out
        assert [word for word in all_words if word in set(heard)] == heard


def test_phrases_that_begin_together_are_one_and_sentences_can_be_spoken_whole() -> None:
    close = [Phrase(1.0, 1.2, "Goal!"), Phrase(1.2, 2.0, "What a goal!")]
    assert lines_from(close) == [Line(1.0, 2.0, "Goal! What a goal!")]
    said = phrases("Goal! The", "scorer is Kondo,", "and they lead.", "Kick-off.")
    assert [line.text for line in lines_from(said, whole_sentences=True)] == [
        "Goal! The scorer is Kondo, and they lead.",
        "Kick-off.",
    ]


def test_chinese_is_shortened_by_characters_and_nothing_of_it_is_lost_in_the_middle() -> None:
    def say_characters(text: str, rate: float) -> tuple[Samples, int]:
        num_samples = round(sum(c.isalnum() for c in text) * 0.2 / rate * RATE_HZ)
        return np.full(num_samples, 0.5, np.float32), RATE_HZ

    said = phrases("狮队夺回球权，奥卡福一路带球杀入禁区", "射门", "球进了。")
    fitter = Fitter(say_characters)
    lines = lines_from(said)
    spoken = list(fitter.fit(lines))
    assert spoken[0].text.startswith("狮队夺回球权")
    assert spoken[0].end_s <= 1.0 + LATEST_S
    assert len(spoken[0].samples) == round(
        sum(c.isalnum() for c in spoken[0].text) * 0.2 / spoken[0].rate * RATE_HZ
    )
    heard = "".join(one.text for one in spoken)
    assert sum(c.isalnum() for c in "".join(phrase.text for phrase in said)) == fitter.num_left_out + sum(
        c.isalnum() for c in heard
    )
    assert [line.text for line in lines_from(said, whole_sentences=True)] == ["".join(p.text for p in said)]


def test_silence_before_and_after_speech_is_not_speech() -> None:
    samples = np.zeros(8000, np.float32)
    samples[3000:5000] = 0.4
    assert len(trim(samples, RATE_HZ)) == pytest.approx(2000, abs=110)
    assert len(trim(np.zeros(100, np.float32), RATE_HZ)) == 0


def test_a_transcript_comes_back_from_every_form_that_has_times(tmp_path: Path) -> None:
    from app.captions import write_captions

    said = [Phrase(1.0, 2.0, "Goal & more <b>"), Phrase(3661.25, 3662.5, "It is 2 - 1.")]
    for ending in ("srt", "vtt", "jsonl"):
        file = tmp_path / f"said.{ending}"
        write_captions(file, said)
        again = read_transcript(file)
        assert [(p.start_s, p.end_s) for p in again] == [(p.start_s, p.end_s) for p in said]
        assert again[1].text == said[1].text
        assert again[0].text.startswith("Goal & more")
    # As other programs leave it: a mark at the front, Windows' line ends, a comma in VTT, markup.
    edited = tmp_path / "edited.srt"
    edited.write_bytes(
        b"\xef\xbb\xbf1\r\n00:00:01,000 --> 00:00:02,000\r\n<i>Edited</i>\r\nby hand\r\n\r\n"
        b"2\r\n00:00:05,500 --> 00:00:06,000\r\n...\r\n"
    )
    assert read_transcript(edited) == [Phrase(1.0, 2.0, "Edited by hand")]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("said.txt", "Goal!", "says nothing of times"),
        ("said.srt", "Goal!", "no phrase"),
        ("said.jsonl", '{"start": 1}', "line 1"),
        ("said.jsonl", "[1]", "line 1"),
        ("said.srt", "1\n00:00:05,000 --> 00:00:04,000\nBackwards\n", "cannot last"),
    ],
)
def test_what_is_no_transcript_is_said_in_words(tmp_path: Path, name: str, content: str, words: str) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    with pytest.raises(TranscriptError, match=words):
        read_transcript(file)
