"""How much memory the program takes, on the graphics card if the model is there.

Knows CUDA's count and Linux's. Knows no window; it waits, so it is asked in a thread.
"""

from __future__ import annotations

import sys
from pathlib import Path

_GIB = 1024**3
_STATM = Path("/proc/self/statm")
_PAGE_BYTES = 4096


def memory_in_words() -> str:
    """ "5.1 of 24.0 GB (graphics card)", "1.2 GB", or "" where the system does not tell."""
    # Nobody looks at memory before the model is there, so this is no reason to load torch.
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        _, total = torch.cuda.mem_get_info()
        return f"{torch.cuda.memory_reserved() / _GIB:.1f} of {total / _GIB:.1f} GB (graphics card)"
    if _STATM.is_file():
        return f"{int(_STATM.read_text(encoding='ascii').split()[1]) * _PAGE_BYTES / _GIB:.1f} GB"
    return ""
