"""The paper's experiments in miniature: the tables of arXiv 2510.09608 on the demo league, in our own engine.

Knows which variants are compared, how they are run, resumed and reported.
"""
