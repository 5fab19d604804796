"""Importing the engine in a thread without holding up the others.

Knows: what in ``import torch`` keeps every other thread of Python waiting (loading its library, a fifth of a second
and more; full garbage collections over the many new objects, a tenth each), and how to avoid that. A window that
shows while this happens stays smooth.
Does not know: the engine's insides.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib.util
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from app.models.machine import number_cards_as_the_driver
from app.worker.cores import usable_cores
from engine.threads import share_cores

_log = logging.getLogger("ringside.app.worker")


def import_engine() -> None:
    """Import torch and the engine, for use in the calling thread. Raises ImportError."""
    share_cores()
    number_cards_as_the_driver()
    with _without_collections():
        _load_torch_library()
        importlib.import_module("engine.model")
        importlib.import_module("engine.session")
    torch = importlib.import_module("torch")
    # torch counts the machine's cores, also in a container that may use two of them.
    torch.set_num_threads(min(torch.get_num_threads(), usable_cores()))


@contextlib.contextmanager
def _without_collections() -> Iterator[None]:
    """Nothing that is imported is ever garbage: don't search it, now or later."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


def _load_torch_library() -> None:
    """Have the system load torch's library, so that Python's import finds it there.

    Python loads a library with its lock held; a foreign function that does the same runs without the lock. A library
    that cannot be loaded here is left to the import, which says what is wrong.
    """
    if "torch" in sys.modules or sys.platform == "win32":
        return
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.restype, dlopen.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_int)
    folder = Path(spec.origin).parent / "lib"
    ending = "dylib" if sys.platform == "darwin" else "so"
    # As torch itself does: what it depends on first, and for everyone.
    for name, scope in (("libtorch_global_deps", os.RTLD_GLOBAL), ("libtorch", 0)):
        file = folder / f"{name}.{ending}"
        if not dlopen(os.fsencode(file), os.RTLD_LAZY | scope):
            _log.debug("%s is left to the import", file)
            return
