"""What holds for every test: no screen is needed, threads that wait leave the cores to others, and Ctrl-C is heard."""

import os
import signal

from engine.threads import share_cores

# Before the first QApplication, in whichever folder it is made. A test that wants a real window starts its own screen.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
share_cores()

# A shell's background job hears no Ctrl-C, nor does what it starts. Tests that send one must be heard all the same.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
