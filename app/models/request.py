"""From the model that a person chose to what the worker is asked for: which files, on which device, how exactly.

Knows the difference between a setting, which holds on many machines, and an order on a command line. Knows no torch, and not
how a machine is asked or what fits.
"""

from __future__ import annotations

import dataclasses

from app.models.catalogue import find_model
from app.models.errors import ModelNotHereError
from app.models.fit import AUTO, known_device, place
from app.models.local import find_checkpoint
from app.models.machine import look
from app.models.store import ModelStore
from app.worker import LoadModel


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelRequest:
    """What the worker is asked for, and what that means for the model that is loaded now."""

    load: LoadModel
    has_room_beside: bool
    """Whether both can be in memory."""


def request_model(
    choice: str,
    *stores: ModelStore,
    precision: str = AUTO,
    device: str = AUTO,
    is_order: bool = False,
) -> ModelRequest:
    """Find a model and judge where it goes; takes up to some seconds, so not on a window's thread.

    A precision or card that this machine cannot give is passed over; with `is_order` (a command line) it is taken to the
    letter, and a hub model that is not here is left to the engine to download. Raises ModelNotHereError,
    ModelNotFoundError, ResourceMissingError.
    """
    model = find_model(choice)
    try:
        path = str(find_checkpoint(choice, *stores))
    except ModelNotHereError:
        if not is_order:
            raise
        path = choice
    machine = look()
    where = device if is_order else known_device(machine, device)
    placement = place(model, machine, precision, where)
    kept_in = precision if is_order and precision != AUTO else placement.precision
    return ModelRequest(
        load=LoadModel(path, placement.device, kept_in, model.revision),
        has_room_beside=placement.has_room_beside,
    )
