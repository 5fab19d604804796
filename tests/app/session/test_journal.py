"""Journals: what stands in them, and what is left of them whatever happens."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.captions import Phrase
from app.errors import JournalError
from app.session import Journal, SessionHead, cut_off_sessions, earlier_sessions, read_session, settle

ROOT = Path(__file__).resolve().parents[3]
HEAD = SessionHead(
    name="Lions v Bears: a/b",
    began_at="2026-11-22T17:29:03+01:00",
    kind="file",
    path="/v.mp4",
    title="7 Okafor",
)
PHRASES = [Phrase(float(i), i + 1.0, f"Okafor shoots {i} Größe 日本") for i in range(5)]


def left_open(folder: Path, phrases: list[Phrase]) -> Path:
    """A journal whose program is gone."""
    journal = Journal(folder, HEAD)
    journal.open()
    for phrase in phrases:
        journal.write(phrase)
    assert journal.path is not None
    journal._let_go()  # as the system does when a process is killed
    return journal.path


def test_a_session_is_read_back_as_it_was(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "new" / "folder", HEAD)
    for phrase in PHRASES:
        journal.write(phrase)
    journal.close("finished")
    assert journal.path is not None
    assert journal.path.name == "2026-11-22 17-29-03 Lions v Bears a b.jsonl"
    session = read_session(journal.path)
    assert session is not None
    assert (session.head, list(session.phrases), session.how) == (HEAD, PHRASES, "finished")
    assert cut_off_sessions(journal.path.parent) == []


def test_every_phrase_is_in_the_file_before_the_next_is_said(tmp_path: Path) -> None:
    journal = Journal(tmp_path, HEAD)
    for count, phrase in enumerate(PHRASES, 1):
        journal.write(phrase)
        assert journal.path is not None
        lines = journal.path.read_text(encoding="utf-8").splitlines()
        assert len(lines) == count + 1
        assert json.loads(lines[-1])["text"] == phrase.text
    journal.close("stopped")


def test_a_session_in_which_nothing_was_said_leaves_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path, HEAD)
    journal.open()
    journal.close("stopped")
    assert list(tmp_path.iterdir()) == []
    left_open(tmp_path, [])
    assert cut_off_sessions(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("num_cut", [0, 1, 7, 30])
def test_a_session_that_was_cut_off_comes_back_but_for_half_a_line(tmp_path: Path, num_cut: int) -> None:
    path = left_open(tmp_path, PHRASES)
    os.truncate(path, path.stat().st_size - num_cut)
    (session,) = cut_off_sessions(tmp_path)
    assert list(session.phrases) == (PHRASES if num_cut == 0 else PHRASES[:-1])
    assert session.num_damaged == 0
    settle(session, "recovered")
    assert cut_off_sessions(tmp_path) == []
    after = read_session(path)
    assert after is not None
    assert (after.phrases, after.how, after.num_damaged) == (session.phrases, "recovered", 0)
    for line in path.read_text(encoding="utf-8").splitlines():
        json.loads(line)


def test_what_a_power_cut_leaves_in_the_middle_costs_only_those_lines(tmp_path: Path) -> None:
    path = left_open(tmp_path, PHRASES)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = b"\0" * len(lines[2])
    lines.insert(4, b'{"start": 1, "end": "x"}\n[]\nnot json\n\xff\xfe\n')
    path.write_bytes(b"".join(lines))
    (session,) = cut_off_sessions(tmp_path)
    assert len(session.phrases) == 4
    assert session.num_damaged > 0


def test_a_session_of_a_living_program_is_not_offered(tmp_path: Path) -> None:
    journal = Journal(tmp_path, HEAD)
    journal.write(PHRASES[0])
    assert cut_off_sessions(tmp_path) == []
    script = (
        "import sys; from pathlib import Path; from app.session import cut_off_sessions;"
        "print(len(cut_off_sessions(Path(sys.argv[1]))))"
    )
    seen = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert seen.stdout.strip() == "0"
    journal.close("finished")


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "match.jsonl").write_text('{"start": 0.0, "end": 1.0, "text": "mine"}\n')
    (tmp_path / "2026-11-22 10-00-00 other.jsonl").write_text("mine too")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert cut_off_sessions(tmp_path) == []
    assert earlier_sessions(tmp_path, 5) == []
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert cut_off_sessions(tmp_path / "is not there") == []


def test_two_sessions_in_one_second_have_two_journals(tmp_path: Path) -> None:
    journals = [Journal(tmp_path, HEAD) for _ in range(3)]
    for journal in journals:
        journal.write(PHRASES[0])
        journal.close("finished")
    assert len({journal.path for journal in journals}) == 3
    assert len(earlier_sessions(tmp_path, 2)) == 2


def test_what_could_not_be_written_is_written_once_the_folder_is_back(tmp_path: Path) -> None:
    folder = tmp_path / "stick" / "sessions"
    journal = Journal(folder, HEAD)
    journal.write(PHRASES[0])
    shutil.rmtree(tmp_path / "stick")
    (tmp_path / "stick").write_text("in the way")
    for phrase in PHRASES[1:3]:
        with pytest.raises(JournalError, match="cannot be kept in"):
            journal.write(phrase)
    (tmp_path / "stick").unlink()
    journal.write(PHRASES[3])
    journal.close("finished")
    assert journal.path is not None
    session = read_session(journal.path)
    assert session is not None
    assert list(session.phrases) == PHRASES[:4]
