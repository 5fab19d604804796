"""Measuring the engine on the machine at hand: ``python -m engine.bench``.

``models.py``      models of a size with random weights, made in memory
``stream.py``      running a session and summing up what its steps took
``ceilings.py``    what the machine can do, and the operations and bytes that a step needs
``baseline.py``    the same model and tokens by plain transformers
``search.py``      the highest frame rate that is kept up
``neighbour.py``   another program on the same GPU, and how its frames fare
``endurance.py``   hours of stream, and their plot
``report.py``      the table for people
``__main__.py``    the command line
"""
