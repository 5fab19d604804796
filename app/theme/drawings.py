"""Icons as files in the palette's colours, for style sheets, which can only name files.

Knows where they lie while the program runs. Knows no palette and no style.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from app import resources


class Drawings:
    """A folder of tinted icons that goes when the program ends."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="ringside-theme-", ignore_cleanup_errors=True)

    def url(self, icon: str, colour: str) -> str:
        """What a style sheet calls the icon in this colour ("#RRGGBB"). Raises ResourceMissingError."""
        file = Path(self._folder.name) / f"{icon}-{colour.lstrip('#')}.svg"
        if not file.exists():
            drawing = resources.icon(icon).read_text(encoding="utf-8")
            file.write_text(drawing.replace("currentColor", colour), encoding="utf-8")
        return f'url("{file.as_posix()}")'
