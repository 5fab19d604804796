"""What holds for every test: no screen is needed, and threads that wait leave the cores to others."""

import os

from engine.threads import share_cores

# Before the first QApplication, in whichever folder it is made. A test that wants a real window starts its own screen.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
share_cores()
