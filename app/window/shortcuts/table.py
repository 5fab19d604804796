"""All actions and their keys as a list that can be walked, searched and read aloud.

Knows how an action becomes a row under its group's heading. Knows nothing of how keys are changed.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from app.theme.theme import Theme
from app.theme.tokens import BODY_TEXT_PX
from app.window.actions import Actions

GROUPS = ("Watch", "Say", "Show", "Speak", "Files", "Window")
_NAME_ROLE = Qt.ItemDataRole.UserRole
_NO_KEY = "no key"


class ShortcutTable(QTreeWidget):
    """Groups of actions; each row is an action, its keys, and what it does."""

    chosen = Signal(str)
    """The name of the action on which the keyboard is, or "" on a heading."""

    def __init__(
        self,
        actions: Actions,
        theme: Theme,
        parent: QWidget,
        *,
        everywhere: Actions | None = None,
        has_sentences: bool = True,
        fixed: tuple[tuple[str, str, str], ...] = (),
    ) -> None:
        """`everywhere` are the keys that work in other programs; `fixed` are (key, label, sentence) of the controls."""
        super().__init__(parent)
        self._actions = actions
        self._everywhere = everywhere
        self._theme = theme
        self._fixed = fixed
        self._wanted = ""
        self.num_found = 0
        titles = ["Action", "Key"]
        if everywhere is not None:
            titles.append("Key everywhere")
        if has_sentences:
            titles.append("What it does")
        self._has_sentences = has_sentences
        self.setObjectName("shortcuts")
        self.setAccessibleName("Shortcuts")
        self.setAccessibleDescription("Every action and its key; arrow keys walk through them.")
        self.setHeaderLabels(titles)
        self.setRootIsDecorated(False)
        self.setIndentation(theme.px(12))
        self.setUniformRowHeights(True)
        self.setAllColumnsShowFocus(True)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.verticalScrollBar().setAccessibleName("Scroll the shortcuts")
        self.horizontalScrollBar().setAccessibleName("Scroll the shortcuts sideways")
        self.header().setAccessibleName("Columns")
        self.header().setSectionsMovable(False)
        self.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        # Keys are never cut; a sentence may be, and is told in full elsewhere.
        self.header().setStretchLastSection(has_sentences)
        self.currentItemChanged.connect(lambda item, _: self.chosen.emit(_name(item)))
        self._unsubscribe = actions.changed.subscribe(self.fill)
        if everywhere is not None:
            everywhere.changed.subscribe(self.fill)
        theme.changed.connect(self.fill)
        self.fill()

    @property
    def action(self) -> str:
        """The name of the action on which the keyboard is; "" for none."""
        return _name(self.currentItem())

    @property
    def sentence(self) -> str:
        """What the row does on which the keyboard is."""
        item = self.currentItem()
        return str(item.data(0, Qt.ItemDataRole.AccessibleDescriptionRole) or "") if item is not None else ""

    def go_to(self, name: str) -> None:
        """Put the keyboard on an action, or on the first one if that one is not there."""
        items = self._items()
        item = next((item for item in items if name and _name(item) == name), items[0] if items else None)
        if item is not None:
            self.setCurrentItem(item)
            self.scrollToItem(item)
            if item is items[0]:
                self.scrollToTop()  # its heading, too

    def find(self, wanted: str) -> None:  # type: ignore[override] # QWidget.find takes a window's number; none is asked for
        """Show only rows in which all these words or keys stand."""
        self._wanted = wanted
        self.fill()

    def fill(self) -> None:
        """Show actions and keys as they are now."""
        before = self.action
        self.setIndentation(self._theme.px(12))
        self.clear()
        bold = self._theme.font(BODY_TEXT_PX, QFont.Weight.DemiBold)
        words = self._wanted.lower().split()
        self.num_found = 0
        for group in GROUPS:
            rows = []
            for action in self._actions:
                if action.group != group:
                    continue
                columns = [action.label, " or ".join(self._actions.keys(action.name)) or _NO_KEY]
                if self._everywhere is not None:
                    is_there = action.name in self._everywhere
                    keys = self._everywhere.keys(action.name) if is_there else ()
                    columns.append(" or ".join(keys) or ("" if is_there else "–"))
                rows.append((action.name, columns, action.description))
            self._add_group(group, rows, words, bold)
        fixed = [("", [label, key], sentence) for key, label, sentence in self._fixed]
        self._add_group("Keyboard", fixed, words, bold)
        self.expandAll()
        self.go_to(before)

    def _add_group(
        self, group: str, rows: list[tuple[str, list[str], str]], words: list[str], bold: QFont
    ) -> None:
        heading = QTreeWidgetItem([group])
        heading.setFirstColumnSpanned(True)
        heading.setFont(0, bold)
        heading.setFlags(Qt.ItemFlag.ItemIsEnabled)
        for name, columns, sentence in rows:
            text = f"{group} {' '.join(columns)} {sentence}".lower()
            if not all(word in text for word in words):
                continue
            item = QTreeWidgetItem(heading, [*columns, sentence] if self._has_sentences else columns)
            item.setData(0, _NAME_ROLE, name)
            spoken = f"{columns[0]}: {columns[1]}"
            item.setData(0, Qt.ItemDataRole.AccessibleTextRole, spoken)
            item.setData(0, Qt.ItemDataRole.AccessibleDescriptionRole, sentence)
            for column in range(len(columns) + 1):
                item.setToolTip(column, sentence)
            self.num_found += 1
        if heading.childCount():
            self.addTopLevelItem(heading)
            heading.setFirstColumnSpanned(True)

    def _items(self) -> list[QTreeWidgetItem]:
        tops = [self.topLevelItem(index) for index in range(self.topLevelItemCount())]
        found = [top.child(index) for top in tops if top is not None for index in range(top.childCount())]
        return [item for item in found if item is not None]


def _name(item: QTreeWidgetItem | None) -> str:
    return str(item.data(0, _NAME_ROLE) or "") if item is not None else ""
