"""The overlay: captions in a window of their own, above everything, that clicks pass through."""

from app.window.overlay.overlay import Overlay
from app.window.overlay.window import UNLOCKED_SENTENCE, OverlayWindow

__all__ = ["UNLOCKED_SENTENCE", "Overlay", "OverlayWindow"]
