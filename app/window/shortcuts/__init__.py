"""Shortcuts: the list of all keys (F1), and the panel on which they are changed."""

from app.window.shortcuts.keys_panel import KeysPanel
from app.window.shortcuts.window import ShortcutsWindow

__all__ = ["KeysPanel", "ShortcutsWindow"]
