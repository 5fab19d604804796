"""A simulated five-a-side football league, seen from above, with a commentator: data that we can make ourselves.

Knows the game, its pictures, its words and how to score somebody else's words. Knows nothing of models or training.
"""
