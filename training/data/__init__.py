"""From videos to training chunks: index, transcribe, edit, cut, select, validate, count (arXiv 2510.09608, section 3.4).

Every step is a command over one manifest (`python -m training.data`) that can be killed anywhere and goes on. Knows the
published data sets' forms. Knows nothing of models that are trained on them.
"""
