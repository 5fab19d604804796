"""From preset, brief, language and model to the settings of a stream, and what has to be said honestly about them.

Knows which wishes a model understands. Knows no window and no file.
"""

from __future__ import annotations

import dataclasses

from app.models.catalogue import CatalogueModel
from app.presets.brief import Brief
from app.presets.preset import DEFAULT_PRESET, Preset
from engine.settings import StreamSettings


def stream_settings(
    usual: StreamSettings, *, model: CatalogueModel, preset: Preset, brief: Brief, language: str = ""
) -> StreamSettings:
    """The checkpoint's `usual` settings with everything a person wished for that this model understands."""
    if not model.follows_requests:
        return dataclasses.replace(usual, title=brief.line)
    query = preset.query or usual.query
    if language:
        query = f"{query.rstrip(' .')}. Speak {language}."
    return dataclasses.replace(
        usual, title=preset.title(brief.values), query=query, sampling=preset.sampling(usual.sampling)
    )


def honest_note(
    model: CatalogueModel, preset: Preset, language: str, *, watches_demo_match: bool = True
) -> str:
    """What this model will not do of what was wished; "" if it can be expected to do it all."""
    if not model.follows_requests:
        if not watches_demo_match:
            return (
                f"The {model.name.lower()} was trained only on the demo match: of other pictures it makes football up. "
                "Choose a larger model for those."
            )
        if preset.key == DEFAULT_PRESET and language in ("", *model.languages):
            return ""
        return f"The {model.name.lower()} comments on football in English only. Personas and languages need a larger model."
    if language and language not in model.languages:
        return (
            f"{model.name} was taught in {model.languages[0]}; it may speak {language} badly, or not at all."
        )
    return ""


def answer_note(model: CatalogueModel) -> str:
    """What to expect of this model's answers; "" if nothing needs to be said."""
    if not model.follows_requests:
        return (
            f"The {model.name.lower()} was not taught to answer: it goes on commenting. Larger models answer."
        )
    return ""
