"""Languages as people call them, and as voices do.

Knows names and codes. Knows no voice.
"""

from __future__ import annotations

_CODES = {
    "arabic": ("ar",),
    "chinese": ("cmn", "zh"),
    "dutch": ("nl",),
    "english": ("en",),
    "french": ("fr",),
    "german": ("de",),
    "hindi": ("hi",),
    "italian": ("it",),
    "japanese": ("ja",),
    "korean": ("ko",),
    "polish": ("pl",),
    "portuguese": ("pt",),
    "russian": ("ru",),
    "spanish": ("es",),
    "vietnamese": ("vi",),
}

NATURAL = ("en", "es", "fr", "hi", "it", "pt")
"""Those that the natural voice can read."""

_RIGHT_TO_LEFT = ("ar",)


def codes(language: str) -> tuple[str, ...]:
    """How voices call a language ("German" or "de"); () for one that is not known."""
    word = language.strip().lower()
    if word in _CODES:
        return _CODES[word]
    return next((known for known in _CODES.values() if word in known), ())


def speaks(voice_language: str, language: str) -> bool:
    """Whether a voice of `voice_language` ("de", "fr-fr") speaks `language`."""
    return voice_language.split("-")[0] in codes(language)


def is_right_to_left(language: str) -> bool:
    """Whether a language ("Arabic") is read from the right."""
    return any(code in _RIGHT_TO_LEFT for code in codes(language))
