"""Whether a file belongs to a program that is still alive: the one place where systems differ about that.

Knows locks that end with the process that holds them, however it ends. Knows nothing of what is in the files.
"""

from __future__ import annotations

import os
import sys

_FAR_AWAY = 1 << 40
"""Windows locks bytes rather than files, and nobody else may read those: so it is one that no journal reaches."""

if sys.platform == "win32":
    import msvcrt

    def lock(descriptor: int) -> bool:
        """Take the file, if nobody has it; False if a living process does. Held until the descriptor is closed."""
        position = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, _FAR_AWAY, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, position, os.SEEK_SET)
        return True

else:
    import fcntl

    def lock(descriptor: int) -> bool:
        """Take the file, if nobody has it; False if a living process does. Held until the descriptor is closed."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            # A network drive without locks: then nobody can be asked.
            return True
        return True
