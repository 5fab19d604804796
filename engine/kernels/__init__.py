"""Our kernels in Triton, which comes with CUDA builds of PyTorch. Nothing else in the engine needs them.

``one_row.py``         products of one row with a weight, plain or quantised, the norm or the gate included
``one_query.py``       attention of one query, split over the keys
``pointwise.py``       rotations, gates, and what puts a token into the cache
``widen.py``           weights of 8 and 4 bits back to the model's type
``tuning.py``          which way of cutting a kernel's work is the quickest on a GPU
``ops.py``             the parts of a layer for a single token, made of these
"""
