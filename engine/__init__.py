"""Ringside's streaming engine: Qwen2.5-VL on a compact streaming KV cache (StreamingVLM, arXiv 2510.09608).

Knows: checkpoints, frames, token ids, and what stays in the context. Names below are loaded when first
used, so importing ``engine`` costs nothing and does not load torch.
Does not know: windows, sound, files of captions, football.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.chunk import FrameChunk as FrameChunk
    from engine.errors import CheckpointError as CheckpointError
    from engine.errors import EngineError as EngineError
    from engine.errors import OutOfMemoryError as OutOfMemoryError
    from engine.errors import SettingsError as SettingsError
    from engine.prompt import PromptBuilder as PromptBuilder
    from engine.settings import ResizeSettings as ResizeSettings
    from engine.settings import SamplingSettings as SamplingSettings
    from engine.settings import StreamSettings as StreamSettings
    from engine.settings import WindowSettings as WindowSettings

_HOMES = {
    "CheckpointError": "errors",
    "EngineError": "errors",
    "FrameChunk": "chunk",
    "OutOfMemoryError": "errors",
    "PromptBuilder": "prompt",
    "ResizeSettings": "settings",
    "SamplingSettings": "settings",
    "SettingsError": "errors",
    "StreamSettings": "settings",
    "WindowSettings": "settings",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    return getattr(importlib.import_module(f"engine.{_HOMES[name]}"), name)
