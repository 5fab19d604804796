"""The window of the settings: pages at the left, one page's settings at the right, a search over all of them.

Knows which page is shown and what a search leaves. Knows no setting: pages are made from the declarations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QKeyEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.settings import PAGES, Page
from app.theme.focus_ring import FocusRing
from app.theme.theme import Theme
from app.theme.tokens import ICON_PX, SPACE_8, SPACE_12, SPACE_16, SPACE_24
from app.window.announcer import Announcer
from app.window.controller import Controller
from app.window.naming import name_parts_within
from app.window.search_box import SearchBox
from app.window.settings_page.section import PAGE_WORDS, Section

USUAL_SIZE = (900, 660)
SMALLEST_SIZE = (560, 420)

_NARROW_PX = 560
"""Width of a page, at usual text size, below which controls stand below their words."""


class SettingsWindow(QWidget):
    """One per main window, whose child it is."""

    def __init__(
        self,
        controller: Controller,
        theme: Theme,
        announcer: Announcer,
        panels: Mapping[Page, list[Callable[[QWidget], QWidget]]],
        parent: QWidget,
    ) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setObjectName("settings")
        self.setProperty("role", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle("Settings · Ringside")
        self.setAccessibleName("Settings")
        self.setMinimumSize(*SMALLEST_SIZE)
        self._theme = theme
        self._announcer = announcer
        self.search_box = SearchBox(theme, self)
        self.search_box.setObjectName("search-settings")
        self.search_box.setPlaceholderText("Search")
        self.search_box.setAccessibleName("Search all settings")
        self.search_box.setAccessibleDescription("Words of a setting's name or description (Ctrl+F).")
        self.pages = QListWidget(self)
        self.pages.setObjectName("pages")
        self.pages.setProperty("role", "pages")
        self.pages.setAccessibleName("Pages")
        self.pages.setAccessibleDescription("A page for each question; arrow keys choose one.")
        self.pages.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.pages.verticalScrollBar().setAccessibleName("Scroll the pages")
        for page in PAGES:
            item = QListWidgetItem(PAGE_WORDS[page][0])
            item.setData(Qt.ItemDataRole.AccessibleDescriptionRole, PAGE_WORDS[page][1])
            self.pages.addItem(item)
        self.nothing = QLabel("Nothing found. Try fewer or other words.", self)
        self.nothing.setProperty("role", "quiet")
        self.nothing.setWordWrap(True)
        self.nothing.hide()
        self._content = QWidget(self)
        self._content.setAccessibleName("Settings")
        self._content.setProperty("role", "window")
        column = QVBoxLayout(self._content)
        column.setContentsMargins(SPACE_24, SPACE_16, SPACE_24, SPACE_16)
        column.setSpacing(0)
        column.addWidget(self.nothing)
        self.sections = {
            page: Section(page, controller, theme, list(panels.get(page, ())), self._content)
            for page in PAGES
        }
        for section in self.sections.values():
            section.hide()
            column.addWidget(section)
        column.addStretch(1)
        self.scroll_area = QScrollArea(self)
        self.scroll_area.setObjectName("settings-scroll")
        self.scroll_area.setAccessibleName("Settings of the page")
        self.scroll_area.viewport().setAccessibleName("Settings of the page")
        self.scroll_area.verticalScrollBar().setAccessibleName("Scroll the settings")
        self.scroll_area.horizontalScrollBar().setAccessibleName("Scroll the settings sideways")
        self.scroll_area.setWidgetResizable(True)
        self.scroll_area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll_area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.scroll_area.setWidget(self._content)
        name_parts_within(self)
        self._lay_out()
        self.focus_ring = FocusRing(self, theme)
        self._fills = QTimer(self, interval=0)
        self._fills.timeout.connect(self._fill_some)
        self._fills.start()
        self._tells = QTimer(self, singleShot=True, interval=700)
        self._tells.timeout.connect(self._tell_found)
        self._num_found = 0
        self.pages.currentRowChanged.connect(lambda _: self._show())
        self.search_box.textChanged.connect(self._search)
        controller.settings_changed.subscribe(self._follow)
        theme.changed.connect(self._retheme)
        QShortcut(QKeySequence("Ctrl+F"), self).activated.connect(self.search_box.setFocus)
        QShortcut(QKeySequence("Ctrl+W"), self).activated.connect(self.close)
        self._retheme()
        room = self.screen().availableSize()
        wanted = QSize(*(round(side * min(theme.scale, 1.35)) for side in USUAL_SIZE))
        self.resize(wanted.boundedTo(room))

    @property
    def page(self) -> Page:
        """What is shown while nothing is searched."""
        return PAGES[max(0, self.pages.currentRow())]

    def go_to(self, page: Page) -> None:
        """Show a page, and have its name chosen."""
        self.search_box.clear()
        self.pages.setCurrentRow(PAGES.index(page))
        self._show()
        self.pages.setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Esc ends a search, then closes the settings."""
        if event.key() == Qt.Key.Key_Escape:
            if self.search_box.text():
                self.search_box.clear()
            else:
                self.close()
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """A text that was being written holds, too."""
        focus = self.focusWidget()
        if focus is not None:
            focus.clearFocus()
        super().closeEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """In a narrow window, controls stand below their words."""
        super().resizeEvent(event)
        self._fit()

    def _lay_out(self) -> None:
        left = QVBoxLayout()
        left.setContentsMargins(SPACE_12, SPACE_16, 0, SPACE_16)
        left.setSpacing(SPACE_12)
        left.addWidget(self.search_box)
        left.addWidget(self.pages, 1)
        across = QHBoxLayout(self)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(SPACE_8)
        across.addLayout(left)
        across.addWidget(self.scroll_area, 1)

    def _show(self) -> None:
        words = self.search_box.text().lower().split()
        self._num_found = 0
        for page, section in self.sections.items():
            if words:
                num_found = section.search(words)
                self._num_found += num_found
                section.setVisible(num_found > 0)
            else:
                if page == self.page:
                    section.search([])
                section.setVisible(page == self.page)
        self.nothing.setVisible(bool(words) and not self._num_found and not self._fills.isActive())
        self.scroll_area.verticalScrollBar().setValue(0)

    def _search(self) -> None:
        self._show()
        if self.search_box.text().strip():
            self._tells.start()

    def _tell_found(self) -> None:
        if self._fills.isActive():
            self._tells.start()  # pages that come later have settings, too
        elif self.search_box.text().strip():
            noun = "setting" if self._num_found == 1 else "settings"
            self._announcer.announce(f"{self._num_found or 'No'} {noun} found")

    def _fill_some(self) -> None:
        # The page that is looked at comes first.
        first = self.page
        for page in (first, *(page for page in PAGES if page != first)):
            if self.sections[page].fill_some():
                break
        else:
            self._fills.stop()
        if self.search_box.text().strip():
            self._show()

    def _follow(self, changed: frozenset[str]) -> None:
        for section in self.sections.values():
            section.show_values(changed)

    def _retheme(self) -> None:
        theme = self._theme
        side = theme.px(ICON_PX)
        self.pages.setIconSize(QSize(side, side))
        widest = 0
        for index, page in enumerate(PAGES):
            name, _, icon = PAGE_WORDS[page]
            self.pages.item(index).setIcon(theme.icon(icon))
            widest = max(widest, self.pages.fontMetrics().horizontalAdvance(name))
        self.pages.setFixedWidth(max(widest + side + 56, 160))
        self.search_box.setFixedWidth(self.pages.width())
        self._fit()

    def _fit(self) -> None:
        room = self.width() - self.pages.width() - SPACE_12
        is_narrow = room < self._theme.px(_NARROW_PX)
        for section in self.sections.values():
            section.set_narrow(is_narrow=is_narrow)
