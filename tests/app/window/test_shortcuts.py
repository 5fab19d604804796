"""Keys as a person uses them: listed by F1, searched, done from the list, changed on the page "Keys"."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.window.shortcuts import KeysPanel, ShortcutsWindow
from app.window.shortcuts.keys_panel import works_everywhere
from app.window.state.session import Phase
from tests.app.window.conftest import Desk


def texts(window: ShortcutsWindow | KeysPanel) -> list[tuple[str, str]]:
    return [(item.text(0), item.text(1)) for item in window.table._items()]


async def keys_panel(desk: Desk) -> KeysPanel:
    await desk.open()
    desk.window.settings_page.open("keys")
    window = desk.window.settings_page.window
    assert window is not None
    await desk.until(lambda: bool(window.findChildren(KeysPanel)))
    await desk.until(window.isActiveWindow)
    return window.findChildren(KeysPanel)[0]


def test_f1_lists_every_action_and_finds_it_by_words_or_by_its_key(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        QTest.keyClick(desk.window, Qt.Key.Key_F1)
        window = desk.window.shortcuts
        assert window is not None
        assert window.isVisible()
        labels = {label for label, _ in texts(window)}
        assert {action.label for action in desk.controller.actions} <= labels
        for action in desk.controller.actions:
            assert action.description.endswith("."), action.name
        assert window.conflicts.text() == ""
        await desk.until(window.isActiveWindow)
        QTest.keyClicks(window.search_box, "ctrl+f")
        assert texts(window) == [("Find in the transcript", "Ctrl+F")]
        QTest.keyClick(window.search_box, Qt.Key.Key_Down)
        assert window.table.hasFocus()
        item = window.table.currentItem()
        assert item is not None
        assert item.data(0, Qt.ItemDataRole.AccessibleTextRole) == "Find in the transcript: Ctrl+F"
        QTest.keyClick(window.table, Qt.Key.Key_Return)
        assert not window.isVisible()
        assert desk.window.focusWidget() is desk.window.transcript.find_box

    desk.run(play())


def test_no_two_actions_come_with_the_same_key(desk: Desk) -> None:
    assert [conflict.sentence for conflict in desk.controller.actions.conflicts] == []
    assert [conflict.sentence for conflict in desk.controller.global_actions.conflicts] == []
    for action in desk.controller.global_actions:
        assert all(works_everywhere(key) for key in action.default_keys), action.name


def test_a_key_is_changed_by_keyboard_alone_and_works_at_once(desk: Desk) -> None:
    async def play() -> None:
        panel = await keys_panel(desk)
        panel.table.go_to("pause")
        panel.catcher.setFocus()
        QTest.keyClick(panel.catcher, Qt.Key.Key_Space)
        assert panel.catcher.is_waiting
        QTest.keyClick(panel.catcher, Qt.Key.Key_F8)
        assert desk.controller.actions.keys("pause") == ("F8",)
        assert "F8" in panel.words.text()
        desk.controller.start()
        await desk.until(lambda: desk.state.session.phase is Phase.RUNNING)
        QTest.keyClick(desk.window, Qt.Key.Key_P)
        assert desk.state.session.phase is Phase.RUNNING
        QTest.keyClick(desk.window, Qt.Key.Key_F8)
        assert desk.state.session.phase is Phase.PAUSED
        assert "(F8)" in desk.window.transport.pause_button.toolTip()
        panel.reset_button.click()
        assert desk.controller.actions.keys("pause") == ("P",)

    desk.run(play())


def test_a_key_that_is_taken_is_said_and_can_be_taken_over(desk: Desk) -> None:
    async def play() -> None:
        panel = await keys_panel(desk)
        said: list[str] = []
        desk.window.announcer.announced.connect(said.append)
        panel.table.go_to("pause")
        panel.catcher.click()
        QTest.keyClick(panel.catcher, Qt.Key.Key_S)
        assert panel.words.text().startswith("S already does “Speech on or off”.")
        assert panel.words.text() in said
        assert not panel.take_button.isHidden()
        panel.take_button.click()
        assert desk.controller.actions.keys("pause") == ("S",)
        assert desk.controller.actions.keys("speech") == ()
        assert ("Speech on or off", "no key") in texts(panel)
        panel.reset_all_button.click()
        assert desk.controller.settings.keys == ()

    desk.run(play())


def test_waiting_for_a_key_is_no_trap(desk: Desk) -> None:
    async def play() -> None:
        panel = await keys_panel(desk)
        panel.table.go_to("pause")
        panel.catcher.click()
        QTest.keyClick(panel.catcher, Qt.Key.Key_Tab)
        assert not panel.catcher.is_waiting
        assert QApplication.focusWidget() is not panel.catcher
        panel.catcher.click()
        QTest.keyClick(panel.catcher, Qt.Key.Key_Escape)
        assert not panel.catcher.is_waiting
        assert desk.controller.actions.keys("pause") == ("P",)
        # Keys that work everywhere must leave other programs their letters.
        panel.table.go_to("speech")
        panel.where.setCurrentIndex(1)
        panel.catcher.click()
        QTest.keyClick(panel.catcher, Qt.Key.Key_K)
        assert "alone cannot work everywhere" in panel.words.text()
        panel.catcher.click()
        QTest.keyClick(panel.catcher, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
        assert desk.controller.global_actions.keys("speech") == ("Ctrl+K",)

    desk.run(play())
