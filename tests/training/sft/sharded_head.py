"""Two processes, each with half of a head.

The first has 37 tokens to learn, the second 5 or none; 51 words do not divide by two.
"""

import torch
from torch import distributed
from torch.distributed.fsdp import fully_shard

from training.sft.loss import token_loss

NUM_WORDS = 51


def check_head_in_parts() -> None:
    """AssertionError where loss or gradients are not those of one process with the whole head."""
    rank = distributed.get_rank()
    mesh = distributed.init_device_mesh("cpu", (2,))
    for counts in ((37, 5), (37, 0)):
        torch.manual_seed(0)
        whole, sharded = (torch.nn.Linear(16, NUM_WORDS, bias=False) for _ in range(2))
        sharded.load_state_dict(whole.state_dict())
        # As with ZeRO-3: gathered for each call, let go of after it.
        fully_shard(sharded, mesh=mesh, reshard_after_forward=True)
        hidden = [torch.randn(count, 16, requires_grad=True) for count in counts]
        labels = [torch.randint(0, NUM_WORDS, (count,)) for count in counts]
        loss, right = token_loss(sharded, hidden[rank], labels[rank], tokens_at_once=10)
        loss.backward()
        found = [loss.detach(), right, hidden[rank].grad.clone(), sharded.weight.grad.full_tensor()]
        hidden[rank].grad = None
        parts = [token_loss(whole, *part, tokens_at_once=100) for part in zip(hidden, labels, strict=True)]
        torch.stack([part[0] for part in parts]).mean().backward()
        mine = parts[rank]
        expected = [mine[0].detach(), mine[1], 2 * hidden[rank].grad, whole.weight.grad]
        torch.testing.assert_close(found, expected)
