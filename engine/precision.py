"""How the parts of a model are stored, by the name of a precision.

Which part takes which format follows from the logits it costs (see ``engine/PERFORMANCE.md``): rounding the
embedding and the head to fp8 moves logits more than rounding every layer does, to int8 less; the vision tower's
int8 costs nothing that can be measured, and the small formats are chosen to save memory.

Knows: names, formats, bytes a weight, and which GPUs can run them. Does not know: torch, weights, sizes of models.
"""

from __future__ import annotations

import dataclasses

from engine.errors import SettingsError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Precision:
    """A format for each part; None leaves it in the model's own type."""

    name: str
    layers: str | None = None
    """Linear maps of the language model's layers."""
    embedding: str | None = None
    """Embedding and head."""
    vision: str | None = None
    """Linear maps of the vision tower."""


PRECISIONS = {
    kind.name: kind
    for kind in (
        Precision(name="bf16"),
        Precision(name="fp8", layers="fp8"),
        Precision(name="int8", layers="int8", embedding="int8", vision="int8"),
        Precision(name="int4", layers="int4", embedding="int8", vision="int8"),
    )
}
MOST_WIDENED = 1 << 26
"""Weights brought back to the model's type at once: a head of 7B in one piece took 1.1 GB for its widened copy."""
BITS_A_WEIGHT = {"fp8": 8.0, "int8": 8.0, "int4": 5.0}
"""Scales within a row included; one scale a row counts for nothing."""


OLDEST_CAPABILITY = (8, 0)
"""Compute capability (CUDA) from which on models run on a GPU: before Ampere there is no bfloat16."""
FP8_CAPABILITY = (8, 9)
"""From which on fp8 is there: Ada and Hopper."""


def dotted(capability: tuple[int, int]) -> str:
    """A compute capability as people write it: "8.9"."""
    return f"{capability[0]}.{capability[1]}"


def precision_named(name: str) -> Precision:
    """Raises SettingsError for a name that is not known."""
    if name not in PRECISIONS:
        raise SettingsError("precision", name, f"use one of {', '.join(PRECISIONS)}")
    return PRECISIONS[name]
