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
        "\x00\xff",
    ],
)
def test_a_damaged_file_is_set_aside_and_said(tmp_path: Path, text: str) -> None:
    file = tmp_path / "settings.json"
    file.write_text(text, encoding="utf-8")
    store = SettingsStore(file)
    assert store.settings == UserSettings()
    assert store.problem is not None
    (aside,) = tmp_path.glob("settings.json.damaged*")
    assert str(aside) in store.problem.line
    assert aside.read_text(encoding="utf-8") == text
    store.change(theme="dark")
    store.save()
    assert SettingsStore(file).settings.theme == "dark"


def test_wrong_values_are_the_usual_ones_again_and_named_and_all_others_stay(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    whole = json.loads(UserSettings(theme="dark", presets=("one", "two"), obs_password="secret").to_json())
    wrong = {
        "caption_size_px": 1300,
        "precision": "int1",
        "is_speech_on": "yes",
        "presets": ["one", 2, "two"],
        "obs_password": 12345,
        "caption_hides_after_s": 10**400,
    }
    text = json.dumps({**whole, **wrong})
    file.write_text(text, encoding="utf-8")
    store = SettingsStore(file)
    usual = UserSettings()
    assert (store.settings.theme, store.settings.presets) == ("dark", ("one", "two"))
    assert store.settings.caption_size_px == usual.caption_size_px
    assert store.settings.obs_password == usual.obs_password
    assert store.problem is not None
    labels = {entry.name: entry.label for entry in declared(UserSettings)}
    for name in ("caption_size_px", "precision", "obs_password"):
        assert (labels[name] or name.replace("_", " ")) in store.problem.line
    assert "caption_size_px is 1300" in store.problem.details
    assert "12345" not in store.problem.line + store.problem.details
    # What stood there is kept, and what is written next is whole: the next start has nothing to tell.
    (aside,) = tmp_path.glob("settings.json.damaged*")
    assert str(aside) in store.problem.line
    assert aside.read_text(encoding="utf-8") == text
    again = SettingsStore(file)
    assert again.problem is not None
    assert list(tmp_path.glob("settings.json.damaged*")) == [aside]
    assert again.save() is None
    after = SettingsStore(file)
    assert after.problem is None
    assert after.settings == store.settings


def test_of_damaged_files_the_latest_few_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    for number in range(8):
        file.write_text(f"damaged {number}", encoding="utf-8")
        SettingsStore(file)
    kept = sorted(tmp_path.glob("settings.json.damaged*"))
    assert [path.read_text(encoding="utf-8") for path in kept] == [f"damaged {n}" for n in range(3, 8)]


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
    problem = store.save()
    assert store.settings.theme == "dark"
    assert problem is not None
    assert "cannot be kept" in problem.line
    (tmp_path / "file").unlink()
    assert store.save() is None
    assert SettingsStore(store.path).settings.theme == "dark"


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
