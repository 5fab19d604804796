"""OVO-Bench: questions at a moment of a running video, about what was, what is, and what is still to come."""
