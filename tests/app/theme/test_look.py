"""What can be seen of the theme: icons in its colours, a ring around the focus."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMenu, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.errors import ResourceMissingError
from app.theme.focus_ring import FocusRing
from app.theme.icons import application_icon, icon_pixmap
from app.theme.theme import Theme
from app.theme.tokens import FOCUS_GAP_PX, FOCUS_RING_PX

ROOT = Path(__file__).resolve().parents[3]
ICONS = sorted((ROOT / "assets" / "icons").glob("*.svg"))


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    theme = Theme(qapp, name="light")
    yield theme
    theme.deleteLater()
    qapp.setStyleSheet("")


@pytest.mark.parametrize(
    "file", [file for file in ICONS if file.stem != "ringside"], ids=lambda file: file.stem
)
def test_an_icon_has_our_line_and_takes_any_colour(qapp: QApplication, file: Path) -> None:
    drawing = file.read_text(encoding="utf-8")
    assert 'viewBox="0 0 24 24"' in drawing
    assert re.findall(r'stroke-width="([\d.]+)"', drawing) == ["1.75"]
    assert set(re.findall(r'(?:stroke|fill)="([^"]+)"', drawing)) <= {"currentColor", "none"}
    image = icon_pixmap(file.stem, "#C4320A", 48).toImage()
    inked = {
        image.pixelColor(x, y).name().upper()
        for x in range(48)
        for y in range(48)
        if image.pixelColor(x, y).alpha() == 255
    }
    assert inked == {"#C4320A"}


def test_every_icon_that_is_named_in_the_code_is_drawn() -> None:
    names = {file.stem for file in ICONS}
    code = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "app").rglob("*.py"))
    used = {name for name in names if f'"{name}"' in code}
    assert names - used == set()


def test_an_icon_that_is_missing_is_said(qapp: QApplication) -> None:
    with pytest.raises(ResourceMissingError):
        icon_pixmap("unicorn", "#000000", 20)
    assert not application_icon().isNull()


def test_the_focus_ring_is_two_pixels_of_accent_with_a_gap_of_two(qtbot: QtBot, theme: Theme) -> None:
    window = QWidget()
    window.setProperty("role", "window")
    window.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    qtbot.addWidget(window)
    buttons = [QPushButton(name, window) for name in ("One", "Two")]
    row = QHBoxLayout(window)
    for button in buttons:
        row.addWidget(button)
    ring = FocusRing(window, theme)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=60_000)
    for button in buttons:
        button.setFocus(Qt.FocusReason.TabFocusReason)
        assert ring.target is button
        image = window.grab().toImage()
        accent, ground = QColor(theme.palette.accent), QColor(theme.palette.window)
        edge = button.mapTo(window, QPoint(0, button.height() // 2))
        for distance in range(1, FOCUS_GAP_PX + 1):
            assert image.pixelColor(edge.x() - distance, edge.y()) == ground
        for distance in range(FOCUS_GAP_PX + 1, FOCUS_GAP_PX + FOCUS_RING_PX + 1):
            assert image.pixelColor(edge.x() - distance, edge.y()) == accent
        assert image.pixelColor(edge.x() - FOCUS_GAP_PX - FOCUS_RING_PX - 1, edge.y()) == ground


def test_an_entry_that_opens_more_has_an_arrow_as_large_as_the_text(qtbot: QtBot, theme: Theme) -> None:
    menu = QMenu()
    qtbot.addWidget(menu)
    more = menu.addMenu("Save an earlier session")
    more.addAction("Cup final")

    def arrow_height() -> int:
        menu.ensurePolished()
        menu.resize(menu.sizeHint())
        image = menu.grab(menu.actionGeometry(more.menuAction())).toImage()
        ground = image.pixelColor(image.width() // 2, 4)
        right = range(image.width() - round(28 * theme.scale), image.width() - 4)
        rows = [
            y for y in range(8, image.height() - 8) if any(image.pixelColor(x, y) != ground for x in right)
        ]
        return max(rows) - min(rows) + 1 if rows else 0

    usual = arrow_height()
    assert usual >= 5
    theme.choose(name="light", scale_percent=200)
    assert arrow_height() >= 1.6 * usual


def test_another_theme_and_text_size_are_applied_at_once(qtbot: QtBot, theme: Theme) -> None:
    button = QPushButton("Start")
    qtbot.addWidget(button)
    button.show()
    before = button.sizeHint()
    with qtbot.waitSignal(theme.changed):
        theme.choose(name="dark", scale_percent=200)
    assert theme.palette.name == "dark"
    assert button.sizeHint().width() > 1.5 * (before.width() - 24)
    assert button.grab().toImage().pixelColor(4, button.height() // 2) == QColor(theme.palette.panel)
