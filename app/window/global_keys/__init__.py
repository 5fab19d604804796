"""Keys that work while another program has the keyboard, where the system allows it."""

from app.window.global_keys.global_keys import GlobalKeys

__all__ = ["GlobalKeys"]
