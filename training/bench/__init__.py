"""How fast fine-tuning is on this machine: random weights, a made-up video, and the trainer that trains in earnest.

`python -m training.bench --help` says what can be chosen.
"""
