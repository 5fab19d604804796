"""Evaluation: published benchmarks and our own, one command each (`python -m training.evaluate`).

Knows videos, reference words, judges and scores. Uses the engine through its public parts only; knows nothing of how a
model was trained.
"""
