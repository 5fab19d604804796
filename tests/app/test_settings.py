"""Settings: kept whole, read back, set aside when damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.settings import PAGES, SettingsStore, UserSettings, declared


def test_what_was_changed_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "settings.json"
    store = SettingsStore(file)
    assert store.settings == UserSettings()
    store.change(theme="high-contrast", text_scale_percent=175, source="/a/Löwen – Bären.mp4")
    store.save()
    assert SettingsStore(file).settings == store.settings
    assert [path.name for path in file.parent.iterdir()] == ["settings.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"theme": "pink"}',
        '{"text_scale_percent": 1000}',
        '{"is_speech_on": "yes"}',
        "\x00\xff",
    ],
)
def test_a_damaged_file_is_set_aside_and_said(tmp_path: Path, text: str) -> None:
    file = tmp_path / "settings.json"
    file.write_text(text, encoding="utf-8")
    store = SettingsStore(file)
    assert store.settings == UserSettings()
    assert store.problem is not None
    assert "settings.json.damaged" in store.problem.line
    assert (tmp_path / "settings.json.damaged").read_text(encoding="utf-8") == text
    store.change(theme="dark")
    store.save()
    assert SettingsStore(file).settings.theme == "dark"


def test_settings_of_another_version_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"theme": "dark", "overlay_opacity": 0.5}), encoding="utf-8")
    store = SettingsStore(file)
    assert store.settings.theme == "dark"
    assert store.problem is None


def test_a_folder_that_cannot_be_written_is_said_and_the_change_holds(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    store = SettingsStore(tmp_path / "file" / "settings.json")
    store.change(theme="dark")
    store.save()
    assert store.settings.theme == "dark"
    assert store.problem is not None


def test_a_value_that_cannot_be_is_refused(tmp_path: Path) -> None:
    store = SettingsStore(tmp_path / "settings.json")
    with pytest.raises(ValueError, match="text_scale_percent"):
        store.change(text_scale_percent=90)
    assert store.settings == UserSettings()


def test_every_setting_says_what_it_is_and_its_default_is_allowed() -> None:
    for entry in declared(UserSettings):
        entry.check(entry.default)
        assert entry.description.endswith("."), entry.name
        assert entry.page in (*PAGES, "memory"), entry.name
        assert entry.label or entry.page == "memory", entry.name


def test_a_file_without_a_version_is_the_first_versions(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"theme": "dark"}), encoding="utf-8")
    store = SettingsStore(file)
    store.change(text_scale_percent=150)
    store.save()
    written = json.loads(file.read_text(encoding="utf-8"))
    assert (written["version"], written["theme"], written["text_scale_percent"]) == (2, "dark", 150)


def test_a_newer_programs_file_is_read_as_far_as_it_is_known(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"version": 99, "theme": "dark", "telepathy": True}), encoding="utf-8")
    store = SettingsStore(file)
    assert store.settings.theme == "dark"
    assert store.problem is None
