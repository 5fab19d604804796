"""How the model is made: the demo league, chunked fine-tuning, and the demo model.

Imports `engine` for the prompt, the positions and the preprocessing, so that training and streaming see the same tokens.
Never imports `app`.
"""
