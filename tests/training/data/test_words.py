"""Transcripts and the editor's rulings, on examples worked by hand."""

import pytest

from training.data.asking import MalformedError
from training.data.cutting import bounded
from training.data.edit import Ruling, apply, retime, rulings_of, windows_of
from training.data.errors import UnusableError
from training.data.transcripts import Transcript, from_whisperx, from_words, within

SENTENCE = ((10.0, 10.4, "Golf"), (10.4, 10.8, "by"), (11.0, 11.6, "Okafor."))


def test_whisperx_words_without_times_lie_between_their_neighbours() -> None:
    transcript = from_whisperx(
        {
            "segments": [
                {
                    "start": 1.0,
                    "end": 3.0,
                    "text": "After 90 long minutes",
                    "words": [
                        {"word": "After", "start": 1.0, "end": 1.4},
                        {"word": "90"},
                        {"word": "long"},
                        {"word": "minutes", "start": 2.4, "end": 3.0},
                    ],
                },
                {"start": 5.0, "end": 6.0, "text": "full time", "words": []},
            ]
        }
    )
    assert transcript.words == [
        (1.0, 1.4, "After"),
        (1.4, 1.9, "90"),
        (1.9, 2.4, "long"),
        (2.4, 3.0, "minutes"),
        (5.0, 5.5, "full"),
        (5.5, 6.0, "time"),
    ]
    assert [len(segment) for segment in transcript.segments] == [4, 2]
    assert transcript.repairs["interpolated"] == 4


def test_words_that_are_swapped_out_of_order_or_not_words_are_put_right_and_counted() -> None:
    transcript = from_whisperx({"content": [[2.0, 1.6, "b"], [0.5, 0.9, "a"], [3.0, None, "x"], [4, 5, " "]]})
    assert transcript.words == [(0.5, 0.9, "a"), (1.6, 2.0, "b")]
    assert transcript.repairs["swapped"] == 1
    assert transcript.repairs["out_of_order"] == 1
    assert transcript.repairs["dropped"] == 2


def test_words_after_the_videos_end_are_dropped() -> None:
    transcript = within(from_words([[1, 2, "a"], [9, 10, "Thanks"], [30, 31, "for watching"]]), 9.5)
    assert [word for _, _, word in transcript.words] == ["a", "Thanks"]
    assert transcript.repairs["after_the_end"] == 1


@pytest.mark.parametrize("value", [{}, [], {"segments": []}, {"segments": [{"text": ""}]}, {"content": []}])
def test_a_transcript_that_says_nothing_is_refused(value: object) -> None:
    with pytest.raises(UnusableError):
        from_whisperx(value)


def test_an_edited_word_keeps_the_time_of_what_it_replaces() -> None:
    assert retime(SENTENCE, ["Goal", "by", "Okafor!"]) == [
        (10.0, 10.4, "Goal"),
        (10.4, 10.8, "by"),
        (11.0, 11.6, "Okafor!"),
    ]


def test_words_put_in_share_the_pause_and_words_taken_out_leave_one() -> None:
    assert retime(SENTENCE, ["Golf", "by", "big", "Okafor."])[2] == (10.8, 11.0, "big")
    assert retime(SENTENCE, ["Okafor."]) == [(11.0, 11.6, "Okafor.")]
    together = retime(SENTENCE, ["What", "a", "goal", "by", "Okafor."])
    assert [start for start, _, _ in together] == sorted(start for start, _, _ in together)
    assert together[0][0] == 10.0
    assert together[2][1] == pytest.approx(10.4)


def test_rulings_are_applied_segment_by_segment() -> None:
    transcript = Transcript(segments=(SENTENCE, ((20.0, 20.5, "Buy"), (20.5, 21.0, "now!")), SENTENCE))
    edited = apply(
        transcript,
        [Ruling(verdict="keep"), Ruling(verdict="delete"), Ruling(verdict="edit", text="Goal by Okafor.")],
    )
    assert edited.segments == (SENTENCE, ((10.0, 10.4, "Goal"), *SENTENCE[1:]))


def test_a_segment_belongs_to_the_window_in_which_it_begins() -> None:
    starts = [0.0, 119.0, 120.0, 250.0, 610.0]
    transcript = Transcript(segments=tuple(((start, start + 5, "word"),) for start in starts))
    assert [list(window) for window in windows_of(transcript, 120)] == [[0, 1], [2], [3], [4]]


@pytest.mark.parametrize(
    ("segments", "says"),
    [
        ([{"id": 0, "verdict": "keep", "text": ""}], "1 of 2 segments"),
        ([{"id": 0, "verdict": "keep", "text": ""}, {"id": 0, "verdict": "keep", "text": ""}], "each once"),
        ([{"id": 0, "verdict": "keep", "text": ""}, {"id": 2, "verdict": "keep", "text": ""}], "each once"),
        ([{"id": 0, "verdict": "maybe", "text": ""}], "maybe"),
        ([{"id": 0, "verdict": "edit", "text": " "}], "no text"),
        ([{"id": 0, "verdict": "edit", "text": "word " * 40}], "has grown"),
    ],
)
def test_an_answer_that_is_not_one_ruling_a_segment_is_not_used(segments: list[object], says: str) -> None:
    with pytest.raises(MalformedError, match=says):
        rulings_of({"segments": segments}, [4, 4])


def test_a_long_previous_keeps_what_training_reads() -> None:
    words = [str(number) for number in range(5000)]
    short = bounded(" ".join(words)).split()
    assert short[:512] == words[:512]
    assert short[-511:] == words[-511:]
    assert len(short) < 1300
    assert bounded("a b") == "a b"
