"""The window: what a person sees and touches.

State objects (`app.window.state`) know no Qt; widgets show them; a controller moves work between them, the sources,
the worker and speech. Knows nothing of how commentary is made.
"""
