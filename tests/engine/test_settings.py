"""Settings: defaults of the paper, values that cannot work, the file beside a checkpoint."""

import dataclasses
import json
from pathlib import Path

import pytest

from engine import (
    EngineError,
    ResizeSettings,
    SamplingSettings,
    SettingsError,
    StreamSettings,
    WindowSettings,
)


def test_the_defaults_are_the_papers() -> None:
    settings = StreamSettings()
    assert settings.window.vision_rounds == settings.window.text_rounds == 16
    assert (settings.window.text_sink, settings.window.text_window) == (512, 512)
    assert settings.window.frames_per_chunk == 2
    assert settings.sampling.max_new_tokens == 20
    assert (settings.sampling.temperature, settings.sampling.repetition_penalty) == (0.9, 1.05)
    assert (settings.resize.min_pixels, settings.resize.max_pixels) == (100 * 28 * 28, 768 * 28 * 28)
    assert settings.query == "Commentate on this match"


@pytest.mark.parametrize(
    ("kind", "values", "hint"),
    [
        (WindowSettings, {"chunk_s": 0.0}, "chunk_s"),
        (WindowSettings, {"fps": 0.0}, "fps"),
        (WindowSettings, {"fps": float("nan")}, "fps"),
        (WindowSettings, {"chunk_s": 0.2, "fps": 1.0, "vision_window_s": 2.0}, "no frame"),
        (WindowSettings, {"chunk_s": 2.0, "vision_window_s": 3.0}, "whole number of chunks"),
        (WindowSettings, {"vision_window_s": 0.0}, "at least one"),
        (WindowSettings, {"text_rounds": 0}, "text_rounds"),
        (WindowSettings, {"text_sink": -1}, "text_sink"),
        (SamplingSettings, {"max_new_tokens": 0}, "max_new_tokens"),
        (SamplingSettings, {"temperature": 0.0}, "greedy"),
        (SamplingSettings, {"top_p": 0.0}, "top_p"),
        (SamplingSettings, {"repetition_penalty": -1.0}, "repetition_penalty"),
        (SamplingSettings, {"seed": -1}, "seed"),
        (ResizeSettings, {"min_pixels": 1000, "max_pixels": 900}, "max_pixels"),
    ],
)
def test_a_value_that_cannot_work_is_refused_by_name(kind: type, values: dict[str, float], hint: str) -> None:
    with pytest.raises(SettingsError, match=hint):
        kind(**values)


def test_temperature_zero_is_fine_where_it_is_not_used() -> None:
    assert SamplingSettings(temperature=0.0, greedy=True).greedy


def test_a_window_is_counted_in_chunks_of_any_length() -> None:
    assert WindowSettings(chunk_s=0.4, fps=5.0, vision_window_s=2.0).vision_rounds == 5
    assert WindowSettings(chunk_s=2.0, fps=1.5, vision_window_s=16.0).frames_per_chunk == 3


def test_settings_are_read_from_beside_a_checkpoint(tmp_path: Path) -> None:
    assert StreamSettings.from_checkpoint(tmp_path) == StreamSettings()
    values = {"window": {"text_sink": 96, "fps": 4.0}, "sampling": {"greedy": True}, "query": "Describe"}
    (tmp_path / "ringside.json").write_text(json.dumps(values))
    settings = StreamSettings.from_checkpoint(tmp_path)
    assert (settings.window.text_sink, settings.window.fps, settings.window.text_window) == (96, 4.0, 512)
    assert settings.sampling.greedy
    assert settings.query == "Describe"
    assert dataclasses.replace(settings, title="A match").title == "A match"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("{", "JSON"),
        ("[]", "object"),
        ('{"windows": {}}', "windows"),
        ('{"window": {"sink": 3}}', "window.sink"),
        ('{"window": 3}', "window must be"),
        ('{"sampling": {"top_p": 3}}', "top_p"),
        ('{"window": {"text_sink": "many"}}', "wrong type"),
    ],
)
def test_a_bad_settings_file_is_named_with_its_fault(tmp_path: Path, text: str, hint: str) -> None:
    (tmp_path / "ringside.json").write_text(text)
    with pytest.raises(EngineError, match=hint):
        StreamSettings.from_checkpoint(tmp_path)
