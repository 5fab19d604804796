"""What Ringside remembers between two starts, declared once: a section a page, one whole, one file."""

from app.settings.declaration import PAGES, Declared, Page, declared, setting
from app.settings.store import SettingsError, SettingsStore
from app.settings.user import UserSettings
from app.settings.watch import DEMO

__all__ = [
    "DEMO",
    "PAGES",
    "Declared",
    "Page",
    "SettingsError",
    "SettingsStore",
    "UserSettings",
    "declared",
    "setting",
]
