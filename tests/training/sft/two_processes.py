"""What two processes do as one, in one start of both: `torchrun --nproc_per_node 2 -m tests.training.sft.two_processes OUT`.

Starting them takes longer than all they do here. OUT/plain is the run of `small_run`, OUT/pieces goes on with a run of ten
steps some of whose chunks can't be read, and a head in two parts is compared with a whole one.
"""

import sys
from pathlib import Path

import torch

from tests.training.sft.sharded_head import check_head_in_parts
from tests.training.sft.small_run import run, settings_for
from training.sft.processes import leave_together

UNREADABLE = frozenset([*range(0, 40, 4), *range(1, 40, 8)])

if __name__ == "__main__":
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    run(folder / "plain", settings_for())
    run(folder / "pieces", settings_for(num_steps=10), unreadable=UNREADABLE)
    check_head_in_parts()
    leave_together()
