"""What was said, in the window: found, coloured, copied with its times, and followed to the newest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.window.state.messages import Message
from tests.app.window.conftest import Desk, watch


def test_words_are_found_in_what_was_said_while_more_comes(desk: Desk) -> None:
    async def play() -> None:
        await watch(desk)
        panel = desk.window.transcript
        word = desk.state.transcript.rows[0].text.split()[0]
        QTest.keyClick(desk.window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
        assert panel.find_box.hasFocus()
        QTest.keyClicks(panel.find_box, word.upper())
        matches = desk.state.transcript.find(word)
        assert panel.found == f"1 of {len(matches)}"
        QTest.keyClicks(panel.find_box, "zzz")
        assert panel.found == "Nothing found"
        assert not panel.view.is_following or not panel.view.verticalScrollBar().maximum()
        QTest.keyClick(panel.find_box, Qt.Key.Key_Escape)
        assert panel.find_box.text() == ""

    desk.run(play())


def test_a_transcript_of_hours_is_found_coloured_and_copied_with_its_times(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        panel, transcript = desk.window.transcript, desk.state.transcript
        for second in range(0, 4000, 2):
            transcript.add_words(second, ["Pass", "to", "Lind." if second % 500 else "Okafor."])
        panel.find_box.setText("okafor")
        assert panel.found == "1 of 8"
        assert [s.cursor.selectedText() for s in panel.view.extraSelections()] == ["Okafor"]
        for _ in range(7):
            panel.walk(1)
        assert panel.found == "8 of 8"
        cursor = panel.view.textCursor()
        assert transcript.rows[cursor.blockNumber()].text == "Pass to Okafor."
        assert panel.view.viewport().rect().contains(panel.view.cursorRect())
        assert "58:20" in panel.view.accessibleDescription()
        panel.view.selectAll()
        panel.view.copy()
        lines = QApplication.clipboard().text().splitlines()
        assert lines[:2] == ["00:00  Pass to Okafor.", "00:02  Pass to Lind."]
        assert lines[-1] == "1:06:38  Pass to Lind."

    desk.run(play())


COPY_AND_QUIT = """
import asyncio, sys
from pathlib import Path
from PySide6.QtWidgets import QApplication
from tests.app.window.conftest import Desk

application = QApplication(["ringside"])
desk = Desk(application, Path(sys.argv[1]))

async def play():
    desk.window.show()
    desk.state.transcript.add_words(0, ["Pass", "to", "Lind."])
    desk.window.transcript.view.selectAll()
    desk.window.transcript.view.copy()
    await desk.close()

desk.run(play())
desk.window.deleteLater()
desk.loop.close()
print(application.clipboard().text())
"""


def test_what_was_copied_is_still_there_when_the_window_closes_and_the_program_ends_well(
    tmp_path: Path,
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", COPY_AND_QUIT, str(tmp_path / "settings.json")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert (ended.returncode, ended.stdout) == (0, "00:00  Pass to Lind.\n"), ended.stderr


def test_the_transcript_follows_the_newest_unless_a_person_scrolled_up(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        view, transcript = desk.window.transcript.view, desk.state.transcript
        bar = view.verticalScrollBar()
        for second in range(200):
            transcript.add_words(second, [f"Sentence {second}."])
        assert bar.value() == bar.maximum() > 0
        bar.setValue(10)
        assert desk.window.transcript.newest_button.isVisible()
        transcript.add_words(200, ["One more."])
        assert bar.value() == 10
        desk.window.transcript.newest_button.click()
        assert bar.value() == bar.maximum()
        transcript.add_words(201, ["And another."])
        assert bar.value() == bar.maximum()

    desk.run(play())


def test_the_newest_stays_in_sight_when_large_text_leaves_little_room(desk: Desk) -> None:
    sentences = (
        "The Sailors kick off, Dudek on the ball.",
        "Mokoena feeds Brunet.",
        "Hasegawa switches, Popescu.",
    )
    text = "The camera stopped sending pictures. Another program uses it, or its plug is loose."

    async def play() -> None:
        await desk.open()
        desk.controller.remember(has_finished_first_start=True)
        desk.controller.choose_text_scale(200)
        window, view, transcript = desk.window, desk.window.transcript.view, desk.state.transcript
        bar, lost = view.verticalScrollBar(), list[bool]()
        view.following_changed.connect(lost.append)
        window.resize(1280, 720)
        for second, sentence in enumerate(3 * sentences):
            for word in sentence.split():
                transcript.add_words(second, [word])
            window.top_bar.details_button.setChecked(True)
            await desk.until_still(view.size, 0.1)
            window.top_bar.details_button.setChecked(False)
            desk.state.messages.show(Message(text=text, details="where", action="Choose another…"))
            window.message_bar.details_button.setChecked(True)
            await desk.until_still(view.size, 0.1)
            assert lost == [], second
            await desk.until(lambda: bar.value() == bar.maximum())
            desk.state.messages.dismiss()

    desk.run(play())
