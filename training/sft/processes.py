"""What the processes of one run do together, their end, and what one of them does alone.

Knows torch's default process group and DeepSpeed's hold on transformers. Knows nothing of training.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers.integrations import deepspeed


def leave_together() -> None:
    """Wait for every process of the run, then end their group; nothing where there is one process.

    A launcher ends all processes as soon as one fails. One that leaves early takes its group down while the interpreter
    goes, which sometimes aborts it (gloo's threads), and the first process is ended while it writes the model.
    """
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized():
        distributed.barrier()
        distributed.destroy_process_group()


@contextmanager
def made_alone(accelerator: Any) -> Iterator[None]:
    """Models made in here are this process's own.

    Under ZeRO-3 transformers spreads every new model over all processes, and one that makes a model by itself would wait
    for the others for ever.
    """
    plugin = getattr(accelerator.state, "deepspeed_plugin", None)
    if plugin is None:
        yield
        return
    deepspeed.unset_hf_deepspeed_config()  # type: ignore[no-untyped-call]  # transformers has no types here
    try:
        yield
    finally:
        deepspeed.set_hf_deepspeed_config(plugin.dschf)  # type: ignore[no-untyped-call]  # as above
