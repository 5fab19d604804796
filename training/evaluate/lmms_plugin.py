"""Tells lmms-eval where our model is: the entry point of the group `lmms_eval.models`.

Knows a name and a path. Knows nothing of the model.
"""

from typing import Any


def manifest() -> Any:
    """What lmms-eval's registry wants to know."""
    from lmms_eval.models.registry_v2 import ModelManifest

    return ModelManifest(model_id="ringside", simple_class_path="training.evaluate.lmms_model.Ringside")
