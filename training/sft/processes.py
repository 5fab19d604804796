"""How the processes of one run end: together.

Knows torch's default process group. Knows nothing of training.
"""

import torch


def leave_together() -> None:
    """Wait for every process of the run, then end their group; nothing where there is one process.

    A launcher ends all processes as soon as one fails. One that leaves early takes its group down while the interpreter
    goes, which sometimes aborts it (gloo's threads), and the first process is ended while it writes the model.
    """
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized():
        distributed.barrier()
        distributed.destroy_process_group()
