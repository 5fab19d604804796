"""What to say: personas, what is watched, and the language, brought together into the settings of a stream."""

from app.presets.book import PresetBook
from app.presets.brief import Brief
from app.presets.compose import honest_note, stream_settings
from app.presets.preset import BUILT_IN, DEFAULT_PRESET, Preset, PresetError

__all__ = [
    "BUILT_IN",
    "DEFAULT_PRESET",
    "Brief",
    "Preset",
    "PresetBook",
    "PresetError",
    "honest_note",
    "stream_settings",
]
