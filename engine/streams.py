"""CUDA streams that are lent and used again.

Knows: that cuBLAS keeps a workspace of some 30 MB for every stream it has ever worked on. A stream that nobody holds any
more goes to the next who asks for one for the same use, so a program that begins its thousandth session holds what it held
after the first.
Does not know: what runs on a stream.
"""

from __future__ import annotations

import threading
import weakref

import torch

_Kind = tuple[torch.device, int, str]

_lock = threading.RLock()  # the collector may take back a stream on the thread that is just lending one
_idle: dict[_Kind, list[torch.cuda.Stream]] = {}


class LentStream:
    """A stream that nobody else has, until it is given back or this object is gone."""

    def __init__(self, device: torch.device, *, use: str, priority: int = 0) -> None:
        """``use``: what it is for, in a word. ``priority``: -1 goes before 0 within this process."""
        kind = (device, priority, use)
        with _lock:
            idle = _idle.get(kind)
            stream = idle.pop() if idle else None
        if stream is None:
            stream = torch.cuda.Stream(device, priority=priority)  # type: ignore[no-untyped-call]  # PyTorch has no types here
        self.stream: torch.cuda.Stream = stream
        # Not bound to self: it runs when self is gone, at the latest.
        self._return = weakref.finalize(self, _take_back, kind, stream)
        self._return.atexit = False

    def give_back(self) -> None:
        """Nothing more is started on it; whoever has it next comes after what was. A second time does nothing."""
        self._return()


def _take_back(kind: _Kind, stream: torch.cuda.Stream) -> None:
    with _lock:
        _idle.setdefault(kind, []).append(stream)
