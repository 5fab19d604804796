"""What a command line says about the commentary: its model, its title, and how the checkpoint's settings are altered.

Knows the options that `ringside caption` and `ringside narrate` share. Knows no video and no output.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from app.errors import UsageError
from app.models.local import chosen_models_folder, models_folder
from app.models.request import request_model
from app.models.store import ModelStore
from app.worker import LoadModel
from engine.errors import SettingsError
from engine.settings import StreamSettings

_SAMPLING = ("seed", "temperature", "top_p", "repetition_penalty", "name_bias", "max_new_tokens")
"""Options that are fields of `SamplingSettings`, where they are given."""


def read_title(text: str | None) -> str | None:
    """The title as it was given, or what stands in FILE for "@FILE". Raises UsageError."""
    if text is None or not text.startswith("@"):
        return text
    file = Path(text[1:])
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(
            f"The title cannot be read from {file}: {(error.strerror or str(error)).lower()}."
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"The title cannot be read from {file}: it is not UTF-8 text.") from error


def model_request(options: argparse.Namespace) -> LoadModel:
    """What the worker is to load. Raises RingsideError for what can be no model."""
    # What was downloaded before another folder was chosen is still there.
    stores = (ModelStore(chosen_models_folder()), ModelStore(models_folder()))
    return request_model(
        options.model, *stores, precision=options.precision, device=options.device, is_order=True
    ).load


def adjusted(
    model_settings: StreamSettings, options: argparse.Namespace, title: str | None
) -> StreamSettings:
    """The checkpoint's settings with what the command line says about them. Raises UsageError."""
    try:
        window, sampling = model_settings.window, model_settings.sampling
        if options.fps is not None:
            window = dataclasses.replace(window, fps=options.fps)
        given = {name: getattr(options, name) for name in _SAMPLING if getattr(options, name) is not None}
        sampling = dataclasses.replace(sampling, **given, greedy=options.greedy or sampling.greedy)
        return dataclasses.replace(
            model_settings,
            window=window,
            sampling=sampling,
            title=model_settings.title if title is None else title,
            query=model_settings.query if options.query is None else options.query,
        )
    except SettingsError as error:
        raise UsageError(str(error)) from error
