"""What differs between Linux, Windows and macOS, behind functions that are the same on all three.

Nothing else in Ringside asks which system it runs on without a guard of its own.
"""
