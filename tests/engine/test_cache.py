"""The cache's tensors: appending, compacting, rotating, growing."""

import pytest
import torch

from engine import LoadedModel, OutOfMemoryError
from engine.cache import StreamingCache
from engine.rope import TextSpan, positions_3d
from engine.rotary import RotaryTable, TextRotary, rotate

CPU = torch.device("cpu")


def fill(cache: StreamingCache, model: LoadedModel, num_new: int, seed: int) -> torch.Tensor:
    """Append random tokens to every layer; their keys (A, N, K, D)."""
    config = model.config.text
    generator = torch.Generator().manual_seed(seed)
    shape = (config.num_layers, num_new, config.num_kv_heads, config.head_dim)
    keys = torch.randn(shape, generator=generator)
    cache.reserve(num_new)
    for layer in range(config.num_layers):
        cache.append(layer, keys[layer], torch.zeros_like(keys[layer]), -keys[layer])
    cache.commit(num_new)
    return keys


def table(model: LoadedModel, length: int) -> RotaryTable:
    return TextRotary(model.config.text, CPU).table(torch.from_numpy(positions_3d([TextSpan(length)])))


def test_tokens_count_only_when_every_layer_has_them(tiny: LoadedModel) -> None:
    cache = StreamingCache(tiny.config.text, 8, CPU, torch.float32)
    nothing = torch.zeros(3, tiny.config.text.num_kv_heads, tiny.config.text.head_dim)
    cache.append(0, nothing, nothing, nothing)
    assert cache.length == 0
    cache.commit(3)
    assert cache.length == 3


def test_compacting_keeps_the_given_places_in_the_given_order(tiny: LoadedModel) -> None:
    cache = StreamingCache(tiny.config.text, 10, CPU, torch.float32)
    keys = fill(cache, tiny, 10, seed=0)
    places = [0, 1, 7, 8, 2, 9]
    cache.keep(places)
    cache.rotate(table(tiny, len(places)))
    rotated, values = cache.rotated, cache.values
    assert torch.equal(values, -keys[:, places].transpose(1, 2))
    expected = torch.stack([rotate(layer, table(tiny, len(places))) for layer in keys[:, places]])
    assert torch.allclose(rotated, expected.transpose(1, 2), atol=1e-6)


def test_keeping_everything_moves_nothing(tiny: LoadedModel) -> None:
    cache = StreamingCache(tiny.config.text, 4, CPU, torch.float32)
    keys = fill(cache, tiny, 4, seed=0)
    cache.keep(range(4))
    assert torch.equal(cache.values, -keys.transpose(1, 2))
    cache.keep([])
    assert cache.length == 0


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.bfloat16, 0.05)])
def test_nothing_drifts_over_ten_thousand_evictions(
    tiny: LoadedModel, dtype: torch.dtype, tolerance: float
) -> None:
    """One token that stays for ever, rotated for a new place every time, is what it would be at once."""
    cache = StreamingCache(tiny.config.text, 8, CPU, dtype)
    first = fill(cache, tiny, 6, seed=0)
    size = cache.num_bytes
    tables = {n: table(tiny, n) for n in range(1, 9)}
    for step in range(10_000):
        cache.keep([0, 2, 1, 3] if step % 2 else [0, 1, 4, 5])
        cache.rotate(tables[cache.length])
        fill(cache, tiny, 2, seed=step % 5)
    cache.keep([5, 0])
    cache.rotate(tables[2])
    kept = cache.rotated[:, :, 1].float()
    expected = torch.stack([rotate(layer[:1].to(dtype).float(), tables[2][1:])[0] for layer in first])
    assert (kept - expected).abs().max() < tolerance
    assert cache.num_bytes == size


def test_storage_grows_only_where_a_step_needs_it(tiny: LoadedModel) -> None:
    cache = StreamingCache(tiny.config.text, 4, CPU, torch.float32)
    keys = fill(cache, tiny, 4, seed=0)
    assert cache.capacity == 4
    fill(cache, tiny, 3, seed=1)
    assert cache.capacity >= 7
    assert torch.equal(cache.values[:, :, :4], -keys.transpose(1, 2))
    grown = cache.capacity
    cache.clear()
    fill(cache, tiny, 7, seed=1)
    assert cache.capacity == grown


def test_a_context_larger_than_memory_is_refused_in_gigabytes(tiny: LoadedModel) -> None:
    with pytest.raises(OutOfMemoryError, match=r"GB needed, .* GB free") as caught:
        StreamingCache(tiny.config.text, 10**12, CPU, torch.float32)
    assert caught.value.needed_bytes is not None
    assert caught.value.needed_bytes > (caught.value.free_bytes or 0)
