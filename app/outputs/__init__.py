"""Where captions go besides the window: files, a page for OBS, and OBS itself.

Knows each of these and keeps them fed. Knows no Qt, no model and no source.
"""
