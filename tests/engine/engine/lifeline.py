"""Ends this process with the one that started it, however that one ends.

The starter holds the other end of standard input open and writes to it the processes that must not outlive it: "+PID" when one
has started, "-PID" when it has ended. The pipe closes even when the starter is killed outright; what is on the list then is killed.
"""

import os
import signal
import sys
import threading


def hold() -> None:
    """Starts watching standard input, in the background."""
    threading.Thread(target=_watch, name="lifeline", daemon=True).start()


def _watch() -> None:
    dependants: set[int] = set()
    for line in sys.stdin:
        pid = int(line[1:])
        if line.startswith("+"):
            dependants.add(pid)
        else:
            dependants.discard(pid)
    for pid in dependants:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    os._exit(0)
