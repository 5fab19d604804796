"""Recording work as a CUDA graph.

Knows: warming up on a stream of its own, recording, replaying; elsewhere than on CUDA the work simply runs.
Does not know: what the work is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch

from engine.streams import LentStream

_NUM_WARM = 2  # runs before recording: kernels are compiled and libraries allocate their workspaces


def record(work: Callable[[], None], device: torch.device, *, use: str, recorded: bool) -> Callable[[], None]:
    """A function that does ``work`` on the current stream; ``use`` is what it is for, in a word.

    With ``recorded`` on CUDA it replays a graph of it. ``work`` must read and write tensors that stay where they
    are, must not wait for the device, and is run a few times now. Elsewhere ``work`` itself is returned, not run.
    """
    if device.type != "cuda" or not recorded:
        return work
    with torch.cuda.device(device):
        here = torch.cuda.current_stream()
        # A stream to each recording: on a shared one, two that run side by side would share cuBLAS's workspace too.
        lent = LentStream(torch.device("cuda", torch.cuda.current_device()), use=use)
        aside = lent.stream
        aside.wait_stream(here)
        with torch.cuda.stream(aside):
            for _ in range(_NUM_WARM):
                work()
        here.wait_stream(aside)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=aside, capture_error_mode="thread_local"):
            work()
    return functools.partial(_replay, graph, work, lent)


def _replay(graph: torch.cuda.CUDAGraph, _work: Callable[[], None], _lent: LentStream) -> None:
    """Replay. ``_work`` is held because a graph reads its tensors by address and keeps none of them alive, ``_lent``
    because it uses the stream's workspace."""
    graph.replay()
