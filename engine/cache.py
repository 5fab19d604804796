"""The streaming cache: the one object that owns keys and values.

Every key is kept twice: unrotated, as the model made it, and rotated for the positions of the present
context. An eviction compacts the unrotated keys and the values in place; then all kept keys are rotated
anew, once per step, always from the unrotated ones, so that nothing drifts (StreamingVLM, arXiv 2510.09608,
rotates them for every generated token; the result is the same).

Knows: tensors, their capacity, and how many places are filled. Does not know: tokens, positions, or why a
place goes.

Shapes: A layers, K key/value heads, L places, D head size, N new tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch

from engine.config import TextConfig
from engine.errors import OutOfMemoryError
from engine.fused import rotate_cache
from engine.memory import free_bytes, naming_memory, upload
from engine.rotary import RotaryTable

_MOST_MOVED_BYTES = 1 << 27
_NUM_STORES = 3  # unrotated keys, rotated keys, values


class StreamingCache:
    """Preallocated keys and values of one stream.

    ``capacity`` is the number of places; it only grows where a single step needs more (a long question,
    larger frames). Raises OutOfMemoryError if the device has no room.
    """

    def __init__(self, config: TextConfig, capacity: int, device: torch.device, dtype: torch.dtype) -> None:
        self._config = config
        self._device = device
        self._dtype = dtype
        self.length = 0
        """Filled places."""
        self._keys, self._rotated, self._values = self._allocate(capacity)

    @property
    def capacity(self) -> int:
        """Places there is room for."""
        return self._keys.shape[2]

    @property
    def num_bytes(self) -> int:
        """Memory of all stores."""
        return _NUM_STORES * self._keys.nbytes

    @property
    def keys(self) -> torch.Tensor:
        """Unrotated keys of the filled places, (A, K, L, D); a view."""
        return self._keys[:, :, : self.length]

    @property
    def rotated(self) -> torch.Tensor:
        """Rotated keys of the filled places, (A, K, L, D); a view."""
        return self._rotated[:, :, : self.length]

    @property
    def values(self) -> torch.Tensor:
        """Values of the filled places, (A, K, L, D); a view."""
        return self._values[:, :, : self.length]

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        return self._device

    @property
    def num_layers(self) -> int:
        """Layers of the language model."""
        return self._keys.shape[0]

    def stores(self, layer: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """All storage of one layer, (K, capacity, D) each: unrotated keys, rotated keys, values."""
        return self._keys[layer], self._rotated[layer], self._values[layer]

    def clear(self) -> None:
        """Empty every place; the storage stays."""
        self.length = 0

    def fill(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Hold these unrotated keys and values, (A, K, L, D), alone. Rotated keys are stale until ``rotate``."""
        self.clear()
        self.reserve(keys.shape[2])
        self.length = keys.shape[2]
        self.keys.copy_(keys)
        self.values.copy_(values)

    def reserve(self, num_new: int) -> None:
        """Make sure that ``num_new`` tokens fit after the filled places."""
        needed = self.length + num_new
        if needed <= self.capacity:
            return
        old = (self._keys, self._rotated, self._values)
        new = self._allocate(needed + needed // 8)
        for source, target in zip(old, new, strict=True):
            target[:, :, : self.length] = source[:, :, : self.length]
        self._keys, self._rotated, self._values = new

    def keep(
        self, places: Sequence[int] | npt.NDArray[np.int64], between: Callable[[], None] | None = None
    ) -> None:
        """Compact to the given places, in the given order. Rotated keys are stale until ``rotate``.

        ``between`` is called after each of the pieces in which they are moved.
        """
        kept = np.asarray(places, dtype=np.int64)
        moved = np.flatnonzero(kept != np.arange(len(kept)))
        first = int(moved[0]) if len(moved) else len(kept)
        self.length = len(kept)
        if first == len(kept):
            return
        index = upload(kept[first:], self._device)
        moved_bytes = self._keys[0, :, first : self.length].nbytes
        group = max(1, _MOST_MOVED_BYTES // max(moved_bytes, 1))  # the copy in between stays small
        for store in (self._keys, self._values):
            for layers in torch.split(store, group):
                layers[:, :, first : self.length] = layers.index_select(2, index)
                if between:
                    between()

    def rotate(self, table: RotaryTable) -> None:
        """Rotate every filled place from its unrotated key; ``table`` covers all ``length`` of them."""
        rotate_cache(self.rotated, self.keys, table)

    def append(
        self, layer: int, k_NKD: torch.Tensor, rotated_NKD: torch.Tensor, v_NKD: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write one layer's new tokens after the filled places.

        Returns that layer's rotated keys and values, (K, L, D) each, the new ones included. The places
        count as filled only after ``commit``: a forward that fails half-way leaves the cache as it was.
        """
        end = self.length + k_NKD.shape[0]
        new = slice(self.length, end)
        self._keys[layer, :, new] = k_NKD.transpose(0, 1)
        self._rotated[layer, :, new] = rotated_NKD.transpose(0, 1)
        self._values[layer, :, new] = v_NKD.transpose(0, 1)
        return self._rotated[layer, :, :end], self._values[layer, :, :end]

    def commit(self, num_new: int) -> None:
        """Count the ``num_new`` tokens that every layer has appended as filled."""
        self.length += num_new

    def _allocate(self, capacity: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        config = self._config
        shape = (config.num_layers, config.num_kv_heads, capacity, config.head_dim)
        needed = _NUM_STORES * int(np.prod(shape)) * self._dtype.itemsize
        free = free_bytes(self._device)
        if free is not None and needed > free:
            raise OutOfMemoryError(f"a context of {capacity} tokens", str(self._device), needed, free)
        with naming_memory(f"a context of {capacity} tokens", self._device):
            keys, rotated, values = (
                torch.zeros(shape, dtype=self._dtype, device=self._device) for _ in range(_NUM_STORES)
            )
        return keys, rotated, values
