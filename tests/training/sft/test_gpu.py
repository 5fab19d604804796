"""What only a GPU has: torch's variable-length attention, and liger-kernel's fused loss."""

import pytest
import torch

from tests.training.sft.small_run import TEXTS, Chunks, small_model
from training.demo_model.architecture import train_tokenizer
from training.sft.collate import PackingCollator
from training.sft.loss import token_loss
from training.sft.model import ChunkModel, freeze_vision
from training.sft.packing import packed_attention
from training.sft.settings import AttentionKind, Recomputed

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("kind", ["varlen", "chunkwise"])
def test_attention_on_a_gpu_is_that_of_each_chunk_alone(kind: AttentionKind) -> None:
    torch.manual_seed(0)
    lengths = (130, 64, 517, 57)
    query, key, value = (
        torch.randn(1, heads, sum(lengths), 128, device="cuda", dtype=torch.bfloat16, requires_grad=True)
        for heads in (28, 4, 4)
    )
    starts = torch.tensor([0, *lengths], device="cuda").cumsum(0, dtype=torch.int32)
    together, _ = packed_attention(
        None,
        query,
        key,
        value,
        None,
        chunk_starts=starts,
        chunk_lengths=lengths,
        attention_kind=kind,
        scaling=128**-0.5,
    )
    together.float().square().sum().backward()
    grads = [part.grad.clone() for part in (query, key, value) if part.grad is not None]
    for part in (query, key, value):
        part.grad = None
    # float32 goes chunk by chunk.
    apart, _ = packed_attention(
        None,
        query.float(),
        key.float(),
        value.float(),
        None,
        chunk_starts=starts,
        chunk_lengths=lengths,
        scaling=128**-0.5,
    )
    apart.square().sum().backward()
    torch.testing.assert_close(together.float(), apart, atol=2e-2, rtol=2e-2)
    for grad, part in zip(grads, (query, key, value), strict=True):
        assert part.grad is not None
        error = (grad.float() - part.grad.float()).norm() / part.grad.float().norm()
        assert float(error) < 0.02


@pytest.mark.parametrize("recomputed", ["cheap", "mlp", "all"])
def test_what_is_recomputed_under_autocast_changes_no_gradient(recomputed: Recomputed) -> None:
    tokenizer = train_tokenizer(TEXTS)
    chunks = Chunks(tokenizer)
    batch = PackingCollator(max_chunk_tokens=256, pad_id=0)([chunks[2], chunks[3]])
    batch = {name: value.cuda() if torch.is_tensor(value) else value for name, value in batch.items()}
    batch["frames"] = [frames.cuda() for frames in batch["frames"]]
    grads = []
    for checkpoint in (False, True):
        hf = small_model(tokenizer).cuda()
        freeze_vision(hf)
        model = ChunkModel(
            hf, train_vision=False, checkpoint_layers=checkpoint, recomputed=recomputed, attention="chunkwise"
        ).train()
        with torch.autocast("cuda", torch.bfloat16):
            loss = model(**batch)["loss_sum"]
        loss.backward()
        grads.append(hf.model.language_model.layers[0].mlp.gate_proj.weight.grad)
    error = (grads[1] - grads[0]).norm() / grads[0].norm()
    assert float(error) < 0.01


def test_the_fused_loss_is_the_one_in_slices() -> None:
    pytest.importorskip("liger_kernel", reason="an extra: pip install -e '.[liger]'")
    torch.manual_seed(0)
    head = torch.nn.Linear(256, 4096, bias=False, device="cuda")
    hidden = torch.randn(300, 256, device="cuda", requires_grad=True)
    labels = torch.randint(0, 4096, (300,), device="cuda")
    losses, grads = [], []
    for kind in ("chunked", "liger"):
        head.weight.grad = hidden.grad = None
        loss, _ = token_loss(head, hidden, labels, kind=kind)
        loss.backward()
        losses.append(loss.detach())
        assert hidden.grad is not None
        grads.append(hidden.grad.clone())
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-3, atol=1e-2)
    torch.testing.assert_close(grads[1], grads[0], rtol=1e-2, atol=1e-3)
