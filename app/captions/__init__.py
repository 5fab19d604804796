"""Captions: phrases with times, and the files they are written to.

Knows SubRip, WebVTT, plain text and JSON lines. Knows nothing of models, videos or windows.
"""

from app.captions.files import CaptionFile, CaptionFiles, write_captions
from app.captions.formats import ENDINGS, CaptionFormat, format_for
from app.captions.phrase import Phrase

__all__ = [
    "ENDINGS",
    "CaptionFile",
    "CaptionFiles",
    "CaptionFormat",
    "Phrase",
    "format_for",
    "write_captions",
]
