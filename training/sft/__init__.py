"""Chunked supervised fine-tuning, as StreamingVLM does it (arXiv 2510.09608): full attention on short overlapped chunks.

Knows chunks, labels and the Trainer. Knows nothing of football.
"""
