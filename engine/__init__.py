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
    from engine.model import LoadedModel as LoadedModel
    from engine.model import load_model as load_model
    from engine.prompt import PromptBuilder as PromptBuilder
    from engine.session import StreamingSession as StreamingSession
    from engine.settings import ResizeSettings as ResizeSettings
    from engine.settings import SamplingSettings as SamplingSettings
    from engine.settings import StreamSettings as StreamSettings
    from engine.settings import WindowSettings as WindowSettings
    from engine.step import StepResult as StepResult
    from engine.step import StepStream as StepStream
    from engine.step import StepTimings as StepTimings
    from engine.threads import share_cores as share_cores

_HOMES = {
    "CheckpointError": "errors",
    "EngineError": "errors",
    "FrameChunk": "chunk",
    "LoadedModel": "model",
    "OutOfMemoryError": "errors",
    "PromptBuilder": "prompt",
    "ResizeSettings": "settings",
    "SamplingSettings": "settings",
    "SettingsError": "errors",
    "StepResult": "step",
    "StepStream": "step",
    "StepTimings": "step",
    "StreamSettings": "settings",
    "StreamingSession": "session",
    "WindowSettings": "settings",
    "load_model": "model",
    "share_cores": "threads",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    return getattr(importlib.import_module(f"engine.{_HOMES[name]}"), name)
