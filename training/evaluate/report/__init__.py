"""Reports: the figures of an evaluation as Markdown and as one page that needs nothing but itself."""
