"""The commands of `python -m training.evaluate`, a file each: from what was asked on the command line to a report."""
