"""The settings page: made from the declarations, searched, applied at once, reversible, and usable by keyboard alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from app.settings import PAGES, UserSettings, declared
from app.theme.tokens import TEXT_SCALES_PERCENT
from app.window.settings_page.row import SettingRow
from app.window.settings_page.window import SettingsWindow
from tests.app.window.conftest import Desk


async def settings_of(desk: Desk) -> SettingsWindow:
    """Open the settings and wait until all pages are there."""
    desk.window.show()
    desk.controller.actions.trigger("settings")
    window = desk.window.settings_page.window
    assert window is not None
    await desk.until(lambda: not window._fills.isActive())
    return window


def rows_of(window: SettingsWindow) -> dict[str, SettingRow]:
    return {row.entry.name: row for row in window.findChildren(SettingRow)}


def shown(widgets: dict[str, SettingRow]) -> set[str]:
    return {name for name, row in widgets.items() if row.isVisible()}


def test_every_declared_setting_has_a_row_on_its_page_and_pages_are_walked_by_keys(desk: Desk) -> None:
    async def play() -> None:
        window = await settings_of(desk)
        rows = rows_of(window)
        assert set(rows) == {entry.name for entry in declared(UserSettings) if entry.page in PAGES}
        assert window.pages.hasFocus()
        for page in PAGES:
            assert window.page == page
            assert shown(rows) == {entry.name for entry in declared(UserSettings) if entry.page == page}
            QTest.keyClick(window.pages, Qt.Key.Key_Down)

    desk.run(play())


def other_values() -> Iterator[tuple[str, object]]:
    """For each setting that is shown, a value it can have that is not its usual one."""
    for entry in declared(UserSettings):
        if entry.page not in PAGES:
            continue
        if entry.choices:
            yield entry.name, next(value for value, _ in entry.choices if value != entry.default)
        elif isinstance(entry.default, bool):
            yield entry.name, not entry.default
        elif isinstance(entry.default, (int, float)):
            step = 1 if entry.default < entry.maximum else -1
            yield entry.name, entry.default + step
        elif entry.kind == "colour":
            yield entry.name, "#40E0FF"
        elif isinstance(entry.default, tuple):
            yield entry.name, ("one", "two")
        elif not entry.kind:
            yield entry.name, "something else"


def test_each_setting_shows_another_value_at_once_and_goes_back_to_its_usual_one(desk: Desk) -> None:
    async def play() -> None:
        window = await settings_of(desk)
        rows = rows_of(window)
        for name, value in other_values():
            row, usual = rows[name], getattr(UserSettings(), name)
            if not row.reset_button.isEnabled():
                desk.controller.remember(**{name: value})
            assert row.reset_button.isEnabled(), name
            row.reset_button.click()
            assert getattr(desk.controller.settings, name) == usual, name
            assert not row.reset_button.isEnabled(), name

    desk.run(play())


def test_a_person_changes_settings_with_each_kind_of_control(desk: Desk) -> None:
    async def play() -> None:
        window = await settings_of(desk)
        rows, settings = rows_of(window), lambda: desk.controller.settings
        window.go_to("show")

        theme = rows["theme"].control
        assert isinstance(theme, QComboBox)
        theme.setFocus()
        QTest.keyClick(theme, Qt.Key.Key_End)
        assert settings().theme == "high-contrast"
        assert desk.theme.palette.name == "high-contrast"
        # A switch says its state in words, too.
        overlay = rows["is_hidden"].control if "is_hidden" in rows else rows["caption_stays"].control
        QTest.keyClick(overlay, Qt.Key.Key_Space)
        assert not settings().caption_stays
        assert overlay.text() == "Off"  # type: ignore[attr-defined] # a QCheckBox
        size = rows["caption_size_px"].control
        assert isinstance(size, QAbstractSpinBox)
        QTest.keyClick(size, Qt.Key.Key_Up)
        assert settings().caption_size_px == 29
        assert desk.window.stage.band.sizeHint().height() > 2 * 29
        size.setFocus()
        size.selectAll()
        QTest.keyClicks(size, "900")
        QTest.keyClick(size, Qt.Key.Key_Return)
        assert 14 <= settings().caption_size_px <= 120
        colour = rows["caption_text_colour"].control
        assert isinstance(colour, QPushButton)
        menu = colour.menu()
        menu.aboutToShow.emit()
        next(action for action in menu.actions() if action.text() == "Cyan").trigger()
        assert settings().caption_text_colour == "#40E0FF"
        assert colour.text() == "Cyan"
        section = window.sections["show"]
        section.reset_button.click()
        assert all(
            getattr(settings(), entry.name) == entry.default
            for entry in declared(UserSettings)
            if entry.page == "show"
        )

    desk.run(play())


def test_a_value_that_cannot_be_is_said_beside_it_and_the_old_one_stays(desk: Desk) -> None:
    async def play() -> None:
        window = await settings_of(desk)
        row = rows_of(window)["caption_text_colour"]
        row._take("red")
        assert "not a colour" in row.refusal.text()
        assert desk.controller.settings.caption_text_colour == ""
        row._take("#FFD400")
        assert row.refusal.isHidden()

    desk.run(play())


def test_the_search_goes_over_all_pages(desk: Desk) -> None:
    async def play() -> None:
        window = await settings_of(desk)
        rows = rows_of(window)
        window.go_to("show")
        QTest.keyClick(window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
        assert window.search_box.hasFocus()
        QTest.keyClicks(window.search_box, "crop margin")
        assert shown(rows) == {"overlay_crop_margin_px"}
        window.search_box.setText("speech")
        assert "is_speech_on" in shown(rows)
        window.search_box.setText("zeppelin")
        assert shown(rows) == set()
        assert window.nothing.isVisible()
        QTest.keyClick(window.search_box, Qt.Key.Key_Escape)
        assert window.search_box.text() == ""
        assert shown(rows)
        QTest.keyClick(window, Qt.Key.Key_Escape)
        assert not window.isVisible()

    desk.run(play())


def test_what_a_search_found_is_told_when_all_pages_are_there_and_not_before(desk: Desk) -> None:
    async def play() -> None:
        await desk.open()
        told: list[str] = []
        desk.window.announcer.announced.connect(told.append)
        desk.controller.actions.trigger("settings")
        window = desk.window.settings_page.window
        assert window is not None
        window.search_box.setText("keep the last")
        window._tells.start(0)  # as if the pages took long
        await desk.until(lambda: any("found" in words for words in told))
        assert [words for words in told if "found" in words] == ["1 setting found"]

    desk.run(play())


def test_a_panel_of_another_part_stands_on_its_page_and_is_found_by_the_search(desk: Desk) -> None:
    def make(parent: QWidget) -> QWidget:
        panel = QLabel("Voices of the moon", parent)
        panel.setAccessibleName("Voices of the moon")
        return panel

    async def play() -> None:
        desk.window.settings_page.add_panel("speak", make)
        window = await settings_of(desk)
        panel = next(label for label in window.findChildren(QLabel) if label.text() == "Voices of the moon")
        assert not panel.isVisible()
        window.go_to("speak")
        assert panel.isVisible()
        window.go_to("watch")
        window.search_box.setText("moon")
        assert panel.isVisible()

    desk.run(play())


def nameless(window: QWidget) -> list[str]:
    """Widgets of which a screen reader could not say what they are."""
    return [
        f"{type(widget).__name__} {widget.objectName()} in {type(widget.parent()).__name__}"
        for widget in window.findChildren(QWidget)
        if not widget.objectName().startswith("qt_")
        and not widget.accessibleName()
        and not (isinstance(widget, QLabel) and widget.text())
    ]


def test_everything_has_a_name_and_is_reached_by_tab(desk: Desk) -> None:
    async def play() -> None:
        window = await settings_of(desk)
        assert nameless(window) == []
        desk.controller.actions.trigger("shortcuts")
        assert desk.window.shortcuts is not None
        assert nameless(desk.window.shortcuts) == []
        for page in PAGES:
            window.go_to(page)
            await asyncio.sleep(0)
            seen: list[QWidget] = []
            widget = QApplication.focusWidget() if window.isActiveWindow() else None
            window.activateWindow()
            await desk.until(window.isActiveWindow)
            window.pages.setFocus()
            widget = window.pages
            while widget is not None and widget not in seen:
                seen.append(widget)
                QTest.keyClick(widget, Qt.Key.Key_Tab)
                widget = QApplication.focusWidget()
            wanted = [
                widget
                for widget in window.findChildren(QWidget)
                if widget.isVisibleTo(window)
                and widget.isEnabled()
                and isinstance(widget, (QPushButton, QComboBox, QAbstractSpinBox, QLineEdit))
                and not isinstance(widget.parent(), (QComboBox, QAbstractSpinBox))
            ]
            missing = [widget.accessibleName() for widget in wanted if widget not in seen]
            assert missing == [], page

    desk.run(play())


def cut_on(window: SettingsWindow, page: str) -> Iterator[str]:
    """What on a page has less room than its words, or reaches beyond its right edge."""
    section, viewport = window.sections[page], window.scroll_area.viewport()
    if section.width() > viewport.width():
        yield f"{page} is {section.width()} wide, and there is room for {viewport.width()}"
    for widget in section.findChildren(QWidget):
        if not widget.isVisibleTo(window) or not isinstance(widget, (QLabel, QPushButton, QComboBox)):
            continue
        if widget.mapTo(viewport, widget.rect().topRight()).x() > viewport.width():
            yield f"{widget.accessibleName()} lies outside"
        if isinstance(widget, QLabel):
            if widget.wordWrap() and widget.height() < widget.heightForWidth(widget.width()):
                yield f"{widget.text()} is cut below"
        elif isinstance(widget, QPushButton) and widget.width() < widget.minimumSizeHint().width():
            yield f"{widget.accessibleName()} is cut"


@pytest.mark.parametrize("size", [(900, 660), (600, 440)])
def test_nothing_is_cut_at_any_text_size(desk: Desk, size: tuple[int, int]) -> None:
    async def play() -> None:
        window = await settings_of(desk)
        for percent in TEXT_SCALES_PERCENT:
            desk.controller.choose_text_scale(percent)
            for page in ("show", "keys"):
                window.go_to(page)
                window.resize(*size)
                await desk.until(lambda: window.size().toTuple() == size)
                await desk.until_none(lambda page=page: list(cut_on(window, page)))  # type: ignore[misc] # mypy has no type for a default

    desk.run(play())
