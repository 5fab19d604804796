"""Files that are written while a session runs: live transcripts and the text of this moment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.captions import Phrase
from app.errors import CaptionFileError, RingsideError
from app.outputs.export import FORMS, save_transcript, sentences
from app.outputs.file_keeper import FileKeeper
from app.outputs.live_files import LiveFiles
from app.outputs.text_file import write_text_file
from app.outputs.text_lines import TextLines
from app.session import SessionHead, read_session
from app.window.state.captions import CaptionState, CaptionWord

PHRASES = [
    Phrase(41.0, 42.0, "Okafor shoots"),
    Phrase(42.0, 43.0, "and it is in!"),
    Phrase(43.0, 44.0, "Lions lead"),
    Phrase(50.0, 51.0, "After a pause"),
]


def test_a_reader_of_the_text_file_never_sees_half_of_it(tmp_path: Path) -> None:
    path = tmp_path / "now.txt"
    texts = [str(i % 10) * (1 + 997 * (i % 7)) for i in range(600)]
    write_text_file(path, texts[0])
    reading = (
        "import sys\nseen = set()\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    with open(sys.argv[1], encoding='utf-8') as file: text = file.read()\n"
        "    if text == 'end': break\n"
        "    assert text and set(text) == {text[0]} and (len(text) - 1) % 997 == 0, len(text)\n"
        "    seen.add(text)\n"
        "print(len(seen))\n"
    )
    command = [sys.executable, "-c", reading, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        for text in texts:
            write_text_file(path, text)
        write_text_file(path, "end")
        assert int(reader.stdout.read()) > 1
    assert reader.returncode == 0
    assert [file.name for file in tmp_path.iterdir()] == ["now.txt"]


def test_the_text_file_keeps_its_rights_and_follows_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    real, link = tmp_path / "real" / "now.txt", tmp_path / "link.txt"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_text_file(link, "Größe\n日本")
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == "Größe\n日本"
    assert real.stat().st_mode & 0o777 == 0o640


def test_a_text_file_that_cannot_be_written_is_said_and_left(tmp_path: Path) -> None:
    with pytest.raises(CaptionFileError, match="no such file or directory"):
        write_text_file(tmp_path / "no" / "now.txt", "x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(CaptionFileError):
        write_text_file(tmp_path / "folder", "x")
    assert [file.name for file in tmp_path.iterdir()] == ["folder"]


def test_lines_of_text_roll_and_no_word_changes_its_line() -> None:
    lines = TextLines(2, 16)
    shown = []
    for word in ["Lions", "win", "it", "back,", "Okafor", "shoots", "and", "it", "is", "in"]:
        lines.add(CaptionWord(word, 1.0))
        shown.append(lines.text)
    assert shown[3:6] == ["Lions win it\nback,", "Lions win it\nback, Okafor", "back, Okafor\nshoots"]
    assert all(len(line) <= 16 for text in shown for line in text.split("\n"))
    lines.add(CaptionWord("Unbelievable-" * 3, 2.0))
    lines.add(CaptionWord("New", 3.0, begins_line=True))
    assert lines.text == f"{'Unbelievable-' * 3}\nNew"
    lines.fit(1, 40, [CaptionWord("a", 1.0), CaptionWord("b", 1.0)])
    assert lines.text == "a b"


def test_lines_of_text_in_chinese_are_as_wide_as_others_and_have_no_spaces() -> None:
    captions, lines = CaptionState(), TextLines(3, 16)
    captions.word_added.subscribe(lines.add)
    for second, phrase in enumerate(["狮队夺回球权，", "奥卡福射门——球进了！"]):
        captions.push_piece(float(second), phrase)
        captions.end_phrase(float(second))
    assert lines.text == "狮队夺回球权，奥\n卡福射门——球进\n了！"


def test_live_files_hold_every_phrase_before_the_next_is_said(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"live{ending}") for ending in (".srt", ".vtt", ".txt", ".jsonl")]
    files = LiveFiles()
    assert files.begin(paths, has_times=True) == []
    for count, phrase in enumerate(PHRASES, 1):
        assert files.write(phrase) == []
        assert (tmp_path / "live.srt").read_text().count("-->") == count
        assert len((tmp_path / "live.jsonl").read_text().splitlines()) == count
    assert (tmp_path / "live.txt").read_text().startswith("00:41  Okafor shoots\n00:42  and it is in!\n")
    files.close()


def test_a_live_file_of_an_earlier_session_is_set_aside_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "live.vtt"
    files = LiveFiles()
    for text in ("first", "second", "third"):
        files.begin([str(path)], has_times=False)
        files.write(Phrase(0, 1, text))
    files.begin([str(path)], has_times=False)  # nothing is said in the fourth
    files.close()
    files.begin([str(path)], has_times=False)
    files.close()
    texts = {file.read_text().splitlines()[-1 if "until" in file.name else 0] for file in tmp_path.iterdir()}
    kept = sorted(file.read_text() for file in tmp_path.iterdir() if "until" in file.name)
    assert len(kept) == 3, texts
    assert ["first" in kept[0], "second" in kept[1], "third" in kept[2]] == [True] * 3
    assert path.read_text() == "WEBVTT\n\n"


def test_a_file_that_is_chosen_in_the_middle_gets_what_was_said_so_far(tmp_path: Path) -> None:
    files = LiveFiles()
    files.begin([], has_times=False)
    files.write(PHRASES[0])
    files.follow([str(tmp_path / "a.txt")], has_times=False, said=PHRASES[:1])
    files.write(PHRASES[1])
    files.follow([], has_times=False, said=PHRASES[:2])
    files.write(PHRASES[2])
    assert (tmp_path / "a.txt").read_text() == "Okafor shoots\nand it is in!\n"


def test_a_live_file_that_fails_is_said_and_the_others_go_on(tmp_path: Path) -> None:
    files = LiveFiles()
    paths = [str(tmp_path / "a.srt"), str(tmp_path / "no" / "b.srt"), str(tmp_path / "c.odt")]
    problems = files.begin(paths, has_times=False)
    assert ["no/b.srt" in problems[0].line, "c.odt" in problems[1].line] == [True, True]
    files.write(PHRASES[0])
    files.close()
    assert "Okafor" in (tmp_path / "a.srt").read_text()


def test_a_keeper_writes_journal_live_files_and_text_off_the_callers_thread(tmp_path: Path) -> None:
    told: list[tuple[str, RingsideError | None]] = []
    keeper = FileKeeper(lambda topic, error: told.append((topic, error)))
    keeper.start()
    head = SessionHead.now(name="Demo match")
    keeper.begin(tmp_path / "sessions", head, [str(tmp_path / "live.srt")], has_times=False)
    for phrase in PHRASES:
        keeper.say(phrase)
        keeper.show(tmp_path / "now.txt", phrase.text)
    keeper.end("finished")
    keeper.close()
    (journal,) = (tmp_path / "sessions").iterdir()
    session = read_session(journal)
    assert session is not None
    assert (list(session.phrases), session.how) == (PHRASES, "finished")
    assert (tmp_path / "live.srt").read_text().count("-->") == len(PHRASES)
    assert (tmp_path / "now.txt").read_text() == "After a pause"
    assert told == []
    assert "ringside-files" not in {thread.name for thread in threading.enumerate()}


def test_what_goes_wrong_with_a_disk_is_said_once_and_taken_back_when_it_is_well(tmp_path: Path) -> None:
    told: list[tuple[str, bool]] = []
    keeper = FileKeeper(lambda topic, error: told.append((topic, error is not None)))
    (tmp_path / "stick").write_text("in the way")
    head = SessionHead.now(name="Demo match")
    keeper.begin(tmp_path / "stick" / "sessions", head, [], has_times=False)
    for phrase in PHRASES[:2]:
        keeper.say(phrase)
        keeper.show(tmp_path / "stick" / "now.txt", phrase.text)
    keeper._thread.put((tmp_path / "stick").unlink)
    keeper._thread.put((tmp_path / "stick").mkdir)
    keeper.say(PHRASES[2])
    keeper.end("stopped")
    keeper.start()
    keeper.close()
    assert told == [("journal", True), ("text-file", True), ("journal", False)]
    (journal,) = (tmp_path / "stick" / "sessions").iterdir()
    session = read_session(journal)
    assert session is not None
    assert list(session.phrases) == PHRASES[:3]


def test_phrases_are_joined_as_people_read_them() -> None:
    assert [(row.start_s, row.text) for row in sentences(PHRASES)] == [
        (41.0, "Okafor shoots and it is in!"),
        (43.0, "Lions lead"),
        (50.0, "After a pause"),
    ]
    back = [Phrase(9, 10, "one"), Phrase(2, 3, "two")]
    assert [row.text for row in sentences(back)] == ["one", "two"]


def test_phrases_of_a_script_without_spaces_are_joined_without_them() -> None:
    said = [
        Phrase(0.0, 1.0, "狮队夺回球权，"),
        Phrase(1.0, 2.0, "奥卡福"),
        Phrase(2.0, 3.0, "射门。"),
        Phrase(3.0, 4.0, "球进了"),
    ]
    assert [phrase.text for phrase in sentences(said)] == ["狮队夺回球权，奥卡福射门。", "球进了"]


def test_players_get_cues_in_order_also_where_a_person_went_back(tmp_path: Path) -> None:
    back = [Phrase(9, 10, "later"), Phrase(2, 3, "earlier"), Phrase(3, 4, "then")]
    srt = next(form for form in FORMS if form.ending == ".srt")
    text = save_transcript(tmp_path / "a.srt", back, srt).read_text()
    assert [line for line in text.splitlines() if line.isalpha()] == ["earlier", "then", "later"]
    jsonl = next(form for form in FORMS if form.ending == ".jsonl")
    lines = save_transcript(tmp_path / "a.jsonl", back, jsonl).read_text().splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["later", "earlier", "then"]


@pytest.mark.parametrize("form", FORMS, ids=[form.name for form in FORMS])
def test_a_transcript_is_saved_in_every_form(tmp_path: Path, form: object) -> None:
    assert form in FORMS
    wanted = next(one for one in FORMS if one is form)
    path = save_transcript(tmp_path / "my match v2.0", PHRASES, wanted)
    assert path == tmp_path / f"my match v2.0{wanted.ending}"
    text = path.read_text(encoding="utf-8")
    if wanted.name == "Text":
        assert text == "Okafor shoots and it is in!\nLions lead\nAfter a pause\n"
    elif wanted.name == "Text with times":
        assert text == "00:41  Okafor shoots and it is in!\n00:43  Lions lead\n00:50  After a pause\n"
    else:
        assert all(phrase.text in text for phrase in PHRASES)
    assert os.listdir(tmp_path) == [path.name]  # noqa: PTH208 - a name that pathlib would hide is the point
