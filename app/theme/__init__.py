"""How Ringside looks: colours, sizes, icons and the focus ring.

Knows the design tokens and how to turn them into a Qt style. Knows nothing of what any window is for.
"""
