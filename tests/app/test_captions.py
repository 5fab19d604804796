"""Captions: what stands in the files, and what is left of them whatever happens."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path

import av
import pytest

from app.captions import ENDINGS, CaptionFile, CaptionFiles, Phrase, write_captions
from app.errors import CaptionEndingError, CaptionFileError, UsageError

PHRASES = [
    Phrase(0.0, 1.0, "Okafor shoots"),
    Phrase(1.0, 2.0, "and it is <in> & 2 --> 1!"),
    Phrase(3599.5, 3600.5, "Größe, 日本, 🎉"),
]


def written(path: Path, phrases: list[Phrase]) -> str:
    with CaptionFiles([path]) as files:
        for phrase in phrases:
            files.write(phrase)
    return path.read_bytes().decode("utf-8")


def as_players_read(path: Path) -> list[tuple[float, float, str]]:
    """Start, end and text of every cue, as FFmpeg's demuxers and decoders understand the file."""
    cues = []
    with av.open(str(path)) as container:
        stream = container.streams.subtitles[0]
        for packet in container.demux(stream):
            if packet.pts is None or packet.duration is None or packet.time_base is None:
                continue
            start_s = float(packet.pts * packet.time_base)
            cues.append(
                (start_s, start_s + float(packet.duration * packet.time_base), bytes(packet).decode())
            )
    return cues


def test_srt_is_numbered_blocks_with_a_comma_before_the_milliseconds(tmp_path: Path) -> None:
    text = written(tmp_path / "a.srt", PHRASES)
    assert text == (
        "1\n00:00:00,000 --> 00:00:01,000\nOkafor shoots\n\n"
        "2\n00:00:01,000 --> 00:00:02,000\nand it is <in> & 2 → 1!\n\n"
        "3\n00:59:59,500 --> 01:00:00,500\nGröße, 日本, 🎉\n\n"
    )


def test_vtt_has_its_header_and_escapes_what_has_a_meaning_in_it(tmp_path: Path) -> None:
    text = written(tmp_path / "a.vtt", PHRASES)
    assert text.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nOkafor shoots\n\n")
    assert "and it is &lt;in&gt; &amp; 2 --&gt; 1!" in text
    arrows = [line for line in text.splitlines() if "-->" in line]
    assert all(re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} --> \d\d:\d\d:\d\d\.\d{3}", line) for line in arrows)
    assert len(arrows) == len(PHRASES)


@pytest.mark.parametrize("ending", [".srt", ".vtt"])
def test_players_find_every_phrase_at_its_time(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    written(path, PHRASES)
    cues = as_players_read(path)
    assert [(start, end) for start, end, _ in cues] == [(phrase.start_s, phrase.end_s) for phrase in PHRASES]
    assert cues[0][2] == "Okafor shoots"


def test_jsonl_keeps_times_in_seconds_and_text_as_it_is(tmp_path: Path) -> None:
    lines = written(tmp_path / "a.jsonl", PHRASES).splitlines()
    assert [json.loads(line) for line in lines] == [
        {"start": phrase.start_s, "end": phrase.end_s, "text": phrase.text} for phrase in PHRASES
    ]
    assert "日本" in lines[2]


def test_txt_is_a_phrase_a_line(tmp_path: Path) -> None:
    text = written(tmp_path / "a.txt", PHRASES)
    assert text.splitlines() == [phrase.text for phrase in PHRASES]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_match_without_a_word_leaves_a_valid_empty_file(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    with CaptionFiles([path]) as files:
        files.begin()
    assert path.read_text() == ("WEBVTT\n\n" if ending == ".vtt" else "")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("  two \n\n lines\t", "two lines"),
        ("a\x00b\x1b[31mc\r", "a b [31mc"),
        ("zero\u200bwidth\u2028end", "zero width end"),
        ("می\u200cزند 👨\u200d👩\u200d👧", "می\u200cزند 👨\u200d👩\u200d👧"),
        ("狮队\u3000领先", "狮队 领先"),
    ],
)
def test_a_phrase_is_one_line_without_control_characters(text: str, kept: str) -> None:
    assert Phrase(0, 1, text).text == kept


@pytest.mark.parametrize(
    ("start_s", "end_s", "text"), [(1, 1, "a"), (-1, 1, "a"), (0, float("nan"), "a"), (0, 1, " \n")]
)
def test_a_phrase_without_words_or_duration_is_refused(start_s: float, end_s: float, text: str) -> None:
    with pytest.raises(ValueError):
        Phrase(start_s, end_s, text)


def test_a_step_without_a_word_is_silence() -> None:
    assert Phrase.said(0, 1, " Lions win ... ") == Phrase(0, 1, "Lions win ...")
    for text in ("", "  ", "...", " ... ..."):
        assert Phrase.said(0, 1, text) is None


def test_times_round_to_whole_milliseconds_without_a_sixtieth_second(tmp_path: Path) -> None:
    text = written(tmp_path / "a.srt", [Phrase(59.9996, 119.9994, "x")])
    assert "00:01:00,000 --> 00:01:59,999" in text


def test_every_phrase_is_on_disk_before_the_next_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with CaptionFiles([path, tmp_path / "a.vtt"]) as files:
        for count, phrase in enumerate(PHRASES, 1):
            files.write(phrase)
            assert len(path.read_text().splitlines()) == count
            assert (tmp_path / "a.vtt").read_text().count("-->") == count


def test_what_a_file_held_stays_until_something_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("earlier\n")
    before = path.stat().st_mtime_ns
    with CaptionFiles([path]):
        assert path.read_text() == "earlier\n"
    assert path.read_text() == "earlier\n"
    assert path.stat().st_mtime_ns == before
    assert written(path, PHRASES[:1]) == "Okafor shoots\n"


def test_a_file_that_was_not_there_is_gone_again_if_nothing_was_begun(tmp_path: Path) -> None:
    with CaptionFiles([tmp_path / "a.txt"]):
        pass
    assert list(tmp_path.iterdir()) == []


def test_if_one_file_cannot_be_written_the_others_are_as_they_were(tmp_path: Path) -> None:
    earlier = tmp_path / "a.txt"
    earlier.write_text("earlier\n")
    with pytest.raises(CaptionFileError, match=r"no/b\.srt cannot be written: no such file or directory"):
        CaptionFiles([earlier, tmp_path / "new.srt", tmp_path / "no" / "b.srt"])
    assert earlier.read_text() == "earlier\n"
    assert not (tmp_path / "new.srt").exists()


def test_a_folder_with_the_name_of_a_caption_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.srt").mkdir()
    with pytest.raises(CaptionFileError, match="is a directory"):
        CaptionFile(tmp_path / "a.srt")


def test_a_full_disk_is_told_in_words() -> None:
    full = Path("/dev/full")
    assert full.is_char_device(), "this system has no /dev/full"
    link = Path(f"/dev/shm/ringside-{os.getpid()}.txt")
    link.symlink_to(full)
    try:
        with CaptionFiles([link]) as files, pytest.raises(CaptionFileError, match="no space left on device"):
            files.write(PHRASES[0])
    finally:
        link.unlink()


@pytest.mark.parametrize("name", ["a", "a.doc", "a.srt.bak", ".srt"])
def test_an_unknown_ending_is_refused_with_those_that_are_known(tmp_path: Path, name: str) -> None:
    with pytest.raises(CaptionEndingError) as caught:
        CaptionFile(tmp_path / name)
    assert all(ending in caught.value.line for ending in ENDINGS)
    assert not (tmp_path / name).exists()


def test_endings_in_capitals_are_known(tmp_path: Path) -> None:
    assert written(tmp_path / "A.VTT", PHRASES[:1]).startswith("WEBVTT\n\n")
    assert written(tmp_path / "A.SRT", PHRASES[:1]).startswith("1\n")


def test_the_same_file_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link.srt").symlink_to(tmp_path / "a.srt")
    with pytest.raises(UsageError, match="named twice"):
        CaptionFiles([tmp_path / "a.srt", tmp_path / "link.srt"])
    assert not (tmp_path / "a.srt").exists()


def test_an_export_replaces_a_file_at_once_and_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_text("earlier")
    path.chmod(0o640)
    write_captions(path, PHRASES)
    assert path.read_text().count("-->") == 3
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_an_export_that_fails_leaves_the_earlier_file(tmp_path: Path) -> None:
    (tmp_path / "folder.srt").mkdir()
    with pytest.raises(CaptionFileError):
        write_captions(tmp_path / "folder.srt", PHRASES)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.srt"]
