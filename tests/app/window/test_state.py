"""What the window shows, without a window: captions that roll, rows with times, a status in words."""

from __future__ import annotations

import dataclasses
import random
import subprocess
import sys
from pathlib import Path

import pytest

from app.captions.words import ends_sentence
from app.session import SessionHead
from app.window.state.app import AppState
from app.window.state.captions import CaptionState, CaptionWord, Line, RollingLines, text_of
from app.window.state.messages import Message, MessageState
from app.window.state.pulse import SIGNAL_TIMEOUT_S, Pulse
from app.window.state.session import Figures, ModelState, Phase, SessionState, Source, StatusKind, WarmUp
from app.window.state.speech import MAX_WORDS_AT_ONCE, SentenceJoiner
from app.window.state.transcript import Match, TranscriptState, clock
from app.window.state.words import WordAssembler

ROOT = Path(__file__).resolve().parents[3]


def by_letters(text: str) -> float:
    return 10.0 * len(text)


def places(line: Line) -> list[tuple[str, float]]:
    return [(placed.word.text, placed.x_px) for placed in line]


def test_words_come_whole_however_the_pieces_are_cut() -> None:
    text = " Okafor shoots,  and it is\nin! Lions lead one nil."
    for seed in range(50):
        cuts = sorted(random.Random(seed).choices(range(len(text) + 1), k=12))
        pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        assembler = WordAssembler()
        words: list[str] = []
        for piece in pieces:
            before = list(words)
            words += assembler.push(piece)
            assert words[: len(before)] == before
        assert words + assembler.finish() == text.split()


def test_a_line_fills_then_rolls_up_and_no_word_moves_within_its_line() -> None:
    lines = RollingLines(by_letters, width_px=200)
    seen: dict[int, tuple[str, float]] = {}
    for index, word in enumerate(
        ["Okafor", "shoots", "and", "it", "is", "in", "the", "Lions", "lead", "one", "nil"]
    ):
        older = places(lines.newest)
        lines.add(CaptionWord(word, float(index)))
        for placed in (*lines.older, *lines.newest):
            number = int(placed.word.phrase_s)
            assert seen.setdefault(number, (placed.word.text, placed.x_px)) == (placed.word.text, placed.x_px)
            assert placed.x_px + placed.width_px <= 200
        if len(lines.newest) == 1 and index:
            assert places(lines.older) == older
    assert places(lines.newest)[0][1] == 0.0
    lines.fit(by_letters, 10_000)
    assert [placed.word.text for placed in lines.newest] == [
        "Okafor",
        "shoots",
        "and",
        "it",
        "is",
        "in",
        "the",
        "Lions",
        "lead",
        "one",
        "nil",
    ]


def test_a_word_wider_than_the_band_is_broken_and_none_of_it_is_cut_off() -> None:
    lines = RollingLines(by_letters, width_px=60, num_lines=5)
    for word in ("so", "Krungthepmahanakhon", "it", "is"):
        lines.add(CaptionWord(word, 0.0))
    assert [places(line) for line in lines.lines] == [
        [("Krungt", 0.0)],
        [("hepmah", 0.0)],
        [("anakho", 0.0)],
        [("n", 0.0), ("it", 20.0)],
        [("is", 0.0)],
    ]
    assert text_of(placed.word for line in lines.lines for placed in line) == "Krungthepmahanakhon it is"


def test_silence_dims_the_last_phrase_and_the_next_words_light_it_again() -> None:
    captions = CaptionState()
    words: list[CaptionWord] = []
    captions.word_added.subscribe(words.append)
    restyled: list[bool] = []
    captions.restyled.subscribe(lambda: restyled.append(captions.is_silent))
    captions.push_piece(3.0, " Goal for")
    captions.push_piece(3.0, " the Lions!")
    assert [word.text for word in words] == ["Goal", "for", "the"]
    captions.end_phrase(3.0)
    assert words[-1] == CaptionWord("Lions!", 3.0)
    assert not captions.is_silent
    captions.end_phrase(4.0)
    captions.end_phrase(5.0)
    assert captions.is_silent
    assert restyled == [True]
    captions.push_piece(6.0, " Kick-off")
    captions.end_phrase(6.0)
    assert not captions.is_silent
    assert words[-1].begins_line


def test_the_phrase_that_is_spoken_is_told_once() -> None:
    captions = CaptionState()
    changes: list[frozenset[float]] = []
    captions.restyled.subscribe(lambda: changes.append(captions.spoken_s))
    captions.mark_spoken((1.0, 2.0))
    captions.mark_spoken((2.0, 1.0))
    captions.mark_spoken(())
    assert changes == [frozenset({1.0, 2.0}), frozenset()]


def test_the_transcript_has_a_row_for_each_sentence_and_its_first_time() -> None:
    transcript = TranscriptState()
    for second, text in enumerate(
        ["Okafor shoots,", "and it is in!", "Lions lead", "one nil.", "", "", "And", ""]
    ):
        transcript.add_words(second, text.split())
        if not text:
            transcript.add_silence()
    assert [(row.start_s, row.text) for row in transcript.rows] == [
        (0, "Okafor shoots, and it is in!"),
        (2, "Lions lead one nil."),
        (6, "And"),
    ]
    transcript.add_words(8, ["again"])
    assert transcript.rows[-1].text == "And again"
    transcript.add_silence()
    transcript.add_silence()
    transcript.add_words(11, ["Corner."])
    assert transcript.rows[-1].text == "Corner."


def test_a_sentence_that_does_not_end_is_broken_into_rows() -> None:
    transcript = TranscriptState()
    for second in range(60):
        transcript.add_words(second, ["and", "so", "on"])
    assert len(transcript.rows) > 3
    assert all(len(row.text) < 160 for row in transcript.rows)


def test_listeners_can_write_the_transcript_along() -> None:
    transcript = TranscriptState()
    copy: list[str] = []
    transcript.row_added.subscribe(lambda index: copy.append(transcript.rows[index].text))

    def grow(index: int, addition: str) -> None:
        copy[index] += addition

    transcript.row_grew.subscribe(grow)
    for second in range(20):
        transcript.add_words(second, ["pass", "to", "Lind." if second % 3 == 0 else "Okafor"])
    assert copy == [row.text for row in transcript.rows]


def test_finding_knows_no_upper_case_and_no_magic_characters() -> None:
    transcript = TranscriptState()
    transcript.add_words(0, ["Goal!", "(It", "is", "GOAL", "number", "two.)"])
    transcript.add_words(1, ["İstanbul", "goals."])
    assert transcript.find("goal") == [Match(0, 0, 4), Match(0, 13, 17), Match(1, 9, 13)]
    assert transcript.find("(It") == [Match(0, 6, 9)]
    assert transcript.find("  ") == []
    assert transcript.find(".*") == []


@pytest.mark.parametrize(
    ("time_s", "words"),
    [(0, "00:00"), (61.9, "01:01"), (3599.9, "59:59"), (3600, "1:00:00"), (36061, "10:01:01")],
)
def test_times_are_written_as_a_clock(time_s: float, words: str) -> None:
    assert clock(time_s) == words


def test_the_status_says_in_words_what_is_going_on() -> None:
    session = SessionState()
    session.update(model=ModelState(name="m", fraction=0.42, doing="reading weights"))
    assert session.status.words == "loading 42%"
    assert session.status.fraction == 0.42
    session.update(model=dataclasses.replace(session.model, is_ready=True))
    assert session.status.kind is StatusKind.EMPTY
    assert not session.can_start
    session.choose(Source(kind="demo", name="Demo match"))
    assert session.status.words == "ready"
    assert session.can_start
    session.update(phase=Phase.STARTING)
    assert session.status.words == "starting"
    session.tell_warm_up(WarmUp(fraction=0.4, doing="Preparing the voice"))
    assert session.status.words == "getting ready 40%"
    assert "preparing the voice" in session.status.sentence
    assert session.status.fraction == 0.4
    session.tell_warm_up(None)
    session.update(phase=Phase.RUNNING, figures=Figures(behind_s=0.4))
    assert session.status.words == "live"
    session.update(figures=Figures(behind_s=3.4))
    assert session.status.words == "behind 3 s"
    session.update(has_signal=False)
    assert session.status.words == "no signal"
    session.update(phase=Phase.PAUSED)
    assert session.status.words == "paused"
    session.update(phase=Phase.FINISHED)
    assert session.status.words == "finished"
    assert session.can_start
    session.update(
        phase=Phase.IDLE, model=dataclasses.replace(session.model, has_failed=True, is_ready=False)
    )
    assert session.status.words == "no model"
    assert not session.can_start


def test_nothing_is_told_when_nothing_is_new() -> None:
    session = SessionState()
    told: list[bool] = []
    session.changed.subscribe(lambda: told.append(True))
    session.update(figures=Figures(behind_s=0.5))
    session.update(figures=Figures(behind_s=0.5))
    assert len(told) == 1


def test_the_pulse_measures_delay_rate_and_what_is_overdue() -> None:
    pulse = Pulse(100.0)
    assert pulse.figures(100.0) == Figures()
    for second in range(4):
        pulse.chunk_came(second + 1.0, 101.0 + second)
        pulse.step_ended(second + 1.0, num_frames=2, step_ms=250.0, num_dropped=0, now_s=101.3 + second)
    figures = pulse.figures(104.4)
    assert figures.behind_s == pytest.approx(0.3)
    assert figures.frames_per_s == pytest.approx(2.0)
    assert figures.step_ms == 250.0
    pulse.chunk_came(5.0, 105.0)
    assert pulse.figures(105.1).behind_s == pytest.approx(0.3)
    assert pulse.figures(108.0).behind_s == pytest.approx(3.0)
    # The next one was dropped: the step after it ends both.
    pulse.chunk_came(6.0, 106.0)
    pulse.step_ended(6.0, num_frames=2, step_ms=900.0, num_dropped=1, now_s=108.5)
    assert pulse.figures(108.5).behind_s == pytest.approx(2.5)
    assert pulse.figures(108.5).num_dropped == 1


def test_a_source_without_pictures_has_no_signal_but_a_pause_is_not_its_fault() -> None:
    pulse = Pulse(0.0)
    pulse.picture_came(10.0)
    assert pulse.has_signal(10.0 + SIGNAL_TIMEOUT_S - 0.1)
    assert not pulse.has_signal(10.0 + SIGNAL_TIMEOUT_S)
    pulse.paused(60.0)
    assert pulse.has_signal(71.0)


def test_phrases_become_sentences_worth_speaking() -> None:
    joiner = SentenceJoiner()
    assert joiner.push(0.0, "Okafor shoots,") is None
    said = joiner.push(1.0, "and it is in!")
    assert said is not None
    assert said.text == "Okafor shoots, and it is in!"
    assert said.phrases_s == (0.0, 1.0)
    assert joiner.push(2.0, "Lions lead") is None
    said = joiner.push(3.0, "")
    assert said is not None
    assert said.text == "Lions lead"
    assert joiner.push(4.0, "") is None
    parts = [joiner.push(float(second), "on and on") for second in range(5, 15)]
    assert all(part is None or len(part.text.split()) <= MAX_WORDS_AT_ONCE + 3 for part in parts)
    assert any(parts)


@pytest.mark.parametrize(
    ("text", "ends"),
    [("in!", True), ('"in."', True), ("No.)", True), ("one,", False), ("nil", False), ("", False)],
)
def test_the_end_of_a_sentence_is_known(text: str, ends: bool) -> None:
    assert ends_sentence(text) is ends


def test_a_message_is_taken_back_when_it_is_no_longer_true() -> None:
    messages = MessageState()
    messages.show(Message(text="No model.", topic="model"))
    messages.take_back("speech")
    assert messages.current is not None
    messages.take_back("model")
    assert messages.current is None


def test_state_and_controller_know_no_qt() -> None:
    script = "import sys, app.window.controller; print(sorted(m for m in sys.modules if 'PySide' in m or m == 'torch'))"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert result.stdout.strip() == "[]"


def test_a_row_leads_to_its_moment_only_in_the_video_that_is_watched() -> None:
    state = AppState()
    match = Source(kind="file", name="match.mp4", path="/match.mp4")
    for source in (
        match,
        Source(kind="file", name="other.mp4", path="/other.mp4"),
        Source(kind="screen", name="Screen"),
    ):
        state.session.choose(source)
        state.record.begin(SessionHead.now(name=source.name, kind=source.kind, path=source.path))
        state.transcript.add_heading(source.name)
        state.transcript.add_words(41.0, ["Goal!"])
        state.record.end("stopped")
    state.session.choose(match)
    assert [state.moment_of_row(row) for row in range(7)] == [None, 41.0, None, None, None, None, None]
    state.session.choose(Source(kind="screen", name="Screen"))
    assert [state.moment_of_row(row) for row in range(6)] == [None] * 6
