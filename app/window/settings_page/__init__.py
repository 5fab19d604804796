"""The settings page: a window with a page for each question that a person has, made from the declarations."""

from app.window.settings_page.page import SettingsPage

__all__ = ["SettingsPage"]
