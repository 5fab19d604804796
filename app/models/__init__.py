"""Models: which there are, which fit this machine, how they come here, and where they lie.

Nothing here imports torch or Qt; downloads run in a process of their own.
"""
