"""The attention file against attention written out."""

import pytest
import torch

from engine.attention import WindowLayout, WindowRun, attend_cached, attend_windows, causal_bias


def plain(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
    """One head; (N, D), (L, D), (L, D), (N, L)."""
    scores = (q.double() @ k.double().T / q.shape[-1] ** 0.5).masked_fill(~visible, -torch.inf)
    return torch.softmax(scores, dim=-1) @ v.double()


@pytest.mark.parametrize("num_new", [1, 2, 7, 20])
@pytest.mark.parametrize(("num_heads", "num_kv_heads"), [(4, 4), (4, 2), (6, 1)])
def test_new_tokens_see_what_is_before_them(num_new: int, num_heads: int, num_kv_heads: int) -> None:
    torch.manual_seed(0)
    storage = torch.randn(2, num_kv_heads, 40, 8)  # longer than what is filled, as the cache's is
    k, v = storage[0, :, :20], storage[1, :, :20]
    q = torch.randn(num_new, num_heads, 8)
    bias = causal_bias(num_new, 20, num_heads // num_kv_heads, q)
    out = attend_cached(q, k, v, bias).view(num_new, num_heads, 8)
    visible = torch.arange(20)[None] <= torch.arange(20 - num_new, 20)[:, None]
    for head in range(num_heads):
        kv = head * num_kv_heads // num_heads
        assert torch.allclose(out[:, head].double(), plain(q[:, head], k[kv], v[kv], visible), atol=1e-5)


@pytest.mark.parametrize("num_sequences", [1, 3])
def test_windows_do_not_see_each_other(num_sequences: int) -> None:
    torch.manual_seed(0)
    layout = WindowLayout(
        (WindowRun(0, 2, 6), WindowRun(12, 1, 5), WindowRun(17, 3, 1)), num_sequences, torch.device("cpu")
    )
    assert layout.starts.tolist()[:7] == [0, 6, 12, 17, 18, 19, 20]
    assert layout.max_length == 6
    window = torch.bucketize(torch.arange(20 * num_sequences), layout.starts, right=True)
    q, k, v = torch.randn(3, 20 * num_sequences, 2, 8)
    out = attend_windows(q, k, v, layout).unflatten(-1, (2, 8))
    for head in range(2):
        expected = plain(q[:, head], k[:, head], v[:, head], window[:, None] == window[None])
        assert torch.allclose(out[:, head].double(), expected, atol=1e-5)
