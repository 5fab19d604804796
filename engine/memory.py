"""How much memory a device has left, saying so when it was not enough, and getting small things there.

Knows: CUDA's own count and Linux's; how a failed allocation looks on either; that a copy from ordinary memory makes
the host wait for the GPU.
Does not know: what the memory is for.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from engine.errors import OutOfMemoryError

_MEMINFO = Path("/proc/meminfo")


def free_bytes(device: torch.device) -> int | None:
    """Bytes that could still be allocated on ``device``; None where the system does not tell.

    On CUDA, memory that PyTorch holds in reserve but does not use counts as free.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type == "cpu" and _MEMINFO.is_file():
        for line in _MEMINFO.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


_NO_DEVICE_MEMORY = re.compile(r"CUDA.*out of memory|_ALLOC_FAILED", re.IGNORECASE)


@contextlib.contextmanager
def naming_memory(what: str, device: torch.device) -> Iterator[None]:
    """Turns every way in which an allocation fails in here into OutOfMemoryError, which says that ``what`` needed it.

    PyTorch's CUDA allocator has a class of error of its own; the CPU's raises RuntimeError, with the bytes in its text. What
    CUDA itself, its libraries and Triton ask for beside the allocator fails with RuntimeError, too.
    """
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise OutOfMemoryError(what, str(device), None, free_bytes(device)) from error
    except RuntimeError as error:
        if _NO_DEVICE_MEMORY.search(str(error)):
            raise OutOfMemoryError(what, str(device), None, free_bytes(device)) from error
        if "DefaultCPUAllocator" not in str(error):
            raise
        wanted = re.search(r"allocate (\d+) bytes", str(error))
        processor = torch.device("cpu")  # also for a model on a GPU: what failed is main memory
        raise OutOfMemoryError(
            what, str(processor), int(wanted[1]) if wanted else None, free_bytes(processor)
        ) from error


def upload(values: npt.NDArray[np.generic] | Sequence[int], device: torch.device) -> torch.Tensor:
    """An array, or ids as int64, on a device, in the order of the current stream.

    For CUDA it goes through pinned memory: the host need not wait until the GPU has come so far.
    """
    array = values if isinstance(values, np.ndarray) else np.array(values, dtype=np.int64)
    tensor = torch.from_numpy(array)
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
