"""The demo model: a Qwen2.5-VL small enough to ship, trained from scratch on the demo league.

Knows its architecture, its tokenizer, its training data and how it is scored and published.
"""
