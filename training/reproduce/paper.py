"""What the paper reports (arXiv 2510.09608, the 7B model), beside which our rows are shown.

Knows published figures only. A row for which no published figure is known to us is not here, and its column stays empty.

Win rates are percent against GPT-4o mini on Inf-Streams-Eval, endless, judged by a language model; those of sink and
text window are on basketball alone. Our scores are shares of what is said that is right. The two are not one scale: what
can be compared is which row is better, and by how much of the way.
"""

WIN_RATES: dict[str, dict[str, str]] = {
    "rope": {"ours": "66.18", "native": "25.09"},
    "memory": {"ours": "73.64 (512/512)", "no-sink": "66.76 (0/512)", "no-window": "69.68 (512/0)"},
    "vision": {
        "vision-0": "52.90",
        "vision-1": "63.46",
        "vision-4": "66.08",
        "vision-8": "65.66",
        "vision-16": "66.18",
    },
    "attention": {"full": "falls to 0", "chunks": "about 23", "ours": "64 to 68.5"},
    "stability": {"ours": "64 to 68.5 in five fifths of 2 h"},
}

LATENCIES: dict[str, str] = {
    "full": "40 rising to 570, out of memory near 230 s",
    "recomputed": "250 to 410",
    "ours": "about 50, flat",
}
"""Milliseconds a token on an H100, from the paper's figure on latency."""
