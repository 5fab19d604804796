"""What was said, outside the window: sessions that come back, files, and the page for OBS, as a person uses them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLineEdit

from app.captions import Phrase
from app.outputs.obs import ObsPhase
from app.session import Journal, SessionHead, read_session
from app.settings import UserSettings
from app.window.menu import Menu
from app.window.state.session import Phase
from tests.app.outputs.obs_server import ObsServer
from tests.app.videos import write_video
from tests.app.window.conftest import Desk
from tests.ports import lasting_port

PHRASES = [Phrase(float(i), i + 1.0, f"Okafor shoots {i}.") for i in range(40)]


def cut_off(folder: Path, phrases: list[Phrase], name: str = "Cup final") -> Path:
    """A session whose program was killed."""
    journal = Journal(folder, SessionHead.now(name=name, kind="file", path="/cup.mp4"))
    journal.open()
    for phrase in phrases:
        journal.write(phrase)
    assert journal.path is not None
    journal._let_go()
    return journal.path


async def said_something(desk: Desk) -> None:
    await desk.open()
    desk.controller.start()
    await desk.until(
        lambda: desk.state.record.latest is not None and len(desk.state.record.latest.phrases) > 1
    )


def opened(desk: Desk) -> Menu:
    """The export menu as it is shown."""
    desk.window.exporting.menu.fill()
    return desk.window.exporting.menu


def entry(desk: Desk, start: str) -> Callable[[], None]:
    """The act of an entry of the export menu."""
    return next(action for action in opened(desk).actions() if action.text().startswith(start)).trigger


async def answer_dialog(desk: Desk, path: Path, name_filter: str = "") -> None:
    """Type a path into the file dialog and press its button."""
    await desk.until(lambda: bool(desk.window.findChildren(QFileDialog)))
    dialog = desk.window.findChildren(QFileDialog)[-1]
    await desk.until(dialog.isVisible)
    if name_filter:
        dialog.selectNameFilter(name_filter)
        dialog.filterSelected.emit(name_filter)
    edit = dialog.findChild(QLineEdit, "fileNameEdit")
    assert edit is not None
    # Letter by letter, the list of suggestions would take the Return.
    edit.setText(str(path))
    QTest.keyClick(edit, Qt.Key.Key_Return)
    await desk.until(lambda: not dialog.isVisible())


def test_every_run_leaves_a_journal_with_all_that_was_said(
    short_match: None, desk: Desk, tmp_path: Path
) -> None:
    async def play() -> None:
        await said_something(desk)
        await desk.until(lambda: desk.state.session.phase is Phase.FINISHED)
        said = list(desk.state.record.sessions[0].phrases)
        await desk.close()
        (path,) = (tmp_path / "sessions").iterdir()
        session = read_session(path)
        assert session is not None
        assert (list(session.phrases), session.how) == (said, "finished")
        assert session.head.name == "Demo match"
        assert session.head.title.startswith("Lions in red")

    desk.run(play())


def test_a_run_in_which_nothing_was_said_leaves_nothing(desk: Desk, tmp_path: Path) -> None:
    async def play() -> None:
        await desk.open()
        desk.controller.start()
        await desk.until(lambda: desk.state.record.is_running)
        desk.controller.start_or_stop()
        assert desk.state.record.latest is None
        await desk.close()
        assert list((tmp_path / "sessions").iterdir()) == []

    desk.run(play())


def test_a_session_that_was_cut_off_is_offered_and_comes_back_whole(
    make_desk: Callable[[], Desk], tmp_path: Path
) -> None:
    path = cut_off(tmp_path / "sessions", PHRASES)
    with path.open("a") as file:
        file.write('{"start": 40.0, "en')
    desk = make_desk()

    async def play() -> None:
        await desk.open()
        bar = desk.window.message_bar
        await desk.until(
            lambda: bar.action_button.isVisible() and bar.action_button.text() == "Bring it back"
        )
        assert "“Cup final”" in bar.words.text()
        assert "40 phrases, the last at 00:39" in bar.words.text()
        bar.action_button.click()
        await desk.until(lambda: len(desk.state.transcript.rows) == 41)
        shown = desk.window.transcript.view.toPlainText()
        assert "Cup final" in shown.splitlines()[0]
        assert shown.splitlines()[1:] == [phrase.text for phrase in PHRASES]
        assert desk.state.record.latest is not None
        assert desk.state.record.latest.phrases == PHRASES
        await desk.close()

    desk.run(play())
    session = read_session(path)
    assert session is not None
    assert (session.how, session.num_damaged, list(session.phrases)) == ("recovered", 0, PHRASES)
    again = make_desk()

    async def look() -> None:
        await again.open()
        await again.until(lambda: again.state.session.model.is_ready)
        assert again.state.messages.current is None

    again.run(look())


def test_an_offer_waits_for_its_answer_and_closing_it_keeps_the_journal(
    make_desk: Callable[[], Desk], tmp_path: Path
) -> None:
    paths = [cut_off(tmp_path / "sessions", PHRASES[:3], f"Match {i}") for i in range(2)]

    def is_offered(desk: Desk) -> bool:
        return desk.state.messages.current is not None and desk.state.messages.current.topic == "recovery"

    first = make_desk()

    async def ignore() -> None:
        await first.open()
        await first.until(lambda: is_offered(first))
        assert first.window.message_bar.action_button.text() == "Bring them back"
        first.controller.start()
        await first.until(lambda: first.state.record.is_running)
        assert not is_offered(first)
        first.controller.start_or_stop()
        assert is_offered(first)
        await first.close()

    first.run(ignore())
    second = make_desk()

    async def decline() -> None:
        await second.open()
        await second.until(lambda: is_offered(second))
        second.window.message_bar.close_button.click()
        await second.until(lambda: second.state.messages.current is None)
        await second.close()

    second.run(decline())
    for path in paths:
        session = read_session(path)
        assert session is not None
        assert (session.how, list(session.phrases)) == ("kept", PHRASES[:3])


def test_the_transcript_is_saved_by_keyboard_from_a_run_to_a_file(desk: Desk, tmp_path: Path) -> None:
    async def play() -> None:
        await said_something(desk)
        desk.controller.start_or_stop()
        QTest.keyClick(desk.window, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
        await answer_dialog(desk, tmp_path / "match.srt")
        await desk.until(lambda: (tmp_path / "match.srt").exists())
        assert desk.state.record.latest is not None
        phrases = desk.state.record.latest.phrases
        assert (tmp_path / "match.srt").read_text().count("-->") == len(phrases)
        await desk.until(lambda: desk.window.message_bar.words.text() == "Saved as match.srt.")
        desk.controller.actions.trigger("save-transcript")
        await answer_dialog(desk, tmp_path / "plain", "Text (*.txt)")
        await desk.until(lambda: (tmp_path / "plain.txt").exists())
        rows = [row.text for row in desk.state.transcript.rows]
        assert (tmp_path / "plain.txt").read_text().split() == " ".join(rows).split()
        assert desk.controller.settings.export_form == "Text"

    desk.run(play())


def test_an_earlier_session_is_saved_from_its_journal(make_desk: Callable[[], Desk], tmp_path: Path) -> None:
    cut_off(tmp_path / "sessions", PHRASES[:4])
    desk = make_desk()

    async def play() -> None:
        await desk.open()
        await desk.until(lambda: bool(desk.window.exporting._earlier_entries()))
        desk.window.exporting._earlier_entries()[0].act()
        await answer_dialog(desk, tmp_path / "old.vtt")
        await desk.until(lambda: (tmp_path / "old.vtt").exists())
        assert (tmp_path / "old.vtt").read_text().count("-->") == 4

    desk.run(play())


def test_live_files_and_the_text_of_the_moment_follow_a_run(
    short_match: None, desk: Desk, tmp_path: Path
) -> None:
    def newest() -> str:
        return (tmp_path / "now.txt").read_text().replace("\n", " ")

    async def play() -> None:
        await desk.open()
        entry(desk, "Live transcript to a file")()
        await answer_dialog(desk, tmp_path / "live.jsonl", "JSON lines (*.jsonl)")
        entry(desk, "Captions of the moment to a file")()
        await answer_dialog(desk, tmp_path / "now.txt")
        await desk.until(lambda: (tmp_path / "now.txt").exists())
        desk.controller.start()
        await desk.until(lambda: bool(desk.state.record.latest))
        await desk.until(lambda: newest() != "")
        entry(desk, "Live transcript to a file")()
        await answer_dialog(desk, tmp_path / "second.srt")
        await desk.until(lambda: desk.state.session.phase is Phase.FINISHED)
        said = [phrase.text for phrase in desk.state.record.sessions[0].phrases]
        await desk.until(lambda: newest() != "" and " ".join(said).endswith(newest()))
        entry(desk, "Live transcript: live.jsonl")()
        assert desk.controller.settings.live_files == (str(tmp_path / "second.srt"),)
        await desk.close()
        lines = (tmp_path / "live.jsonl").read_text().splitlines()
        assert [json.loads(line)["text"] for line in lines] == said
        assert (tmp_path / "second.srt").read_text().count("-->") == len(said)
        assert (tmp_path / "now.txt").read_text() == ""

    desk.run(play())


def test_the_browser_source_is_switched_on_copied_and_found_again(
    make_desk: Callable[[], Desk], tmp_path: Path
) -> None:
    first, addresses = make_desk(), []

    async def play() -> None:
        await first.open()
        first.controller.remember(browser_port=lasting_port())
        first.controller.actions.trigger("copy-address")
        await first.until(lambda: first.state.outputs.browser_address != "")
        address = first.state.outputs.browser_address
        addresses.append(address)
        await first.until(lambda: QGuiApplication.clipboard().text() == address)
        await first.until(lambda: "clipboard" in first.window.message_bar.words.text())
        first.controller.start()
        async with aiohttp.ClientSession() as client, client.get(f"{address}events") as page:
            words: list[str] = []
            while len(words) < 3:
                line = (await page.content.readline()).decode()
                if line.startswith("data: {"):
                    words = [word["text"] for word in json.loads(line.removeprefix("data: "))["words"]]
        rows = first.state.transcript.rows
        await first.until(lambda: " ".join(words) in " ".join(row.text for row in rows))
        await first.close()

    first.run(play())
    second = make_desk()

    async def again() -> None:
        await second.open()
        await second.until(lambda: second.state.outputs.browser_address != "")
        assert second.state.outputs.browser_address == addresses[0]
        second.controller.remember(is_browser_source_on=False)
        await second.until(lambda: second.state.outputs.browser_address == "")

    second.run(again())


def test_a_port_that_is_taken_is_said_and_another_is_kept(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        taken = server.sockets[0].getsockname()[1]
        desk.controller.remember(browser_port=taken, is_browser_source_on=True)
        await desk.until(lambda: desk.state.outputs.browser_address != "")
        bar = desk.window.message_bar
        await desk.until(lambda: f"Port {taken} is taken" in bar.words.text())
        assert desk.controller.settings.browser_port != taken
        assert f":{desk.controller.settings.browser_port}/" in desk.state.outputs.browser_address
        bar.action_button.click()
        assert QGuiApplication.clipboard().text() == desk.state.outputs.browser_address
        server.close()

    desk.run(play())


def test_obs_gets_text_and_captions_as_a_run_goes(short_match: None, desk: Desk) -> None:
    async def play() -> None:
        async with ObsServer(password="pass word", sources={"Captions"}) as obs:
            obs.is_streaming = True
            await desk.open()
            desk.controller.remember(
                is_obs_on=True,
                obs_port=obs.port,
                obs_password="wrong",
                obs_text_source="Captions",
                obs_sends_captions=True,
            )
            await desk.until(lambda: desk.state.outputs.obs.phase is ObsPhase.REFUSED)
            words = desk.window.message_bar.words
            await desk.until(lambda: "does not take this password" in words.text())
            desk.controller.remember(obs_password="pass word")
            await desk.until(lambda: desk.state.outputs.obs.phase is ObsPhase.CONNECTED)
            await desk.until(lambda: desk.state.messages.current is None)
            desk.controller.start()
            await desk.until(lambda: desk.state.session.phase is Phase.FINISHED)
            said = [phrase.text for phrase in desk.state.record.sessions[0].phrases]
            await desk.until(lambda: len(obs.captions) == len(said))
            assert obs.captions == said
            await desk.until(lambda: obs.texts["Captions"] != "")
            await desk.until(lambda: " ".join(said).endswith(obs.texts["Captions"].replace("\n", " ")))
            await obs.stop()
            bar = desk.window.message_bar
            await desk.until(lambda: "OBS does not answer" in bar.words.text())
            entry_words = [action.text() for action in opened(desk).actions()]
            assert "OBS: not reached, trying again" in entry_words
            await obs.start()
            await desk.until(lambda: desk.state.outputs.obs.phase is ObsPhase.CONNECTED)
            await desk.until(lambda: desk.state.messages.current is None)
            await desk.close()
            assert obs.texts["Captions"] == ""

    desk.run(play())


@pytest.mark.parametrize("name", ["session_folder", "obs_password", "browser_token"])
def test_what_is_remembered_for_streams_survives_a_restart(name: str) -> None:
    settings = UserSettings(**{name: "x y/ü"})
    assert getattr(UserSettings.from_json(settings.to_json()), name) == "x y/ü"


def test_rows_are_only_gone_to_where_there_is_something_to_go_to(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        view, chosen = desk.window.transcript.view, []
        view.row_chosen.connect(chosen.append)
        desk.state.transcript.add_heading("Cup final, 12:00")
        desk.state.transcript.add_rows([(float(i), f"Row {i} of the match.") for i in range(5)])
        await desk.until(lambda: view.document().blockCount() == 6)
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=row_place(desk, 2))
        assert chosen == []
        view.lead(lambda row: row > 0)
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=row_place(desk, 2))
        times = view._times
        QTest.mouseClick(times, Qt.MouseButton.LeftButton, pos=QPoint(10, row_place(desk, 3).y()))
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=row_place(desk, 0))
        view.setFocus()
        view.moveCursor(view.textCursor().MoveOperation.Down)
        QTest.keyClick(view, Qt.Key.Key_Return)
        # What is dragged over is selected, not chosen.
        QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=row_place(desk, 4))
        QTest.mouseMove(view.viewport(), row_place(desk, 4) + QPoint(90, 0))
        QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=row_place(desk, 4) + QPoint(90, 0))
        assert chosen == [2, 3, 1]

    desk.run(play())


def test_a_click_on_a_row_goes_there_in_the_video(desk: Desk, tmp_path: Path) -> None:
    video = write_video(tmp_path / "long.mp4", seconds=60)

    async def play() -> None:
        await desk.open()
        desk.controller.choosing.file(str(video))
        path = str(video)
        desk.state.record.begin(SessionHead.now(name="long.mp4", kind="file", path=path))
        desk.state.record.end("stopped")
        desk.state.transcript.add_rows([(0.0, "Kick-off."), (40.0, "Goal!")])
        view = desk.window.transcript.view
        await desk.until(lambda: view.document().blockCount() == 2)
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=row_place(desk, 1))
        desk.controller.start()
        await desk.until(lambda: bool(desk.state.record.sessions[-1].phrases))
        assert 40 <= desk.state.record.sessions[-1].phrases[0].start_s < 50
        QTest.mouseClick(view._times, Qt.MouseButton.LeftButton, pos=QPoint(10, row_place(desk, 0).y()))
        await desk.until(lambda: desk.state.record.sessions[-1].phrases[-1].start_s < 30)
        assert len(desk.state.record.sessions) == 2
        assert view.is_following

    desk.run(play())


def row_place(desk: Desk, row: int) -> QPoint:
    """Inside a row's text, in the viewport."""
    view = desk.window.transcript.view
    block = view.document().findBlockByNumber(row)
    place = view.blockBoundingGeometry(block).translated(view.contentOffset())
    return QPoint(30, round(place.top()) + 8)
